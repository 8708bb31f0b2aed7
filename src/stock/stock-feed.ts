import { Topic } from '../platform/topic.ts';
import type { StockCount } from './stock.rules.ts';

/** At most twenty values a second for each product: faster than an eye, slower than a flash sale. */
const INTERVAL_MS = 50;

interface Paced {
  /** The newest counts that were published. */
  newest: StockCount;
  /** Runs while a value was told less than the interval ago. */
  pause: NodeJS.Timeout | undefined;
}

/**
 * The live counts of the products someone watches, paced: the first change is told at once, further
 * ones at most every 50 ms, the newest winning and the last always told. Counts older than what was
 * told are dropped, so a version never falls, whichever server a change came from.
 */
export class StockFeed {
  readonly #topic = new Topic<number, StockCount>();
  readonly #paced = new Map<number, Paced>();

  /** Tells of committed counts; those of products nobody watches cost nothing. */
  publish(count: StockCount): void {
    const { productId } = count;
    if (!this.#topic.has(productId)) return;
    const paced = this.#paced.get(productId);
    if (paced === undefined) {
      this.#paced.set(productId, { newest: count, pause: undefined });
      return this.#tell(productId);
    }
    if (count.version <= paced.newest.version) return;
    paced.newest = count;
    if (paced.pause === undefined) this.#tell(productId);
  }

  /** Calls `listener` with newer and newer counts until the function returned is called. */
  subscribe(productId: number, listener: (count: StockCount) => void): () => void {
    const unsubscribe = this.#topic.subscribe(productId, listener);
    return () => {
      unsubscribe();
      if (this.#topic.has(productId)) return;
      clearTimeout(this.#paced.get(productId)?.pause);
      this.#paced.delete(productId);
    };
  }

  /** The products someone watches. */
  watched(): number[] {
    return this.#topic.keys();
  }

  #tell(productId: number): void {
    const paced = this.#paced.get(productId);
    if (paced === undefined) return;
    const told = paced.newest;
    this.#topic.publish(productId, told);
    paced.pause = setTimeout(() => {
      paced.pause = undefined;
      if (paced.newest !== told) this.#tell(productId);
    }, INTERVAL_MS);
  }
}
