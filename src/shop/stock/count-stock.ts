import { StockLevelTable } from './stock-level.entity.ts';
import type { StockCount } from './stock.rules.ts';
import type { Shop } from '../shop.ts';

/** The stock of many products at once, as committed; unknown ids are left out. */
export function countStock(
  shop: Pick<Shop, 'database'>,
  productIds: readonly number[],
): Promise<StockCount[]> {
  return shop.database.find(StockLevelTable, { productId: { $in: [...productIds] } });
}

/** The stock of the newest products, at most this many: those of the sale that is on. */
export function countNewestStock(
  shop: Pick<Shop, 'database'>,
  limit: number,
): Promise<StockCount[]> {
  return shop.database.find(StockLevelTable, {}, { orderBy: { productId: 'desc' }, limit });
}
