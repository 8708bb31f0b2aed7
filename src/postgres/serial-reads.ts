/** A read that has not begun: its keys, and the rows once they are read. */
interface NextRead<Key, Row> {
  readonly keys: Set<Key>;
  readonly rows: PromiseWithResolvers<readonly Row[]>;
}

/**
 * Reads one at a time. Each read begins after the call that asked for it. Calls during a read share
 * the next one. Their order is therefore the order of the snapshots: no older row comes after a newer one.
 */
export class SerialReads<Key, Row> {
  readonly #read: (keys: readonly Key[]) => Promise<readonly Row[]>;
  #next: NextRead<Key, Row> | undefined;
  #isReading = false;

  /** @param read reads the rows of these keys as committed */
  constructor(read: (keys: readonly Key[]) => Promise<readonly Row[]>) {
    this.#read = read;
  }

  /** Rows read after this call: those of the keys, and those of calls that share the read. */
  load(keys: readonly Key[]): Promise<readonly Row[]> {
    this.#next ??= { keys: new Set(), rows: Promise.withResolvers() };
    for (const key of keys) this.#next.keys.add(key);
    const { promise } = this.#next.rows;
    if (!this.#isReading) void this.#readAll();
    return promise;
  }

  async #readAll(): Promise<void> {
    this.#isReading = true;
    for (let read = this.#next; read !== undefined; read = this.#next) {
      this.#next = undefined;
      await this.#read([...read.keys]).then(read.rows.resolve, read.rows.reject);
    }
    this.#isReading = false;
  }
}
