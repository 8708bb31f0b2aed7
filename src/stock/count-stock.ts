import type { Database } from '../platform/database.ts';
import { StockLevelTable } from './stock-level.entity.ts';
import type { StockFeed } from './stock-feed.ts';
import type { StockCount } from './stock.rules.ts';

/** The stock of many products at once, as committed; unknown ids are left out. */
export function countStock(
  shop: { readonly database: Database },
  productIds: readonly number[],
): Promise<StockCount[]> {
  return shop.database.find(StockLevelTable, { productId: { $in: [...productIds] } });
}

/** The stock of the newest products, at most this many: those of the sale that is on. */
export function countNewestStock(
  shop: { readonly database: Database },
  limit: number,
): Promise<StockCount[]> {
  return shop.database.find(StockLevelTable, {}, { orderBy: { productId: 'desc' }, limit });
}

/**
 * Reads the stock of watched products anew and tells the feed, in one query: of those named, or of
 * all. It is how another server's changes come in, and the net under every notice that was lost.
 */
export async function refreshStockFeed(
  shop: { readonly database: Database; readonly stockFeed: StockFeed },
  named?: readonly number[],
): Promise<void> {
  const watched = shop.stockFeed.watched();
  const wanted = named === undefined ? watched : watched.filter((id) => named.includes(id));
  if (wanted.length === 0) return;
  for (const count of await countStock(shop, wanted)) shop.stockFeed.publish(count);
}
