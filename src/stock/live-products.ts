import { findProducts, type Product } from '../catalog/find-products.ts';
import { listenAlone, type LiveSource, type Versioned } from '../platform/audience.ts';
import type { Database } from '../platform/database.ts';
import { countStock } from './count-stock.ts';
import type { StockedProduct } from './fresh-products.ts';
import type { StockFeed } from './stock-feed.ts';
import type { StockCount } from './stock.rules.ts';

/**
 * The live stock of some products, for any number of listeners: read as committed when someone
 * comes, then kept by the stock feed. Versions are those of the stock; they only rise.
 */
export class LiveProducts implements LiveSource<StockedProduct>, AsyncIterable<StockedProduct> {
  readonly keys: readonly number[];
  readonly #database: Database;
  readonly #feed: StockFeed;
  readonly #products = new Map<number, Product>();
  readonly #stocks = new Map<number, StockCount>();

  /** @param productIds products that exist, each once */
  constructor(
    shop: { readonly database: Database; readonly stockFeed: StockFeed },
    productIds: readonly number[],
  ) {
    this.#database = shop.database;
    this.#feed = shop.stockFeed;
    this.keys = productIds;
  }

  async read(): Promise<void> {
    const shop = { database: this.#database };
    const [products, counts] = await Promise.all([
      findProducts(shop, this.keys),
      countStock(shop, this.keys),
    ]);
    for (const product of products) this.#products.set(product.id, product);
    for (const count of counts) this.#learn(count);
  }

  current(productId: number): Versioned<StockedProduct> | undefined {
    const product = this.#products.get(productId);
    const stock = this.#stocks.get(productId);
    if (product === undefined || stock === undefined) return undefined;
    return { version: stock.version, value: { ...product, stock } };
  }

  subscribe(look: (productId: number) => void): () => void {
    const unsubscribes = this.keys.map((productId) =>
      this.#feed.subscribe(productId, (count) => {
        this.#learn(count);
        look(productId);
      }),
    );
    return () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
    };
  }

  /** For one who listens alone, as any executor of GraphQL would. */
  [Symbol.asyncIterator](): AsyncIterator<StockedProduct> {
    return listenAlone(this);
  }

  #learn(count: StockCount): void {
    const known = this.#stocks.get(count.productId);
    // Of equal versions the later look counts: it knows a later moment of the database's clock.
    if (known === undefined || known.version <= count.version)
      this.#stocks.set(count.productId, count);
  }
}
