import DataLoader from 'dataloader';
import { findOrders, type Order } from '../../orders/find-orders.ts';
import { findRefunds, type Refund } from '../../payments/find-refunds.ts';
import type { Shop } from '../../shop.ts';
import { countStock } from '../../stock/count-stock.ts';
import type { StockedProduct } from '../../stock/fresh-products.ts';
import type { StockCount } from '../../stock/stock.rules.ts';

/**
 * What one operation reads, gathered: however many products, stocks or orders it names, each kind
 * costs one statement. New for each operation, so nothing is remembered beyond it.
 */
export interface Loaders {
  readonly product: DataLoader<number, StockedProduct | null>;
  readonly stock: DataLoader<number, StockCount | null>;
  readonly order: DataLoader<string, Order | null>;
  readonly refunds: DataLoader<string, readonly Refund[]>;
}

/** Loaders for one operation. Without a cache they still gather, but read anew each time. */
export function createLoaders(shop: Shop, { cache }: { readonly cache: boolean }): Loaders {
  const loaderOf = <Key, Row>(
    find: (keys: readonly Key[]) => Promise<readonly Row[]>,
    keyOf: (row: Row) => Key,
  ): DataLoader<Key, Row | null> =>
    new DataLoader(
      async (keys: readonly Key[]) => {
        const rows = new Map((await find(keys)).map((row) => [keyOf(row), row]));
        return keys.map((key) => rows.get(key) ?? null);
      },
      { cache },
    );
  return {
    product: new DataLoader((ids) => shop.freshProducts.load(ids), { cache }),
    stock: loaderOf(
      (ids) => countStock(shop, ids),
      ({ productId }) => productId,
    ),
    order: loaderOf(
      (ids) => findOrders(shop, ids),
      ({ id }) => id,
    ),
    refunds: new DataLoader(
      async (orderIds: readonly string[]) => {
        const refunds = Map.groupBy(await findRefunds(shop, orderIds), ({ orderId }) => orderId);
        return orderIds.map((orderId) => refunds.get(orderId) ?? []);
      },
      { cache },
    ),
  };
}
