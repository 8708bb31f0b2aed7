/**
 * Whoever opens a thing pushes its closer; closing runs them backwards, so that whatever was built
 * on something goes before it. A closer that throws does not keep the others from running.
 */
export class Closers {
  readonly #closers: { readonly name: string; readonly close: () => unknown }[] = [];
  #closing: Promise<void> | undefined;

  push(name: string, close: () => unknown): void {
    this.#closers.push({ name, close });
  }

  /** Closes everything, last opened first. Closing twice is harmless. */
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
