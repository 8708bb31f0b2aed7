/**
 * The functions that close what was opened. They run in reverse order, so that a part is closed before
 * the parts it depends on. All of them run, even if one throws.
 */
export class Closers {
  readonly #closers: { readonly name: string; readonly close: () => unknown }[] = [];
  #closing: Promise<void> | undefined;

  /** Adds a closer; `name` appears in its error. */
  push(name: string, close: () => unknown): void {
    this.#closers.push({ name, close });
  }

  /** Closes everything, last opened first; a second call waits for the first. @throws AggregateError */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const { name, close } of this.#closers.toReversed()) {
      try {
        await close();
      } catch (error) {
        errors.push(new Error(`Closing ${name} failed`, { cause: error }));
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'Not everything closed cleanly');
  }
}
