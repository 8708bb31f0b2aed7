import type { UpdateProductNeeds } from './catalog/update-product.ts';
import type { CreateHoldNeeds, HoldNeeds } from './holds/create-hold.ts';
import type { FindHoldNeeds } from './holds/find-holds.ts';
import type { DeniedTries } from './operator/denied-tries.ts';
import type { WatchNeeds } from './orders/watch-purchase.ts';
import type { PaymentNeeds } from './payments/settle-event.ts';
import type { FreshProducts } from './stock/fresh-products.ts';
import type { StockFeed } from './stock/stock-feed.ts';

/** The needs of every folder, joined: what open-shop.ts builds once and every edge hands to the use cases. */
export interface Shop
  extends HoldNeeds, CreateHoldNeeds, FindHoldNeeds, PaymentNeeds, WatchNeeds, UpdateProductNeeds {
  readonly stockFeed: StockFeed;
  readonly freshProducts: FreshProducts;
  readonly deniedTries: DeniedTries;
}
