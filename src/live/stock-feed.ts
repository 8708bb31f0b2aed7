import { msToStatusChange } from '../shop/catalog/product.rules.ts';
import { isFault } from '../lib/faults.ts';
import { SerialReads } from '../postgres/serial-reads.ts';
import { Topic } from './topic.ts';
import { isNews, type StockedProduct } from '../shop/stock/find-stocked.ts';

/** Minimum time between two published values of a product: at most twenty a second. */
const INTERVAL_MS = 50;

/** A timer may fire a little early: a read this long after the instant finds it past. */
const AFTER_INSTANT_MS = 5;

/**
 * The longest wait for a sale to open or to end. A timer beyond 24.8 days fires at once, and the two
 * clocks drift apart by less than 10 ms in a minute.
 */
const TIMER_MS_MAX = 60_000;

/** While the database is unavailable, the read is retried after this time. */
const RETRY_MS = 100;

interface WatchedProduct {
  /** The newest published value, or the first value read, which its reader already has. */
  newest: StockedProduct | undefined;
  /** Whether the product may have changed since its last read. */
  isDue: boolean;
  /** Runs for one interval after a value was published. */
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
 * A sale that opens or ends is a change too. Neither `version` nor `updatedAt` ever decreases.
 */
export class StockFeed {
  readonly #topic = new Topic<number, StockedProduct>();
  readonly #watched = new Map<number, WatchedProduct>();
  readonly #reads: SerialReads<number, StockedProduct>;
  #retry: NodeJS.Timeout | undefined;

  /** @param read reads products as committed; one call at a time */
  constructor(read: (ids: readonly number[]) => Promise<readonly StockedProduct[]>) {
    this.#reads = new SerialReads(async (ids) => {
      const products = await read(ids);
      for (const product of products) this.#offer(product);
      return products;
    });
  }

  /** Signals that these products may have changed, or all; those without a subscriber are not read. */
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
    const requested = new Set(ids);
    return (await this.#reads.load(ids)).filter(({ id }) => requested.has(id));
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
    if (!this.#watched.has(productId)) this.#watched.set(productId, newWatchedProduct());
    return () => {
      unsubscribe();
      const watched = this.#watched.get(productId);
      if (this.#topic.has(productId) || watched === undefined) return;
      clearTimeout(watched.pause);
      clearTimeout(watched.statusChange);
      this.#watched.delete(productId);
      if (this.#watched.size === 0) clearTimeout(this.#retry);
    };
  }

  /** The products that have a subscriber. */
  watched(): number[] {
    return [...this.#watched.keys()];
  }

  /** Reads the due products. One that was just published waits for the end of its pause. */
  #readDue(): void {
    const due = [...this.#watched].filter(([, { isDue, pause }]) => isDue && pause === undefined);
    if (due.length === 0) return;
    for (const [, watched] of due) watched.isDue = false;
    this.#reads.load(due.map(([id]) => id)).catch((error: unknown) => this.#readLater(due, error));
  }

  /** A fault is temporary. Any other error recurs at the next refresh, which reports it. */
  #readLater(due: readonly (readonly [number, WatchedProduct])[], error: unknown): void {
    if (!isFault(error) || this.#watched.size === 0) return;
    for (const [, watched] of due) watched.isDue = true;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#readDue(), RETRY_MS);
  }

  #offer(product: StockedProduct): void {
    const watched = this.#watched.get(product.id);
    if (watched === undefined) return;
    this.#scheduleStatusChange(watched, product);
    if (watched.newest === undefined) {
      // Not published: each subscriber reads its first value.
      watched.newest = product;
    } else if (isNews(product, watched.newest)) {
      if (watched.pause === undefined) this.#publish(watched, product);
      else watched.isDue = true;
    }
  }

  #publish(watched: WatchedProduct, product: StockedProduct): void {
    watched.newest = product;
    watched.pause = setTimeout(() => {
      watched.pause = undefined;
      this.#readDue();
    }, INTERVAL_MS);
    this.#topic.publish(product.id, product);
  }

  /** Each read sets the timer again: the sale window or the database's clock may have changed. */
  #scheduleStatusChange(watched: WatchedProduct, product: StockedProduct): void {
    clearTimeout(watched.statusChange);
    const ms = msToStatusChange(product, product.readAt);
    if (ms === undefined) return;
    watched.statusChange = setTimeout(
      () => this.changed([product.id]),
      Math.min(ms + AFTER_INSTANT_MS, TIMER_MS_MAX),
    );
  }
}

function newWatchedProduct(): WatchedProduct {
  return { newest: undefined, isDue: false, pause: undefined, statusChange: undefined };
}
