/** How much of the event loop work may take, and how much of it may wait. */
export interface BudgetLimits {
  /** The part of the event loop's time while the loop is otherwise idle, 0 to 1. */
  readonly share: number;
  /** The part while the loop has no idle time, 0 to 1. In between, the part falls in proportion. */
  readonly busyShare: number;
  /** Time that may be taken at once after a rest, in milliseconds. */
  readonly burstMs: number;
  /** Longest wait; past it, work is refused. */
  readonly waitMaxMs: number;
  /** Most work that waits. */
  readonly waitingMax: number;
  /** Most weight of all that waits. */
  readonly weightMax: number;
}

/** A piece of synchronous work that somebody waits for. */
export interface Work {
  /** What it holds in memory while it waits; also the guess at how long it takes. */
  readonly weight: number;
  /** Whether its result is of no use any more. */
  isGone(): boolean;
  run(): void;
  /** It is not run: it waited too long, too much waits, or it is gone. */
  refuse(): void;
}

/** What is known of work while it waits. */
interface Waiting {
  /** By this process's monotonic clock. */
  readonly until: number;
  readonly callers: Set<string>;
}

/** The work that one caller waits for. */
interface CallerQueue {
  readonly works: Set<Work>;
  weight: number;
}

/** The part of its time, 0 to 1, that the event loop was busy over the last measured period. */
export type Utilization = () => number;

/** The period over which the event loop's utilization is measured, in milliseconds. */
const UTILIZATION_MS = 250;

/** Measures the event loop of this process. */
function measuredUtilization(): Utilization {
  let last = performance.eventLoopUtilization();
  let measuredAt = performance.now();
  let utilization = 0;
  return () => {
    const now = performance.now();
    if (now - measuredAt < UTILIZATION_MS) return utilization;
    const current = performance.eventLoopUtilization();
    ({ utilization } = performance.eventLoopUtilization(current, last));
    [last, measuredAt] = [current, now];
    return utilization;
  };
}

/** Most background work that waits: a flood of documents must not keep all of them in memory. */
const BACKGROUND_MAX = 100;

/**
 * Runs work in a bounded share of the event loop's time. One piece runs in a turn of the loop; the next
 * starts when the time that it took has been earned again. So everything else on the loop goes first.
 *
 * Callers take turns, and of one caller's work the lightest runs first. So a flood of one caller delays
 * the work of another by one piece only, and a flood of heavy work delays no light piece.
 */
export class WorkBudget {
  readonly #limits: BudgetLimits;
  /** In order of arrival. */
  readonly #waiting = new Map<Work, Waiting>();
  /** In order of their turns. A caller without work is not in it. */
  readonly #queues = new Map<string, CallerQueue>();
  #weight = 0;
  readonly #background: (() => void)[] = [];
  /** When all the time taken so far has been earned again. */
  #earnedAt = -Infinity;
  #isAwake = false;

  readonly #utilization: Utilization;

  constructor(limits: BudgetLimits, utilization: Utilization = measuredUtilization()) {
    this.#limits = limits;
    this.#utilization = utilization;
  }

  /**
   * Runs this work or refuses it, later. Work that waits already is then run in a turn of any of its
   * callers, once.
   */
  add(work: Work, caller: string): void {
    this.#enqueue(work, caller);
    while (this.#waiting.size > this.#limits.waitingMax) this.#evict(({ works }) => works.size);
    while (this.#weight > this.#limits.weightMax) this.#evict(({ weight }) => weight);
    this.#wakeLater();
  }

  /** Runs this when no other work waits. False where too much waits: it is then not run. */
  addBackground(run: () => void): boolean {
    if (this.#background.length >= BACKGROUND_MAX) return false;
    this.#background.push(run);
    this.#wakeLater();
    return true;
  }

  /** Pieces of work that wait. */
  get length(): number {
    return this.#waiting.size + this.#background.length;
  }

  #enqueue(work: Work, caller: string): void {
    let waiting = this.#waiting.get(work);
    if (waiting === undefined) {
      const until = performance.now() + this.#limits.waitMaxMs;
      this.#waiting.set(work, (waiting = { until, callers: new Set() }));
      this.#weight += work.weight;
    }
    if (waiting.callers.has(caller)) return;
    waiting.callers.add(caller);
    const queue = this.#queues.get(caller) ?? { works: new Set(), weight: 0 };
    queue.works.add(work);
    queue.weight += work.weight;
    this.#queues.set(caller, queue);
  }

  /** Takes the work out of every queue that it is in. */
  #remove(work: Work): void {
    for (const caller of this.#waiting.get(work)!.callers) {
      const queue = this.#queues.get(caller)!;
      queue.works.delete(work);
      queue.weight -= work.weight;
      if (queue.works.size === 0) this.#queues.delete(caller);
    }
    this.#waiting.delete(work);
    this.#weight -= work.weight;
  }

  /**
   * Refuses work of the caller who has most: the heaviest of what only callers with as much wait for.
   * So a caller with little does not lose work that one with much has sent as well.
   */
  #evict(sizeOf: (queue: CallerQueue) => number): void {
    const queues = [...this.#queues.values()];
    const largest = queues.reduce((most, one) => (sizeOf(one) > sizeOf(most) ? one : most));
    const works = [...largest.works].map((work) => {
      const callers = [...this.#waiting.get(work)!.callers];
      return { work, least: Math.min(...callers.map((one) => sizeOf(this.#queues.get(one)!))) };
    });
    const { work } = works.reduce((worst, one) => {
      const isHeavier = one.least === worst.least && one.work.weight > worst.work.weight;
      return one.least > worst.least || isHeavier ? one : worst;
    });
    this.#remove(work);
    work.refuse();
  }

  #wakeLater(): void {
    if (this.#isAwake || this.length === 0) return;
    this.#isAwake = true;
    // The oldest waits for its end; a timer that is late, because the loop is busy, refuses at its next turn.
    const [oldest] = this.#waiting.values();
    const at = Math.min(this.#startAt, oldest?.until ?? Infinity);
    const inMs = at - performance.now();
    if (inMs <= 0) setImmediate(this.#wake);
    else setTimeout(this.#wake, Math.ceil(inMs));
  }

  /** From when on the next piece may run. */
  get #startAt(): number {
    return this.#earnedAt - this.#limits.burstMs;
  }

  readonly #wake = (): void => {
    this.#isAwake = false;
    this.#refuseLate();
    if (this.length > 0 && performance.now() >= this.#startAt) this.#runNext();
    this.#wakeLater();
  };

  /** Refuses all that has waited too long or is gone, however many. */
  #refuseLate(): void {
    const now = performance.now();
    for (const [work, { until }] of this.#waiting) {
      if (until > now && !work.isGone()) continue;
      this.#remove(work);
      work.refuse();
    }
  }

  #runNext(): void {
    const startedAt = performance.now();
    if (this.#queues.size > 0) this.#takeNext().run();
    else this.#background.shift()!();
    const took = performance.now() - startedAt;
    this.#earnedAt = Math.max(this.#earnedAt, startedAt) + took / this.#share;
  }

  /** Falls with the idle time, so that new documents take little from a busy sale. */
  get #share(): number {
    const { share, busyShare } = this.#limits;
    return busyShare + (share - busyShare) * (1 - this.#utilization());
  }

  /** The lightest work of the caller whose turn it is. This caller's next turn comes after all others'. */
  #takeNext(): Work {
    const [[caller, queue]] = this.#queues as unknown as [[string, CallerQueue]];
    const work = [...queue.works].reduce((best, one) => (one.weight < best.weight ? one : best));
    this.#queues.delete(caller);
    this.#queues.set(caller, queue);
    this.#remove(work);
    return work;
  }
}
