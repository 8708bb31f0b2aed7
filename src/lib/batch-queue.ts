import { BusyFault, isFault } from './faults.ts';

/** Why a request was rejected: queue full, timed out in the queue, row lock not available, database failed. */
export type RejectionReason = 'queue' | 'wait' | 'lock' | 'database';

/** Observes batch queues: one call for each batch of any size. */
export interface BatchObserver {
  /** A batch started; its first request had waited for `waitedMs`. */
  batchStarted(batch: { readonly size: number; readonly waitedMs: number }): void;
  /** `count` requests were rejected. */
  rejected(reason: RejectionReason, count: number): void;
}

/** An observer that does nothing. */
export const noopObserver: BatchObserver = { batchStarted() {}, rejected() {} };

interface QueuedRequest<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  /** When it was submitted, by this process's monotonic clock. */
  readonly since: number;
}

/** Commits a whole batch and returns the answer of each request, in order. */
export type CommitBatch<Request, Answer> = (
  batch: readonly Request[],
) => Promise<readonly Answer[]>;

/** The limits of a queue, and its observer. */
export interface BatchQueueOptions {
  /** Most requests in one batch. */
  readonly batchMax: number;
  /** Most requests in the queue; a further one is rejected as busy. */
  readonly queueMax: number;
  /** Longest time in the queue, in milliseconds; then the request is rejected as busy. */
  readonly waitMaxMs: number;
  readonly observer: BatchObserver;
  /** Shared by queues of which only one may have a batch in flight for a key; omitted: not shared. */
  readonly turns?: Turns<unknown>;
}

/**
 * Turns for keys: at most one holder for each key at a time, in order of arrival. Queues of different
 * requests that lock the same row share turns, so that their batches alternate. Otherwise they would
 * wait for each other inside the database, with a connection each.
 */
export class Turns<Key> {
  readonly #last = new Map<Key, Promise<void>>();

  /** Waits for the key's turn and returns the function that ends it. */
  async enter(key: Key): Promise<() => void> {
    const previous = this.#last.get(key);
    const { promise: turn, resolve: end } = Promise.withResolvers<void>();
    this.#last.set(key, turn);
    await previous;
    return () => {
      if (this.#last.get(key) === turn) this.#last.delete(key);
      end();
    };
  }
}

/**
 * The queue of one product: group commit. Requests that arrive while a batch is being committed share
 * the next batch. No batch waits for a timer.
 *
 * The queue is *idle* (no request), *scheduled* (its batch starts at the end of this turn of the event
 * loop) or *in flight* (one batch is being committed). Requests of one turn share a batch. The end of a
 * commit starts the next batch, or makes the queue idle.
 *
 * The queue is only for speed: the row lock alone prevents overselling. It is not a dataloader, because
 * a queue can be bounded and rejected as a whole.
 */
export class BatchQueue<Request, Answer> {
  readonly #commit: CommitBatch<Request, Answer>;
  readonly #options: BatchQueueOptions;
  readonly #enter: (() => Promise<() => void>) | undefined;
  readonly #onIdle: () => void;
  #queue: QueuedRequest<Request, Answer>[] = [];
  #isRunning = false;
  /** Number of requests at the head that are committed one by one, because their batch failed. */
  #isolated = 0;
  /** Runs while the queue is not empty: it rejects requests that time out, and starts no batch. */
  #timer: NodeJS.Timeout | undefined;

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

  /** Number of requests in the queue. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Adds a request. @throws BusyFault at once when the queue is full, or when the request times out */
  submit(request: Request): Promise<Answer> {
    if (this.#queue.length >= this.#options.queueMax) {
      this.#options.observer.rejected('queue', 1);
      return Promise.reject(new BusyFault('Queue full for this product; no changes were made.'));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject, since: performance.now() });
      if (this.#isRunning) return this.#startTimer();
      this.#isRunning = true;
      setImmediate(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const leave = await this.#enter?.();
      try {
        await this.#flush();
      } finally {
        leave?.();
      }
    }
    this.#isRunning = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#onIdle();
  }

  /** Commits one batch, including requests that arrived during the wait for the turn. */
  async #flush(): Promise<void> {
    const size = this.#isolated > 0 ? 1 : this.#options.batchMax;
    this.#isolated = Math.max(this.#isolated - 1, 0);
    const batch = this.#queue.splice(0, size);
    // All requests may have timed out during the wait for the turn.
    if (batch.length > 0) await this.#commitBatch(batch);
  }

  async #commitBatch(batch: readonly QueuedRequest<Request, Answer>[]): Promise<void> {
    const waitedMs = performance.now() - batch[0]!.since;
    this.#options.observer.batchStarted({ size: batch.length, waitedMs });
    try {
      const answers = await this.#commit(batch.map(({ request }) => request));
      // One turn later, so that the next batch is sent to Postgres before answers start other work.
      setImmediate(() => batch.forEach(({ resolve }, position) => resolve(answers[position]!)));
    } catch (error) {
      if (isFault(error) || batch.length === 1) return this.#reject(batch, error);
      // Not a fault, so one of the requests causes it. Committed one by one, only that one fails.
      this.#queue.unshift(...batch);
      this.#isolated += batch.length;
    }
  }

  #startTimer(): void {
    const [first] = this.#queue;
    if (this.#timer !== undefined || first === undefined) return;
    const waited = performance.now() - first.since;
    const left = Math.max(this.#options.waitMaxMs - waited, 0);
    this.#timer = setTimeout(() => this.#rejectTimedOut(), left);
  }

  /** The queue is in order of arrival, so the timed-out requests are at its head. */
  #rejectTimedOut(): void {
    this.#timer = undefined;
    const latestStart = performance.now() - this.#options.waitMaxMs;
    const firstInTime = this.#queue.findIndex(({ since }) => since > latestStart);
    const count = firstInTime < 0 ? this.#queue.length : firstInTime;
    const timedOut = this.#queue.splice(0, count);
    this.#isolated = Math.max(this.#isolated - timedOut.length, 0);
    const busy = new BusyFault('Timed out in the queue for this product; no changes were made.');
    for (const { reject } of timedOut) reject(busy);
    this.#options.observer.rejected('wait', timedOut.length);
    this.#startTimer();
  }

  #reject(batch: readonly QueuedRequest<Request, Answer>[], error: unknown): void {
    // The other requests need the same row lock: they are rejected now, not one lock timeout later
    // each.
    const behind = error instanceof BusyFault ? this.#queue.splice(0) : [];
    for (const { reject } of [...batch, ...behind]) reject(error);
    if (error instanceof BusyFault) this.#isolated = 0;
    reportFault(error, batch.length + behind.length, this.#options.observer);
  }
}

/** Reports requests that a fault rejected; a bug is not counted as a rejection. */
function reportFault(error: unknown, count: number, observer: BatchObserver): void {
  if (isFault(error)) observer.rejected(error instanceof BusyFault ? 'lock' : 'database', count);
}

/** The queues of all keys: each is created on first use and removed when idle. */
export class BatchQueues<Key, Request, Answer> {
  readonly #commit: (key: Key, batch: readonly Request[]) => Promise<readonly Answer[]>;
  readonly #options: BatchQueueOptions;
  readonly #queues = new Map<Key, BatchQueue<Request, Answer>>();

  constructor(
    commit: (key: Key, batch: readonly Request[]) => Promise<readonly Answer[]>,
    options: BatchQueueOptions,
  ) {
    this.#commit = commit;
    this.#options = options;
  }

  /** Answers one request; requests of the same key share batches. */
  async submit(key: Key, request: Request): Promise<Answer> {
    // Batches of one share nothing, so each request is committed at once.
    if (this.#options.batchMax === 1) return this.#commitAlone(key, request);
    return this.#queueOf(key).submit(request);
  }

  /** Number of requests in all queues. */
  get waiting(): number {
    let count = 0;
    for (const queue of this.#queues.values()) count += queue.waiting;
    return count;
  }

  async #commitAlone(key: Key, request: Request): Promise<Answer> {
    const { observer } = this.#options;
    observer.batchStarted({ size: 1, waitedMs: 0 });
    try {
      return (await this.#commit(key, [request]))[0]!;
    } catch (error) {
      reportFault(error, 1, observer);
      throw error;
    }
  }

  #queueOf(key: Key): BatchQueue<Request, Answer> {
    const existing = this.#queues.get(key);
    if (existing !== undefined) return existing;
    const { turns } = this.#options;
    const queue = new BatchQueue<Request, Answer>(
      (batch) => this.#commit(key, batch),
      this.#options,
      {
        onIdle: () => this.#queues.delete(key),
        ...(turns && { enter: () => turns.enter(key) }),
      },
    );
    this.#queues.set(key, queue);
    return queue;
  }
}
