import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { isFault } from '../lib/faults.ts';
import { NewestStream } from './newest-stream.ts';

/** A value with the version of its key. */
export interface Versioned<Value> {
  /** Rises with each change. */
  readonly version: number;
  readonly value: Value;
}

/** The values of some numeric keys, for a broadcast of their newest versions. */
export interface LiveSource<Value> {
  /** Reads all keys again: afterwards each value is at least as new as the call. */
  read(): Promise<void>;
  /** The newest known value of a key; undefined before the first read. */
  current(key: number): Versioned<Value> | undefined;
  readonly keys: readonly number[];
  /** Calls `onChange` with each key that changed until the function returned is called. */
  subscribe(onChange: (key: number) => void): () => void;
}

/** A receiver of a broadcast. Its methods must not call the broadcast. */
export interface Subscriber<Rendered> {
  /** Receives a value of one key, newer than all values of that key before it. */
  deliver(key: number, rendered: Rendered): void;
  /** Receives the error that ends this subscription. */
  fail(error: unknown): void;
}

/**
 * After this many deliveries the broadcast yields to the event loop: thousands of deliveries take
 * milliseconds.
 */
const DELIVERIES_IN_A_TURN = 250;

/** While the database is unavailable or busy, the read is retried after this time. */
const RETRY_MS = 100;

/** The first sequence number of a pending subscriber: it receives no delivery yet. */
const PENDING = Infinity;

/** Before the first delivery of a key. */
const NOT_SENT = { version: -1, sequence: -1 } as const;

/**
 * The subscribers of the same keys: one source, and one rendering of each value for all of them.
 *
 * A subscriber is *pending* until a read that began after it subscribed has ended. Subscribers that
 * arrive during a read share the next one. Then it is *active*: it receives the newest value of each
 * key once, and each newer one. Every delivery of a key has a sequence number, and a subscriber
 * receives only those that began after it became active. So its first value is never older than its
 * subscription, and versions never decrease. Without subscribers, the broadcast unsubscribes from its
 * source.
 */
export class Broadcast<Value, Rendered> {
  readonly #source: LiveSource<Value>;
  readonly #render: (value: Value) => Rendered | Promise<Rendered>;
  readonly #onEmpty: () => void;
  readonly #unsubscribeFromSource: () => void;
  /** All subscribers, each with the first sequence number that it receives. */
  readonly #subscribers = new Map<Subscriber<Rendered>, number>();
  #pending: Subscriber<Rendered>[] = [];
  /** The first sequence number of the subscribers that became active last. */
  #newestActiveFrom = 0;
  /** Keys to deliver. */
  readonly #due = new Set<number>();
  readonly #sent = new Map<number, { readonly version: number; readonly sequence: number }>();
  #sequence = 0;
  #isReading = false;
  #isSending = false;

  /**
   * @param render what subscribers receive of a value; called once for each delivery of a key
   * @param onEmpty called once, when the last subscriber is removed; none may be added afterwards
   */
  constructor(
    source: LiveSource<Value>,
    render: (value: Value) => Rendered | Promise<Rendered>,
    onEmpty: () => void,
  ) {
    this.#source = source;
    this.#render = render;
    this.#onEmpty = onEmpty;
    // Subscribed before the first read, so that no change is missed between the two.
    this.#unsubscribeFromSource = source.subscribe((key) => this.#deliverKeys([key]));
  }

  /** Adds a subscriber: it receives the current value of each key, then each change. */
  subscribe(subscriber: Subscriber<Rendered>): void {
    this.#subscribers.set(subscriber, PENDING);
    this.#pending.push(subscriber);
    if (!this.#isReading) void this.#readForPending();
  }

  /** Removes a subscriber; a second call changes nothing. */
  unsubscribe(subscriber: Subscriber<Rendered>): void {
    if (!this.#subscribers.delete(subscriber) || this.#subscribers.size > 0) return;
    this.#unsubscribeFromSource();
    this.#onEmpty();
  }

  async #readForPending(): Promise<void> {
    this.#isReading = true;
    while (this.#pending.length > 0) {
      const pending = this.#pending;
      this.#pending = [];
      try {
        await this.#source.read();
        this.#activate(pending);
      } catch (error) {
        await this.#retryOrFail(pending, error);
      }
    }
    this.#isReading = false;
  }

  /** A fault is temporary: its subscribers stay pending. Any other error ends their subscriptions. */
  async #retryOrFail(pending: readonly Subscriber<Rendered>[], error: unknown): Promise<void> {
    if (!isFault(error)) return pending.forEach((subscriber) => this.#fail(subscriber, error));
    await delay(RETRY_MS);
    this.#pending.unshift(...pending.filter((subscriber) => this.#subscribers.has(subscriber)));
  }

  #activate(pending: readonly Subscriber<Rendered>[]): void {
    // Some may be removed since the read began.
    const active = pending.filter((subscriber) => this.#subscribers.has(subscriber));
    if (active.length === 0) return;
    this.#newestActiveFrom = this.#sequence + 1;
    for (const subscriber of active) this.#subscribers.set(subscriber, this.#newestActiveFrom);
    this.#deliverKeys(this.#source.keys);
  }

  #fail(subscriber: Subscriber<Rendered>, error: unknown): void {
    if (!this.#subscribers.has(subscriber)) return;
    this.unsubscribe(subscriber);
    subscriber.fail(error);
  }

  #deliverKeys(keys: readonly number[]): void {
    for (const key of keys) this.#due.add(key);
    if (!this.#isSending) void this.#deliverDue();
  }

  /**
   * Delivers one key after the other. A key that becomes due during a delivery follows, with its newest
   * value.
   */
  async #deliverDue(): Promise<void> {
    this.#isSending = true;
    try {
      for (const key of this.#due) {
        this.#due.delete(key);
        await this.#deliver(key);
      }
    } catch (error) {
      for (const subscriber of this.#subscribers.keys()) this.#fail(subscriber, error);
    }
    this.#isSending = false;
  }

  async #deliver(key: number): Promise<void> {
    const current = this.#source.current(key);
    if (current === undefined) return;
    const last = this.#sent.get(key) ?? NOT_SENT;
    // An unchanged value goes only to subscribers that became active after its delivery.
    const activeAfter = current.version > last.version ? -1 : last.sequence;
    if (this.#newestActiveFrom <= activeAfter) return;
    const sequence = (this.#sequence += 1);
    this.#sent.set(key, { version: current.version, sequence });
    await this.#deliverToEach(key, await this.#render(current.value), { sequence, activeAfter });
  }

  async #deliverToEach(
    key: number,
    rendered: Rendered,
    { sequence, activeAfter }: { readonly sequence: number; readonly activeAfter: number },
  ): Promise<void> {
    let count = 0;
    for (const [subscriber, activeFrom] of this.#subscribers) {
      if (activeFrom > sequence || activeFrom <= activeAfter) continue;
      subscriber.deliver(key, rendered);
      count += 1;
      if (count % DELIVERIES_IN_A_TURN === 0) await nextTurn();
    }
  }
}

/** A broadcast to a single subscriber, as a stream of the newest value of each key. */
export function streamOf<Value>(source: LiveSource<Value>): AsyncIterableIterator<Value> {
  const stream = new NewestStream<number, Value>(() => broadcast.unsubscribe(subscriber));
  const broadcast = new Broadcast(
    source,
    (value: Value) => value,
    () => {},
  );
  const subscriber: Subscriber<Value> = {
    deliver: (key, value) => stream.push(key, value),
    fail: (error) => stream.fail(error),
  };
  broadcast.subscribe(subscriber);
  return stream;
}
