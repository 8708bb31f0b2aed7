import type { Shop } from '../shop/shop.ts';
import type { ProductCache } from './product-cache.ts';
import type { PurchaseFeed } from './purchase-feed.ts';
import type { StockFeed } from './stock-feed.ts';

/** The live feeds of one server: from a commit to its subscribers. */
interface LiveFeeds {
  /** Stock counters of subscribed products. */
  readonly stockFeed: StockFeed;
  /** Products with their stock, kept for a second. */
  readonly productCache: ProductCache;
  /** Signals that a hold or its order changed. */
  readonly purchaseFeed: PurchaseFeed;
}

/** The shop with its live feeds: what the server's endpoints receive. */
export interface LiveShop extends Shop, LiveFeeds {}
