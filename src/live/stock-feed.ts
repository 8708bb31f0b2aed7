import { msToStatusChange } from '../shop/catalog/product.rules.ts';
import { isFault } from '../lib/faults.ts';
import { SerialReads } from '../postgres/serial-reads.ts';
import { Topic } from './topic.ts';
import { isNews, type StockedProduct } from '../shop/stock/find-stocked.ts';

/** At most twenty values a second for each product: faster than an eye, slower than a flash sale. */
const INTERVAL_MS = 50;

/** A timer may fire a little early: a read this long after the instant finds it past. */
const AFTER_INSTANT_MS = 5;

/**
 * The longest wait for a sale to open or to end. A timer beyond 24.8 days fires at once, and the two
 * clocks drift apart by less than 10 ms in a minute.
 */
const TIMER_MS_MAX = 60_000;

/** While the database is away, it is asked again this often. */
const READ_AGAIN_MS = 100;

interface Watched {
  /** The newest value that was published; the first one read is not, its reader has it. */
  newest: StockedProduct | undefined;
  /** Whether the product may have changed since it was read last. */
  isDue: boolean;
  /** Runs while a value was published less than the interval ago. */
  pause: NodeJS.Timeout | undefined;
  /** Runs until the sale opens or ends. */
  statusChange: NodeJS.Timeout | undefined;
}

/**
 * The live products that have subscribers: counters, name, price, rules and sale status. A signal
 * that a product may have changed carries no state. The product is read as committed, in one
 * snapshot with its counters and the database's clock, and published if it differs. So each value
 * shows the product as committed at or after its stock version.
 *
 * The first change is published at once, further ones at most every 50 ms, and the last one always.
 * A sale that opens or ends is a change too. Neither `version` nor `updatedAt` ever falls.
 */
export class StockFeed {
  readonly #topic = new Topic<number, StockedProduct>();
  readonly #watched = new Map<number, Watched>();
  readonly #reads: SerialReads<number, StockedProduct>;
  #readAgain: NodeJS.Timeout | undefined;

  /** @param read reads products as committed; one call at a time */
  constructor(read: (ids: readonly number[]) => Promise<readonly StockedProduct[]>) {
    this.#reads = new SerialReads(async (ids) => {
      const products = await read(ids);
      for (const product of products) this.#offer(product);
      return products;
    });
  }

  /** These products may have changed, or all may have; those without a subscriber cost nothing. */
  changed(ids: Iterable<number> = this.#watched.keys()): void {
    for (const id of ids) {
      const watched = this.#watched.get(id);
      if (watched !== undefined) watched.isDue = true;
    }
    this.#readDue();
  }

  /** The products as committed after this call; unknown ids are left out. */
  async load(ids: readonly number[]): Promise<readonly StockedProduct[]> {
    if (ids.length === 0) return [];
    const wanted = new Set(ids);
    return (await this.#reads.load(ids)).filter(({ id }) => wanted.has(id));
  }

  /**
   * Reads every product that has a subscriber, and publishes what differs. It finds each change
   * whose change notification was lost.
   */
  async refresh(): Promise<void> {
    await this.load(this.watched());
  }

  /** Calls `listener` with each newer value until the function returned is called. */
  subscribe(productId: number, listener: (product: StockedProduct) => void): () => void {
    const unsubscribe = this.#topic.subscribe(productId, listener);
    if (!this.#watched.has(productId)) this.#watched.set(productId, notReadYet());
    return () => {
      unsubscribe();
      const watched = this.#watched.get(productId);
      if (this.#topic.has(productId) || watched === undefined) return;
      clearTimeout(watched.pause);
      clearTimeout(watched.statusChange);
      this.#watched.delete(productId);
      if (this.#watched.size === 0) clearTimeout(this.#readAgain);
    };
  }

  /** The products that have a subscriber. */
  watched(): number[] {
    return [...this.#watched.keys()];
  }

  /** A product that was published just now waits for the end of its pause. */
  #readDue(): void {
    const due = [...this.#watched].filter(([, { isDue, pause }]) => isDue && pause === undefined);
    if (due.length === 0) return;
    for (const [, watched] of due) watched.isDue = false;
    this.#reads.load(due.map(([id]) => id)).catch((error: unknown) => this.#readLater(due, error));
  }

  /** A fault passes. Anything else recurs at the next refresh, which reports it. */
  #readLater(due: readonly (readonly [number, Watched])[], error: unknown): void {
    if (!isFault(error) || this.#watched.size === 0) return;
    for (const [, watched] of due) watched.isDue = true;
    clearTimeout(this.#readAgain);
    this.#readAgain = setTimeout(() => this.#readDue(), READ_AGAIN_MS);
  }

  #offer(product: StockedProduct): void {
    const watched = this.#watched.get(product.id);
    if (watched === undefined) return;
    this.#awaitStatusChange(watched, product);
    if (watched.newest === undefined) {
      // Each subscriber reads the first value itself.
      watched.newest = product;
    } else if (isNews(product, watched.newest)) {
      if (watched.pause === undefined) this.#publish(watched, product);
      else watched.isDue = true;
    }
  }

  #publish(watched: Watched, product: StockedProduct): void {
    watched.newest = product;
    watched.pause = setTimeout(() => {
      watched.pause = undefined;
      this.#readDue();
    }, INTERVAL_MS);
    this.#topic.publish(product.id, product);
  }

  /** Each read sets the timer again: the window may have moved, and so may the database's clock. */
  #awaitStatusChange(watched: Watched, product: StockedProduct): void {
    clearTimeout(watched.statusChange);
    const ms = msToStatusChange(product, product.readAt);
    if (ms === undefined) return;
    watched.statusChange = setTimeout(
      () => this.changed([product.id]),
      Math.min(ms + AFTER_INSTANT_MS, TIMER_MS_MAX),
    );
  }
}

function notReadYet(): Watched {
  return { newest: undefined, isDue: false, pause: undefined, statusChange: undefined };
}
