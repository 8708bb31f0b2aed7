import type { Product } from '../shop/catalog/find-products.ts';
import type { Database } from '../postgres/database.ts';
import { findStockedProducts, type StockedProduct } from '../shop/stock/find-stocked.ts';
import type { StockCount } from '../shop/stock/stock.rules.ts';

/** How long a value that was read is known to be fresh: no screen is told anything older. */
const FRESH_MS = 1000;

/** Most products remembered; a catalogue larger than this is read like any table. */
const KNOWN_MAX = 10_000;

interface Known {
  readonly product: StockedProduct;
  /** When its read began, by this process's monotonic clock; it measures an age and decides no deadline. */
  readonly readAt: number;
  /** When its read ended: the database's clock, which is in the value, runs on from there. */
  readonly clockAt: number;
}

/** A product that is being read, and what this server committed meanwhile: the read may miss it. */
interface Reading {
  readonly shown: Promise<StockedProduct | null>;
  stock?: StockCount;
  product?: Product;
}

/**
 * Products with their stock, kept for a second: however many look at the hot product, the database
 * is asked once a second for it. What this server commits is in its next answer; what another
 * server commits is forgotten here as soon as its change notification comes, and after a second in
 * any case.
 */
export class ProductCache {
  readonly #database: Database;
  readonly #known = new Map<number, Known>();
  readonly #reading = new Map<number, Reading>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The products of these ids, in their order; null for an unknown id. */
  load(ids: readonly number[]): Promise<(StockedProduct | null)[]> {
    const missing = ids.filter((id) => !this.#isFresh(id) && !this.#reading.has(id));
    if (missing.length > 0) this.#read(missing);
    return Promise.all(
      ids.map((id) => this.#reading.get(id)?.shown ?? Promise.resolve(this.#show(id))),
    );
  }

  /** This server committed these counts. */
  committed(stock: StockCount): void {
    const { productId } = stock;
    const reading = this.#reading.get(productId);
    if (reading !== undefined) reading.stock = newerStock(stock, reading.stock);
    const known = this.#known.get(productId);
    if (known !== undefined)
      this.#known.set(productId, { ...known, product: merged(known.product, { stock }) });
  }

  /** This server committed this product's name, price and rules. */
  renewed(product: Product): void {
    const { id } = product;
    const reading = this.#reading.get(id);
    if (reading !== undefined) reading.product = newerProduct(product, reading.product);
    const known = this.#known.get(id);
    if (known !== undefined)
      this.#known.set(id, { ...known, product: merged(known.product, { product }) });
  }

  /**
   * Another server changed these products, or all may have changed. A read that is under way may
   * miss the change: what it finds is answered to those who wait for it, and not kept.
   */
  forget(ids: Iterable<number> = new Set([...this.#known.keys(), ...this.#reading.keys()])): void {
    for (const id of ids) {
      this.#known.delete(id);
      this.#reading.delete(id);
    }
  }

  #isFresh(id: number): boolean {
    const known = this.#known.get(id);
    return known !== undefined && performance.now() - known.readAt < FRESH_MS;
  }

  /** What is known, with the database's clock carried on from when it was read. */
  #show(id: number): StockedProduct | null {
    const known = this.#known.get(id);
    return known === undefined ? null : shownNow(known);
  }

  #read(ids: readonly number[]): void {
    const rows = this.#readRows(ids);
    for (const id of new Set(ids)) {
      const reading: Reading = {
        shown: rows.then(({ products, readAt, clockAt }) => {
          const found = products.get(id);
          if (found === undefined) return null;
          const known = { product: merged(found, reading), readAt, clockAt };
          if (this.#reading.get(id) === reading) this.#learn(known);
          return shownNow(known);
        }),
      };
      this.#reading.set(id, reading);
      void this.#endReading(id, reading);
    }
  }

  async #endReading(id: number, reading: Reading): Promise<void> {
    // Its callers receive the error.
    await reading.shown.catch(() => {});
    if (this.#reading.get(id) === reading) this.#reading.delete(id);
  }

  async #readRows(ids: readonly number[]) {
    const readAt = performance.now();
    const found = await findStockedProducts({ database: this.#database }, ids);
    const products = new Map(found.map((product) => [product.id, product]));
    return { products, readAt, clockAt: performance.now() };
  }

  #learn(known: Known): void {
    const { id } = known.product;
    // Re-inserted, so that the map stays in order of age and the oldest is the first to go.
    this.#known.delete(id);
    this.#known.set(id, known);
    if (this.#known.size > KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!);
  }
}

function shownNow({ product, clockAt }: Known): StockedProduct {
  const readAt = new Date(product.readAt.getTime() + performance.now() - clockAt);
  return { ...product, readAt, stock: { ...product.stock, readAt } };
}

/** The newer of each: what was read, and what this server committed. */
function merged(
  read: StockedProduct,
  committed: { readonly stock?: StockCount; readonly product?: Product },
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
