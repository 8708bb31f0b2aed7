/** How much of the event loop work may take, and how much of it may wait. */
export interface BudgetLimits {
  /** The part of the event loop's time, 0 to 1. */
  readonly share: number;
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

interface Waiting {
  readonly work: Work;
  /** By this process's monotonic clock. */
  readonly until: number;
}

/**
 * Runs work in a bounded share of the event loop's time. One piece runs in a turn of the loop; the next
 * starts when the time that it took has been earned again. So everything else on the loop goes first.
 *
 * The lightest runs first: a flood of heavy work does not hold up a light piece that comes after it.
 */
export class WorkBudget {
  readonly #limits: BudgetLimits;
  /** In order of arrival. */
  #waiting: Waiting[] = [];
  #weight = 0;
  readonly #background: (() => void)[] = [];
  /** When all the time taken so far has been earned again. */
  #earnedAt = -Infinity;
  #isAwake = false;

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
  }

  /** Runs this work or refuses it, later. */
  add(work: Work): void {
    const { waitMaxMs, waitingMax, weightMax } = this.#limits;
    this.#waiting.push({ work, until: performance.now() + waitMaxMs });
    this.#weight += work.weight;
    while (this.#waiting.length > waitingMax || this.#weight > weightMax)
      this.#take(this.#extreme((one, other) => one > other)).refuse();
    this.#wakeLater();
  }

  /** Runs this in its turn, however late: before what waits, because it comes seldom and saves time. */
  addBackground(run: () => void): void {
    this.#background.push(run);
    this.#wakeLater();
  }

  /** Pieces of work that wait. */
  get length(): number {
    return this.#waiting.length + this.#background.length;
  }

  #wakeLater(): void {
    if (this.#isAwake || this.length === 0) return;
    this.#isAwake = true;
    // The oldest waits for its end; a timer that is late, because the loop is busy, refuses at its next turn.
    const at = Math.min(this.#startAt, this.#waiting[0]?.until ?? Infinity);
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
    const isOver = ({ work, until }: Waiting): boolean => until <= now || work.isGone();
    const over = this.#waiting.filter(isOver);
    if (over.length === 0) return;
    const refused = new Set(over);
    this.#waiting = this.#waiting.filter((one) => !refused.has(one));
    for (const { work } of over) {
      this.#weight -= work.weight;
      work.refuse();
    }
  }

  #runNext(): void {
    const startedAt = performance.now();
    const background = this.#background.shift();
    if (background !== undefined) background();
    else this.#take(this.#extreme((one, other) => one < other)).run();
    const took = performance.now() - startedAt;
    this.#earnedAt = Math.max(this.#earnedAt, startedAt) + took / this.#limits.share;
  }

  /** The place of the first whose weight comes before all others'. */
  #extreme(comesBefore: (one: number, other: number) => boolean): number {
    return this.#waiting.reduce(
      (best, { work }, place) =>
        comesBefore(work.weight, this.#waiting[best]!.work.weight) ? place : best,
      0,
    );
  }

  #take(place: number): Work {
    const [{ work }] = this.#waiting.splice(place, 1) as [Waiting];
    this.#weight -= work.weight;
    return work;
  }
}
