/**
 * A stream that keeps only the newest value of each key while its reader is busy. It is *open*
 * until `end`, `fail` or the reader's `return`; what was pushed before `end` is still delivered.
 *
 * Not an async generator: one that waits inside an `await` cannot be ended from outside, and would
 * leak until its next event (graphql-ws issue 532). Here `return` ends it at once.
 */
export class NewestStream<Key, Value> implements AsyncIterableIterator<Value> {
  readonly #pending = new Map<Key, Value>();
  readonly #onEnd: () => void;
  #reader: PromiseWithResolvers<IteratorResult<Value>> | undefined;
  #state: 'open' | 'ended' | { readonly error: unknown } = 'open';

  /** @param onEnd called once, when the stream is no longer open */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Offers a value; it takes the place of one of the same key that still waits. */
  push(key: Key, value: Value): void {
    if (this.#state !== 'open') return;
    this.#pending.set(key, value);
    this.#serve();
  }

  /** Ends the stream once what was pushed is read. */
  end(): void {
    this.#close('ended');
  }

  /** Ends the stream with an error once what was pushed is read. */
  fail(error: unknown): void {
    this.#close({ error });
  }

  next(): Promise<IteratorResult<Value>> {
    this.#reader = Promise.withResolvers();
    const { promise } = this.#reader;
    this.#serve();
    return promise;
  }

  return(): Promise<IteratorResult<Value>> {
    this.#pending.clear();
    this.#close('ended');
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #close(state: 'ended' | { readonly error: unknown }): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#onEnd();
    this.#serve();
  }

  #serve(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    for (const [key, value] of this.#pending) {
      this.#pending.delete(key);
      this.#reader = undefined;
      return reader.resolve({ done: false, value });
    }
    if (this.#state === 'open') return;
    this.#reader = undefined;
    if (this.#state === 'ended') return reader.resolve({ done: true, value: undefined });
    const { error } = this.#state;
    this.#state = 'ended';
    reader.reject(error);
  }
}
