/** Throws that look random and are the same ones for the same seed. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 on, below `count`. */
  below(count: number): number {
    return Math.floor(this.#throw() * count);
  }

  /** Whether it happens, as often as `probability` (0 to 1) says. */
  chance(probability: number): boolean {
    return this.#throw() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  /** So many things, from `least` to `most`. */
  some<Item>([least, most]: readonly [number, number], make: (n: number) => Item): Item[] {
    return Array.from({ length: least + this.below(most - least + 1) }, (_, n) => make(n));
  }

  /** From 0 to below 1, by mulberry32: one word of state, and even enough for tests. */
  #throw(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
