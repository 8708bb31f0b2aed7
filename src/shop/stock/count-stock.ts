import { StockLevelTable } from './stock-level.entity.ts';
import type { StockCount } from './stock.rules.ts';
import type { Shop } from '../shop.ts';

/** The counters of many products, as committed; unknown ids are left out. */
export function countStock(
  shop: Pick<Shop, 'database'>,
  productIds: readonly number[],
): Promise<StockCount[]> {
  return shop.database.find(StockLevelTable, { productId: { $in: [...productIds] } });
}

/** The counters of the newest products, at most `limit`: usually those of the current sale. */
export function countNewestStock(
  shop: Pick<Shop, 'database'>,
  limit: number,
): Promise<StockCount[]> {
  return shop.database.find(StockLevelTable, {}, { orderBy: { productId: 'desc' }, limit });
}
