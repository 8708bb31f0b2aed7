import { findProducts, type Product } from '../catalog/find-products.ts';
import type { Database } from '../platform/database.ts';
import { countStock } from './count-stock.ts';
import type { StockCount } from './stock.rules.ts';

/** A product with its stock, as one answer shows them. */
export type StockedProduct = Product & { readonly stock: StockCount };

/** How long a value that was read is known to be fresh: no screen is told anything older. */
const FRESH_MS = 1000;

/** Most products remembered; a catalogue larger than this is read like any table. */
const KNOWN_MAX = 10_000;

interface Known {
  readonly product: Product;
  /** By this process's monotonic clock; it measures an age and decides no deadline. */
  readonly productReadAt: number;
  readonly stock: StockCount;
  readonly stockReadAt: number;
}

/**
 * Products with their stock, kept for a second: however many look at the hot product, the database
 * is asked once a second for it. What this server commits is in its next answer; what another
 * server commits is forgotten here as soon as its notice comes, and after a second in any case.
 */
export class FreshProducts {
  readonly #database: Database;
  readonly #known = new Map<number, Known>();
  readonly #reading = new Map<number, Promise<StockedProduct | null>>();
  /** What was committed here while its product was being read: the reader may have missed it. */
  readonly #committed = new Map<number, StockCount>();
  readonly #renewed = new Map<number, Product>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The products of these ids, in their order; null for an unknown id. */
  load(ids: readonly number[]): Promise<(StockedProduct | null)[]> {
    const missing = ids.filter((id) => !this.#isFresh(id) && !this.#reading.has(id));
    if (missing.length > 0) this.#read(missing);
    return Promise.all(ids.map((id) => this.#reading.get(id) ?? Promise.resolve(this.#show(id))));
  }

  /** This server committed these counts. */
  committed(count: StockCount): void {
    const { productId } = count;
    if (this.#reading.has(productId)) this.#committed.set(productId, count);
    const known = this.#known.get(productId);
    if (known === undefined || known.stock.version >= count.version) return;
    this.#known.set(productId, { ...known, stock: count, stockReadAt: performance.now() });
  }

  /** This server committed this product's name, price and rules. */
  renewed(product: Product): void {
    const { id } = product;
    if (this.#reading.has(id)) this.#renewed.set(id, product);
    const known = this.#known.get(id);
    if (known === undefined) return;
    this.#known.set(id, { ...known, product, productReadAt: performance.now() });
  }

  /** Another server changed these products, or all may have changed. */
  forget(ids?: readonly number[]): void {
    if (ids === undefined) return this.#known.clear();
    for (const id of ids) this.#known.delete(id);
  }

  #isFresh(id: number): boolean {
    const known = this.#known.get(id);
    if (known === undefined) return false;
    return performance.now() - Math.min(known.productReadAt, known.stockReadAt) < FRESH_MS;
  }

  /** What is known, with the database's clock carried on from when it was read. */
  #show(id: number): StockedProduct | null {
    const known = this.#known.get(id);
    if (known === undefined) return null;
    const { product, productReadAt, stock } = known;
    const readAt = new Date(product.readAt.getTime() + performance.now() - productReadAt);
    return { ...product, readAt, stock: { ...stock, readAt } };
  }

  #read(ids: readonly number[]): void {
    const reading = this.#readRows(ids);
    for (const id of ids) {
      this.#reading.set(
        id,
        reading.then(() => this.#show(id)),
      );
    }
  }

  async #readRows(ids: readonly number[]): Promise<void> {
    const startedAt = performance.now();
    try {
      const [products, counts] = await Promise.all([
        findProducts({ database: this.#database }, ids),
        countStock({ database: this.#database }, ids),
      ]);
      const stocks = new Map(counts.map((count) => [count.productId, count]));
      for (const product of products) this.#learn(product, stocks.get(product.id)!, startedAt);
    } finally {
      for (const id of ids) {
        this.#reading.delete(id);
        this.#committed.delete(id);
        this.#renewed.delete(id);
      }
    }
  }

  #learn(readProduct: Product, read: StockCount, startedAt: number): void {
    const { id } = readProduct;
    const product = this.#renewed.get(id) ?? readProduct;
    const committed = this.#committed.get(id);
    const stock = committed !== undefined && committed.version > read.version ? committed : read;
    // Re-inserted, so that the map stays in order of age and the oldest is the first to go.
    this.#known.delete(id);
    this.#known.set(id, { product, productReadAt: startedAt, stock, stockReadAt: startedAt });
    if (this.#known.size > KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!);
  }
}
