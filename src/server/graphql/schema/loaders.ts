import DataLoader from 'dataloader';
import { findOrders, type Order } from '../../../shop/purchases/reads/find-purchases.ts';
import { findRefunds, type Refund } from '../../../shop/payments/list-payments.ts';
import type { LiveShop } from '../../../live/live-shop.ts';
import { countStock } from '../../../shop/stock/count-stock.ts';
import { findStockedProducts, type StockedProduct } from '../../../shop/stock/find-stocked.ts';
import type { StockCount } from '../../../shop/stock/stock.rules.ts';

/**
 * Batches the reads of one operation: each kind of row costs one statement, for any number of rows.
 * Created for each operation, so nothing is cached beyond it. Each loader is created at its first use,
 * because most operations use at most one.
 */
export class Loaders {
  readonly #shop: LiveShop;
  readonly #options: { readonly cache: boolean };
  #product: DataLoader<number, StockedProduct | null> | undefined;
  #stock: DataLoader<number, StockCount | null> | undefined;
  #order: DataLoader<string, Order | null> | undefined;
  #refunds: DataLoader<string, readonly Refund[]> | undefined;

  /** A subscription caches nothing: each of its events shows what was committed before it. */
  constructor(shop: LiveShop, { isStream }: { readonly isStream: boolean }) {
    this.#shop = shop;
    this.#options = { cache: !isStream };
  }

  get product(): DataLoader<number, StockedProduct | null> {
    return (this.#product ??= new DataLoader((ids) => this.#findProducts(ids), this.#options));
  }

  get stock(): DataLoader<number, StockCount | null> {
    return (this.#stock ??= new DataLoader(async (ids) => {
      const counts = await countStock(this.#shop, ids);
      return inOrder(ids, counts, ({ productId }) => productId);
    }, this.#options));
  }

  get order(): DataLoader<string, Order | null> {
    return (this.#order ??= new DataLoader(async (ids) => {
      const orders = await findOrders(this.#shop, ids);
      return inOrder(ids, orders, ({ id }) => id);
    }, this.#options));
  }

  get refunds(): DataLoader<string, readonly Refund[]> {
    return (this.#refunds ??= new DataLoader(async (orderIds) => {
      const refunds = await findRefunds(this.#shop, orderIds);
      const ofOrder = Map.groupBy(refunds, ({ orderId }) => orderId);
      return orderIds.map((orderId) => ofOrder.get(orderId) ?? []);
    }, this.#options));
  }

  async #findProducts(ids: readonly number[]): Promise<(StockedProduct | null)[]> {
    if (this.#options.cache) return this.#shop.productCache.load(ids);
    return inOrder(ids, await findStockedProducts(this.#shop, ids), ({ id }) => id);
  }
}

function inOrder<Key, Row>(
  keys: readonly Key[],
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
): (Row | null)[] {
  const found = new Map(rows.map((row) => [keyOf(row), row]));
  return keys.map((key) => found.get(key) ?? null);
}
