type StreamState =
  | { readonly kind: 'open' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly error: unknown };

const ENDED: StreamState = { kind: 'ended' };

/**
 * A stream that keeps only the newest value of each key while its reader is busy. It is *open*
 * until `end`, `fail` or the reader's `return`; values pushed before `end` are still delivered.
 *
 * It is no async generator. A generator that waits inside an `await` cannot be ended from outside, and
 * leaks until its next event (graphql-ws issue 532). Here `return` ends the stream at once.
 */
export class NewestStream<Key, Value> implements AsyncIterableIterator<Value> {
  readonly #pending = new Map<Key, Value>();
  readonly #onEnd: () => void;
  #reader: PromiseWithResolvers<IteratorResult<Value>> | undefined;
  #state: StreamState = { kind: 'open' };

  /** @param onEnd called once, when the stream is no longer open */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Adds a value; it replaces an unread value of the same key. */
  push(key: Key, value: Value): void {
    if (this.#state.kind !== 'open') return;
    this.#pending.set(key, value);
    this.#deliver();
  }

  /** Ends the stream after its unread values. */
  end(): void {
    this.#close(ENDED);
  }

  /** Ends the stream with an error after its unread values. */
  fail(error: unknown): void {
    this.#close({ kind: 'failed', error });
  }

  next(): Promise<IteratorResult<Value>> {
    this.#reader = Promise.withResolvers();
    const { promise } = this.#reader;
    this.#deliver();
    return promise;
  }

  return(): Promise<IteratorResult<Value>> {
    this.#pending.clear();
    this.#close(ENDED);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #close(state: StreamState): void {
    if (this.#state.kind !== 'open') return;
    this.#state = state;
    this.#onEnd();
    this.#deliver();
  }

  #deliver(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    for (const [key, value] of this.#pending) {
      this.#pending.delete(key);
      this.#reader = undefined;
      return reader.resolve({ done: false, value });
    }
    const state = this.#state;
    if (state.kind === 'open') return;
    this.#reader = undefined;
    // An error is delivered once.
    this.#state = ENDED;
    if (state.kind === 'failed') reader.reject(state.error);
    else reader.resolve({ done: true, value: undefined });
  }
}
