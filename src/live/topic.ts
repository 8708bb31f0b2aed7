/** Publish and subscribe by key, within this process. A key without listeners takes no memory. */
export class Topic<Key, Value> {
  readonly #listeners = new Map<Key, Set<(value: Value) => void>>();

  /** Calls `listener` for each value of this key until the function returned is called. */
  subscribe(key: Key, listener: (value: Value) => void): () => void {
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(key) === listeners)
        this.#listeners.delete(key);
    };
  }

  publish(key: Key, value: Value): void {
    for (const listener of this.#listeners.get(key) ?? []) listener(value);
  }

  /** The keys that have a listener. */
  keys(): Key[] {
    return [...this.#listeners.keys()];
  }

  has(key: Key): boolean {
    return this.#listeners.has(key);
  }
}
