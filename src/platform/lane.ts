import { BusyFault, isFault } from './faults.ts';

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  /** When it joined, by this process's monotonic clock. */
  readonly since: number;
}

/** Commits a whole batch and answers each request of it, in order. */
export type CommitBatch<Request, Answer> = (
  batch: readonly Request[],
) => Promise<readonly Answer[]>;

/** How long a batch and a queue may be. */
export interface LaneLimits {
  /** Most requests in one batch. */
  readonly batchMax: number;
  /** Most requests that may wait; past it, busy. */
  readonly queueMax: number;
  /** Longest wait in the line, in milliseconds; past it, busy. */
  readonly waitMaxMs: number;
}

/**
 * The line for one product: group commit. Requests that arrive while a batch is being committed
 * wait, and ride together in the next. Nobody waits on a timer.
 *
 * The lane is *idle* (nothing in flight, nobody waits), *departing* (a first request came and the
 * batch leaves at the end of this turn of the event loop, so that those who arrive together ride
 * together) or *in flight* (one batch is being committed). The commit's end starts the next batch,
 * or makes the lane idle.
 *
 * The lane is for speed, the row lock is for truth: with the lane removed nothing may oversell. It
 * is a queue of its own rather than a gated dataloader, because a queue can be bounded and failed
 * as a whole.
 */
export class Lane<Request, Answer> {
  readonly #commit: CommitBatch<Request, Answer>;
  readonly #limits: LaneLimits;
  readonly #onIdle: () => void;
  #waiting: Waiting<Request, Answer>[] = [];
  #underWay = false;
  /** How many at the head of the line go one by one, because the batch they were in failed. */
  #alone = 0;
  /** Runs while somebody waits: it sends away whoever has waited too long, and starts no batch. */
  #patience: NodeJS.Timeout | undefined;

  constructor(commit: CommitBatch<Request, Answer>, limits: LaneLimits, onIdle: () => void) {
    this.#commit = commit;
    this.#limits = limits;
    this.#onIdle = onIdle;
  }

  /** Joins the line. @throws BusyFault at once when too many wait. */
  submit(request: Request): Promise<Answer> {
    if (this.#waiting.length >= this.#limits.queueMax) {
      return Promise.reject(new BusyFault('Too many wait for this product; nothing was done.'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject, since: performance.now() });
      if (this.#underWay) return this.#watchPatience();
      this.#underWay = true;
      setImmediate(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const size = this.#alone > 0 ? 1 : this.#limits.batchMax;
      this.#alone = Math.max(this.#alone - 1, 0);
      await this.#depart(this.#waiting.splice(0, size));
    }
    this.#underWay = false;
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#onIdle();
  }

  async #depart(batch: readonly Waiting<Request, Answer>[]): Promise<void> {
    try {
      const answers = await this.#commit(batch.map(({ request }) => request));
      // A turn later: whatever the answers set off, the next batch is on its way to Postgres first.
      setImmediate(() => batch.forEach(({ resolve }, position) => resolve(answers[position]!)));
    } catch (error) {
      if (isFault(error) || batch.length === 1) return this.#reject(batch, error);
      // Nothing is wrong with the world, so with one of them: each alone, that it fail by itself.
      this.#waiting.unshift(...batch);
      this.#alone += batch.length;
    }
  }

  #watchPatience(): void {
    const [first] = this.#waiting;
    if (this.#patience !== undefined || first === undefined) return;
    const waited = performance.now() - first.since;
    const left = Math.max(this.#limits.waitMaxMs - waited, 0);
    this.#patience = setTimeout(() => this.#sendAway(), left);
  }

  /** The line is in order of arrival: those who came first have waited longest. */
  #sendAway(): void {
    this.#patience = undefined;
    const joinedBefore = performance.now() - this.#limits.waitMaxMs;
    const staying = this.#waiting.findIndex(({ since }) => since > joinedBefore);
    const tired = this.#waiting.splice(0, staying < 0 ? this.#waiting.length : staying);
    this.#alone = Math.max(this.#alone - tired.length, 0);
    const busy = new BusyFault('The wait for this product was too long; nothing was done.');
    for (const { reject } of tired) reject(busy);
    this.#watchPatience();
  }

  #reject(batch: readonly Waiting<Request, Answer>[], error: unknown): void {
    for (const { reject } of batch) reject(error);
    if (!(error instanceof BusyFault)) return;
    // Whoever holds the lock keeps it from those behind as well: tell them now, not one lock
    // timeout after the other.
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#alone = 0;
  }
}

/** The lanes of all products: each made on first use and dropped when idle. */
export class Lanes<Key, Request, Answer> {
  readonly #commit: (key: Key, batch: readonly Request[]) => Promise<readonly Answer[]>;
  readonly #limits: LaneLimits;
  readonly #lanes = new Map<Key, Lane<Request, Answer>>();

  constructor(
    commit: (key: Key, batch: readonly Request[]) => Promise<readonly Answer[]>,
    limits: LaneLimits,
  ) {
    this.#commit = commit;
    this.#limits = limits;
  }

  /** Answers one request of this key, together with those who ask beside it. */
  async submit(key: Key, request: Request): Promise<Answer> {
    // With batches of one there is nothing to share: each request goes at once, up to the pool.
    if (this.#limits.batchMax === 1) return (await this.#commit(key, [request]))[0]!;
    return this.#laneOf(key).submit(request);
  }

  #laneOf(key: Key): Lane<Request, Answer> {
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const lane = new Lane<Request, Answer>(
      (batch) => this.#commit(key, batch),
      this.#limits,
      () => this.#lanes.delete(key),
    );
    this.#lanes.set(key, lane);
    return lane;
  }
}
