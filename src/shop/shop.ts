import type { UpdateProductNeeds } from './catalog/update-product.ts';
import type { CreateHoldNeeds, HoldNeeds } from './purchases/create-hold.ts';
import type { FindHoldNeeds } from './purchases/find-holds.ts';
import type { DeniedTries } from './admin/unauthorized-attempts.ts';
import type { WatchNeeds } from '../live/watch-purchase.ts';
import type { PaymentNeeds } from './payments/settle-event.ts';
import type { FreshProducts } from '../live/product-cache.ts';
import type { StockFeed } from '../live/stock-feed.ts';

/** The needs of every folder, joined: what open-shop.ts builds once and every edge hands to the use cases. */
export interface Shop
  extends HoldNeeds, CreateHoldNeeds, FindHoldNeeds, PaymentNeeds, WatchNeeds, UpdateProductNeeds {
  readonly stockFeed: StockFeed;
  readonly freshProducts: FreshProducts;
  readonly deniedTries: DeniedTries;
}
