import { streamOf, type LiveSource, type Versioned } from './broadcast.ts';
import { isNews, isOlder, type StockedProduct } from '../shop/stock/find-stocked.ts';
import type { StockFeed } from './stock-feed.ts';

/**
 * Some live products, for any number of subscribers: read as committed for each new subscriber, then
 * updated by the stock feed. The version of a value counts its changes: units, name, price, limits or
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
    for (const product of await this.#feed.load(this.keys)) this.#update(product);
  }

  current(productId: number): Versioned<StockedProduct> | undefined {
    return this.#newest.get(productId);
  }

  subscribe(onChange: (productId: number) => void): () => void {
    const unsubscribes = this.keys.map((productId) =>
      this.#feed.subscribe(productId, (product) => {
        this.#update(product);
        onChange(productId);
      }),
    );
    return () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
    };
  }

  /** A stream for one subscriber: what a GraphQL executor subscribes to. */
  [Symbol.asyncIterator](): AsyncIterator<StockedProduct> {
    return streamOf(this);
  }

  #update(product: StockedProduct): void {
    const known = this.#newest.get(product.id);
    const version = known?.version ?? 0;
    if (known === undefined || isNews(product, known.value))
      this.#newest.set(product.id, { version: version + 1, value: product });
    // The same product, read at a later time of the database's clock.
    else if (!isOlder(product, known.value))
      this.#newest.set(product.id, { version, value: product });
  }
}
