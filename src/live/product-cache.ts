import type { Product } from '../shop/catalog/find-products.ts';
import type { Database } from '../postgres/database.ts';
import { findStockedProducts, type StockedProduct } from '../shop/stock/find-stocked.ts';
import type { StockCount } from '../shop/stock/stock.rules.ts';

/** Maximum age of a cached product. */
const FRESH_MS = 1000;

/** Most cached products; the oldest is removed first. */
const ENTRIES_MAX = 10_000;

interface CacheEntry {
  readonly product: StockedProduct;
  /** When its read began, by this process's monotonic clock; it measures an age and decides no deadline. */
  readonly readAt: number;
  /** When its read ended: `readAt` of the product, by the database's clock, is advanced from there. */
  readonly clockAt: number;
}

/** A read in flight, and what this server committed since it began: the read may miss it. */
interface PendingRead {
  readonly product: Promise<StockedProduct | null>;
  committedStock?: StockCount;
  committedProduct?: Product;
}

/**
 * Products with their stock, cached for one second: at any request rate the database reads a product
 * once a second. What this server commits is in its next answer. What another server commits
 * invalidates the entry when its change notification arrives, or after one second.
 */
export class ProductCache {
  readonly #database: Database;
  readonly #entries = new Map<number, CacheEntry>();
  readonly #reading = new Map<number, PendingRead>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The products of these ids, in their order; null for an unknown id. */
  load(ids: readonly number[]): Promise<(StockedProduct | null)[]> {
    const missing = ids.filter((id) => !this.#isFresh(id) && !this.#reading.has(id));
    if (missing.length > 0) this.#read(missing);
    return Promise.all(
      ids.map((id) => this.#reading.get(id)?.product ?? Promise.resolve(this.#cached(id))),
    );
  }

  /** Merges counters that this server committed. */
  stockChanged(stock: StockCount): void {
    const { productId } = stock;
    const reading = this.#reading.get(productId);
    if (reading !== undefined) reading.committedStock = newerStock(stock, reading.committedStock);
    const entry = this.#entries.get(productId);
    if (entry !== undefined)
      this.#entries.set(productId, { ...entry, product: merged(entry.product, { stock }) });
  }

  /** Merges a product's name, price and terms that this server committed. */
  productChanged(product: Product): void {
    const { id } = product;
    const reading = this.#reading.get(id);
    if (reading !== undefined)
      reading.committedProduct = newerProduct(product, reading.committedProduct);
    const entry = this.#entries.get(id);
    if (entry !== undefined)
      this.#entries.set(id, { ...entry, product: merged(entry.product, { product }) });
  }

  /**
   * Removes these products, or all: another server changed them. A read in flight may miss the
   * change, so its result answers the requests that wait for it and is not cached.
   */
  invalidate(
    ids: Iterable<number> = new Set([...this.#entries.keys(), ...this.#reading.keys()]),
  ): void {
    for (const id of ids) {
      this.#entries.delete(id);
      this.#reading.delete(id);
    }
  }

  #isFresh(id: number): boolean {
    const entry = this.#entries.get(id);
    return entry !== undefined && performance.now() - entry.readAt < FRESH_MS;
  }

  /** The cached product, with the database's clock advanced since it was read. */
  #cached(id: number): StockedProduct | null {
    const entry = this.#entries.get(id);
    return entry === undefined ? null : currentProduct(entry);
  }

  #read(ids: readonly number[]): void {
    const rows = this.#readRows(ids);
    for (const id of new Set(ids)) {
      const reading: PendingRead = {
        product: rows.then(({ products, readAt, clockAt }) => {
          const found = products.get(id);
          if (found === undefined) return null;
          const entry = {
            product: merged(found, {
              stock: reading.committedStock,
              product: reading.committedProduct,
            }),
            readAt,
            clockAt,
          };
          if (this.#reading.get(id) === reading) this.#store(entry);
          return currentProduct(entry);
        }),
      };
      this.#reading.set(id, reading);
      void this.#endReading(id, reading);
    }
  }

  async #endReading(id: number, reading: PendingRead): Promise<void> {
    // Its callers receive the error.
    await reading.product.catch(() => {});
    if (this.#reading.get(id) === reading) this.#reading.delete(id);
  }

  async #readRows(ids: readonly number[]) {
    const readAt = performance.now();
    const found = await findStockedProducts({ database: this.#database }, ids);
    const products = new Map(found.map((product) => [product.id, product]));
    return { products, readAt, clockAt: performance.now() };
  }

  #store(entry: CacheEntry): void {
    const { id } = entry.product;
    // Re-inserted, so that the map stays in order of age.
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    if (this.#entries.size > ENTRIES_MAX) this.#entries.delete(this.#entries.keys().next().value!);
  }
}

function currentProduct({ product, clockAt }: CacheEntry): StockedProduct {
  const readAt = new Date(product.readAt.getTime() + performance.now() - clockAt);
  return { ...product, readAt, stock: { ...product.stock, readAt } };
}

/** The newer of both: what was read, and what this server committed. */
function merged(
  read: StockedProduct,
  committed: { readonly stock?: StockCount | undefined; readonly product?: Product | undefined },
): StockedProduct {
  const product = newerProduct(read, committed.product);
  return { ...product, readAt: read.readAt, stock: newerStock(read.stock, committed.stock) };
}

function newerProduct<One extends Product>(one: One, other: Product | undefined): One | Product {
  return other !== undefined && other.updatedAt > one.updatedAt ? other : one;
}

function newerStock(one: StockCount, other: StockCount | undefined): StockCount {
  return other !== undefined && other.version > one.version ? other : one;
}
