import { listenAlone, type LiveSource, type Versioned } from './broadcast.ts';
import { isNews, isOlder, type StockedProduct } from '../shop/stock/find-stocked.ts';
import type { StockFeed } from './stock-feed.ts';

/**
 * Some live products, for any number of listeners: read as committed when one joins, then kept by
 * the stock feed. The version of a value counts what changed in it: units, name, price, rules or
 * sale status.
 */
export class LiveProducts implements LiveSource<StockedProduct>, AsyncIterable<StockedProduct> {
  readonly keys: readonly number[];
  readonly #feed: StockFeed;
  readonly #newest = new Map<number, Versioned<StockedProduct>>();

  /** @param productIds products that exist, each once */
  constructor(shop: { readonly stockFeed: StockFeed }, productIds: readonly number[]) {
    this.#feed = shop.stockFeed;
    this.keys = productIds;
  }

  async read(): Promise<void> {
    for (const product of await this.#feed.load(this.keys)) this.#learn(product);
  }

  current(productId: number): Versioned<StockedProduct> | undefined {
    return this.#newest.get(productId);
  }

  subscribe(look: (productId: number) => void): () => void {
    const unsubscribes = this.keys.map((productId) =>
      this.#feed.subscribe(productId, (product) => {
        this.#learn(product);
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

  #learn(product: StockedProduct): void {
    const known = this.#newest.get(product.id);
    const version = known?.version ?? 0;
    if (known === undefined || isNews(product, known.value))
      this.#newest.set(product.id, { version: version + 1, value: product });
    // Nothing else than a later moment of the database's clock.
    else if (!isOlder(product, known.value))
      this.#newest.set(product.id, { version, value: product });
  }
}
