/** The limits of a budget: its share of the event loop, and the work in its queue. */
export interface BudgetLimits {
  /** The part of the event loop's time while the loop is otherwise idle, 0 to 1. */
  readonly share: number;
  /** The part while the loop has no idle time, 0 to 1. It falls to this with the last third of that time. */
  readonly busyShare: number;
  /** Time that may be used at once after an idle period, in milliseconds. */
  readonly burstMs: number;
  /** Longest wait in milliseconds; then work is refused. */
  readonly waitMaxMs: number;
  /** Most pieces of work in the queue. */
  readonly waitingMax: number;
  /** Most weight of all work in the queue. */
  readonly weightMax: number;
}

/** A piece of synchronous work. */
export interface Work {
  /** Its memory in the queue; also the estimate of its duration. */
  readonly weight: number;
  /** Whether all its callers have disconnected. */
  isClosed(): boolean;
  run(): void;
  /** Called instead of `run`: it waited too long, the queue is full, or `isClosed`. */
  refuse(): void;
}

/** The deadline and the callers of queued work. */
interface QueueEntry {
  /** By this process's monotonic clock. */
  readonly until: number;
  readonly callers: Set<string>;
}

/** The queued work of one caller. */
interface CallerQueue {
  readonly works: Set<Work>;
  weight: number;
}

/** The part of its time, 0 to 1, that the event loop was busy over the last measured period. */
export type Utilization = () => number;

/** The part of idle time that a loop has before a sale fills it: above it, new documents delay nothing. */
const IDLE_ENOUGH = 1 / 3;

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

/** Most background work in the queue: a flood of documents must not keep all of them in memory. */
const BACKGROUND_MAX = 100;

/**
 * Runs work in a bounded share of the event loop's time. One piece runs in a turn of the loop. The next
 * starts when its share of the elapsed time covers the time of the last. All other work has priority.
 *
 * Callers take turns, and of one caller's work the lightest runs first. A flood of one caller delays
 * the work of another by one piece only. A flood of heavy work delays no light piece.
 */
export class WorkBudget {
  readonly #limits: BudgetLimits;
  /** In order of arrival. */
  readonly #queued = new Map<Work, QueueEntry>();
  /** In order of their turns. A caller without work is not in it. */
  readonly #queues = new Map<string, CallerQueue>();
  #weight = 0;
  readonly #background: (() => void)[] = [];
  /** When the share of the elapsed time covers all the time used so far. */
  #coveredAt = -Infinity;
  #isAwake = false;

  readonly #utilization: Utilization;

  constructor(limits: BudgetLimits, utilization: Utilization = measuredUtilization()) {
    this.#limits = limits;
    this.#utilization = utilization;
  }

  /**
   * Queues work, which is run or refused later. Work that is already queued runs once, in a turn of any of
   * its callers.
   */
  add(work: Work, caller: string): void {
    this.#enqueue(work, caller);
    while (this.#queued.size > this.#limits.waitingMax) this.#evict(({ works }) => works.size);
    while (this.#weight > this.#limits.weightMax) this.#evict(({ weight }) => weight);
    this.#wakeLater();
  }

  /** Queues work that runs when no other work is queued. False if the queue is full: it is not run. */
  addBackground(run: () => void): boolean {
    if (this.#background.length >= BACKGROUND_MAX) return false;
    this.#background.push(run);
    this.#wakeLater();
    return true;
  }

  /** Number of queued pieces of work. */
  get length(): number {
    return this.#queued.size + this.#background.length;
  }

  #enqueue(work: Work, caller: string): void {
    let entry = this.#queued.get(work);
    if (entry === undefined) {
      const until = performance.now() + this.#limits.waitMaxMs;
      this.#queued.set(work, (entry = { until, callers: new Set() }));
      this.#weight += work.weight;
    }
    if (entry.callers.has(caller)) return;
    entry.callers.add(caller);
    const queue = this.#queues.get(caller) ?? { works: new Set(), weight: 0 };
    queue.works.add(work);
    queue.weight += work.weight;
    this.#queues.set(caller, queue);
  }

  /** Removes the work from the queues of all its callers. */
  #remove(work: Work): void {
    for (const caller of this.#queued.get(work)!.callers) {
      const queue = this.#queues.get(caller)!;
      queue.works.delete(work);
      queue.weight -= work.weight;
      if (queue.works.size === 0) this.#queues.delete(caller);
    }
    this.#queued.delete(work);
    this.#weight -= work.weight;
  }

  /**
   * Refuses work of the caller with the largest queue: the heaviest piece whose callers all have queues
   * that large. So a caller with little work keeps a piece that it shares with a caller with much.
   */
  #evict(sizeOf: (queue: CallerQueue) => number): void {
    const queues = [...this.#queues.values()];
    const largest = queues.reduce((most, one) => (sizeOf(one) > sizeOf(most) ? one : most));
    const works = [...largest.works].map((work) => {
      const callers = [...this.#queued.get(work)!.callers];
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
    // Wakes at the deadline of the oldest work at the latest; a busy loop makes the timer late.
    const [oldest] = this.#queued.values();
    const at = Math.min(this.#startAt, oldest?.until ?? Infinity);
    const inMs = at - performance.now();
    if (inMs <= 0) setImmediate(this.#wake);
    else setTimeout(this.#wake, Math.ceil(inMs));
  }

  /** When the next piece may run. */
  get #startAt(): number {
    return this.#coveredAt - this.#limits.burstMs;
  }

  readonly #wake = (): void => {
    this.#isAwake = false;
    this.#refuseLate();
    if (this.length > 0 && performance.now() >= this.#startAt) this.#runNext();
    this.#wakeLater();
  };

  /** Refuses all work that has waited too long or whose callers have disconnected. */
  #refuseLate(): void {
    const now = performance.now();
    for (const [work, { until }] of this.#queued) {
      if (until > now && !work.isClosed()) continue;
      this.#remove(work);
      work.refuse();
    }
  }

  #runNext(): void {
    const startedAt = performance.now();
    if (this.#queues.size > 0) this.#takeNext().run();
    else this.#background.shift()!();
    const usedMs = performance.now() - startedAt;
    this.#coveredAt = Math.max(this.#coveredAt, startedAt) + usedMs / this.#share;
  }

  /** Decreases with the idle time, so that new documents take little from a busy sale. */
  get #share(): number {
    const { share, busyShare } = this.#limits;
    const idle = Math.min(1, (1 - this.#utilization()) / IDLE_ENOUGH);
    return busyShare + (share - busyShare) * idle;
  }

  /**
   * The lightest work of the caller whose turn it is. The caller then moves to the end of the turns.
   */
  #takeNext(): Work {
    const [[caller, queue]] = this.#queues as unknown as [[string, CallerQueue]];
    const work = [...queue.works].reduce((best, one) => (one.weight < best.weight ? one : best));
    this.#queues.delete(caller);
    this.#queues.set(caller, queue);
    this.#remove(work);
    return work;
  }
}
