import { BusyFault, isFault } from './faults.ts';

/** Why a request was turned away: its queue was full, its wait too long, a lock not had, the database lost. */
export type TurnedAwayFor = 'queue' | 'wait' | 'lock' | 'database';

/** Is told what goes on in lanes: of each batch once, however many ride in it. */
export interface BatchObserver {
  /** A batch left; the first of its line had waited this long. */
  batchStarted(batch: { readonly size: number; readonly waitedMs: number }): void;
  /** So many were turned away. */
  rejected(why: TurnedAwayFor, count: number): void;
}

/** An observer that takes no notice. */
export const noopObserver: BatchObserver = { batchStarted() {}, rejected() {} };

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

/** How long a batch and a queue may be, and who is told of them. */
export interface BatchQueueOptions {
  /** Most requests in one batch. */
  readonly batchMax: number;
  /** Most requests that may wait; past it, busy. */
  readonly queueMax: number;
  /** Longest wait in the line, in milliseconds; past it, busy. */
  readonly waitMaxMs: number;
  readonly observer: BatchObserver;
  /** Shared by queues of which only one may have a batch in flight for a key; omitted: each for itself. */
  readonly turns?: Turns<unknown>;
}

/**
 * Turns for keys: at most one holder for each key at a time, first come, first served. Queues of
 * different requests that lock the same row share turns, so that their batches alternate instead of
 * waiting for each other inside the database with a connection each.
 */
export class Turns<Key> {
  readonly #last = new Map<Key, Promise<void>>();

  /** Waits for the key's turn and returns the function that ends it. */
  async enter(key: Key): Promise<() => void> {
    const before = this.#last.get(key);
    let end!: () => void;
    const own = new Promise<void>((resolve) => (end = resolve));
    this.#last.set(key, own);
    await before;
    return () => {
      if (this.#last.get(key) === own) this.#last.delete(key);
      end();
    };
  }
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
export class BatchQueue<Request, Answer> {
  readonly #commit: CommitBatch<Request, Answer>;
  readonly #options: BatchQueueOptions;
  readonly #enter: (() => Promise<() => void>) | undefined;
  readonly #onIdle: () => void;
  #waiting: Waiting<Request, Answer>[] = [];
  #underWay = false;
  /** How many at the head of the line go one by one, because the batch they were in failed. */
  #alone = 0;
  /** Runs while somebody waits: it sends away whoever has waited too long, and starts no batch. */
  #patience: NodeJS.Timeout | undefined;

  constructor(
    commit: CommitBatch<Request, Answer>,
    options: BatchQueueOptions,
    { onIdle, enter }: { readonly onIdle: () => void; readonly enter?: () => Promise<() => void> },
  ) {
    this.#commit = commit;
    this.#options = options;
    this.#onIdle = onIdle;
    this.#enter = enter;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Joins the line. @throws BusyFault at once when too many wait. */
  submit(request: Request): Promise<Answer> {
    if (this.#waiting.length >= this.#options.queueMax) {
      this.#options.observer.rejected('queue', 1);
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
      const leave = await this.#enter?.();
      try {
        await this.#flush();
      } finally {
        leave?.();
      }
    }
    this.#underWay = false;
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#onIdle();
  }

  /** Commits what waits now; whoever arrived while the turn was waited for is part of it. */
  async #flush(): Promise<void> {
    const size = this.#alone > 0 ? 1 : this.#options.batchMax;
    this.#alone = Math.max(this.#alone - 1, 0);
    const batch = this.#waiting.splice(0, size);
    // All may have timed out while the turn was waited for.
    if (batch.length > 0) await this.#commitBatch(batch);
  }

  async #commitBatch(batch: readonly Waiting<Request, Answer>[]): Promise<void> {
    const waitedMs = performance.now() - batch[0]!.since;
    this.#options.observer.batchStarted({ size: batch.length, waitedMs });
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
    const left = Math.max(this.#options.waitMaxMs - waited, 0);
    this.#patience = setTimeout(() => this.#sendAway(), left);
  }

  /** The line is in order of arrival: those who came first have waited longest. */
  #sendAway(): void {
    this.#patience = undefined;
    const joinedBefore = performance.now() - this.#options.waitMaxMs;
    const staying = this.#waiting.findIndex(({ since }) => since > joinedBefore);
    const tired = this.#waiting.splice(0, staying < 0 ? this.#waiting.length : staying);
    this.#alone = Math.max(this.#alone - tired.length, 0);
    const busy = new BusyFault('The wait for this product was too long; nothing was done.');
    for (const { reject } of tired) reject(busy);
    this.#options.observer.rejected('wait', tired.length);
    this.#watchPatience();
  }

  #reject(batch: readonly Waiting<Request, Answer>[], error: unknown): void {
    // Whoever holds the lock keeps it from those behind as well: tell them now, not one lock
    // timeout after the other.
    const behind = error instanceof BusyFault ? this.#waiting.splice(0) : [];
    for (const { reject } of [...batch, ...behind]) reject(error);
    if (error instanceof BusyFault) this.#alone = 0;
    tellFault(error, batch.length + behind.length, this.#options.observer);
  }
}

/** Tells of those whom a fault turned away; a bug is no reason to be counted here. */
function tellFault(error: unknown, count: number, observer: BatchObserver): void {
  if (isFault(error)) observer.rejected(error instanceof BusyFault ? 'lock' : 'database', count);
}

/** The lanes of all products: each made on first use and dropped when idle. */
export class BatchQueues<Key, Request, Answer> {
  readonly #commit: (key: Key, batch: readonly Request[]) => Promise<readonly Answer[]>;
  readonly #options: BatchQueueOptions;
  readonly #lanes = new Map<Key, BatchQueue<Request, Answer>>();

  constructor(
    commit: (key: Key, batch: readonly Request[]) => Promise<readonly Answer[]>,
    options: BatchQueueOptions,
  ) {
    this.#commit = commit;
    this.#options = options;
  }

  /** Answers one request of this key, together with those who ask beside it. */
  async submit(key: Key, request: Request): Promise<Answer> {
    // With batches of one there is nothing to share: each request goes at once, up to the pool.
    if (this.#options.batchMax === 1) return this.#goAlone(key, request);
    return this.#laneOf(key).submit(request);
  }

  /** How many wait in all lanes together. */
  get waiting(): number {
    let count = 0;
    for (const lane of this.#lanes.values()) count += lane.waiting;
    return count;
  }

  async #goAlone(key: Key, request: Request): Promise<Answer> {
    const { observer } = this.#options;
    observer.batchStarted({ size: 1, waitedMs: 0 });
    try {
      return (await this.#commit(key, [request]))[0]!;
    } catch (error) {
      tellFault(error, 1, observer);
      throw error;
    }
  }

  #laneOf(key: Key): BatchQueue<Request, Answer> {
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const { turns } = this.#options;
    const lane = new BatchQueue<Request, Answer>(
      (batch) => this.#commit(key, batch),
      this.#options,
      {
        onIdle: () => this.#lanes.delete(key),
        ...(turns && { enter: () => turns.enter(key) }),
      },
    );
    this.#lanes.set(key, lane);
    return lane;
  }
}
