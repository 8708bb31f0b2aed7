import { BusyFault } from '../../lib/faults.ts';
import { transact, type Transaction } from '../../postgres/transaction.ts';
import { orderEvents } from '../events/record-events.ts';
import type { Shop } from '../shop.ts';
import { withLockedStock, type LockedStock } from '../stock/locked-stock.ts';
import { unitMove } from '../stock/unit-move.ts';
import { OrderTable } from './order.entity.ts';
import { holdIsDue, isPast, orderIsDue } from './status.rules.ts';

/** Maximum holds and maximum orders ended by one statement: buyers wait a few milliseconds for it. */
const EXPIRY_BATCH = 2000;

/** A sub-select, so that the clock is read once and the index can be used. */
const NOW = '(select shop_clock())';

/**
 * Ends due holds and due orders of one product and returns their units, in one statement and one
 * movement. SKIP LOCKED, because it runs under the lock of the stock row. Another transaction that has
 * locked a due row decides it.
 */
const endDueStatement = (cause: 'EXPIRY' | 'RECLAIM'): string =>
  unitMove({
    before: `
      due_holds as (
        update holds set status = 'EXPIRED', released_version = $2
        where id in (
          select id from holds where ${holdIsDue(NOW)} and product_id = $1
          order by expires_at limit ${EXPIRY_BATCH} for update skip locked)
        returning order_id, quantity),
      due_orders as (
        update orders set status = 'EXPIRED', released_version = $2, updated_at = shop_clock()
        where id in (
          select id from orders where ${orderIsDue(NOW)} and product_id = $1
          order by payment_expires_at limit ${EXPIRY_BATCH} for update skip locked)
        returning *),`,
    changed: 'select * from due_holds union all select id, quantity from due_orders',
    buckets: { held: -1, available: 1 },
    cause,
    events: orderEvents('ORDER_EXPIRED', 'due_orders'),
  });

const END_DUE = {
  EXPIRY: endDueStatement('EXPIRY'),
  RECLAIM: endDueStatement('RECLAIM'),
} as const;

/**
 * Ends what is due of a locked product; its units are available again. At most EXPIRY_BATCH holds and
 * as many orders.
 *
 * @returns how many holds and orders ended
 */
export async function endDue(
  shop: Shop,
  tx: Transaction,
  stock: LockedStock,
  cause: keyof typeof END_DUE = 'RECLAIM',
): Promise<number> {
  const ended = await stock.move<{ order_id: string }>(END_DUE[cause], []);
  if (ended.length > 0) {
    const orderIds = ended.map((row) => row.order_id);
    tx.afterCommit(() => shop.announcePurchases(orderIds));
  }
  return ended.length;
}

/** Products that have something due, read without a lock; the product with the oldest deadline first. */
const PRODUCTS_DUE = `
  select product_id as "productId" from (
    select product_id, min(expires_at) as due from holds where ${holdIsDue(NOW)} group by product_id
    union all
    select product_id, min(payment_expires_at) from orders where ${orderIsDue(NOW)} group by product_id
  ) as due_rows group by product_id order by min(due)`;

/** What one sweep did. */
export interface Sweep {
  /** Holds and orders that were ended. */
  readonly ended: number;
  /** Products whose lock was not available in time; the next sweep tries again. */
  readonly skipped: number;
}

/**
 * The sweep: ends what is due, product by product, in batches, so that buyers wait a short time for
 * the lock. Servers may sweep at once: under the stock row's lock each unit is returned once.
 */
export async function sweepDue(shop: Shop): Promise<Sweep> {
  let ended = 0;
  let skipped = 0;
  for (const { productId } of await shop.database.rows<{ productId: number }>(PRODUCTS_DUE, [])) {
    try {
      ended += await endAllDue(shop, productId);
    } catch (error) {
      if (!(error instanceof BusyFault)) throw error;
      skipped += 1;
    }
  }
  return { ended, skipped };
}

async function endAllDue(shop: Shop, productId: number): Promise<number> {
  let ended = 0;
  for (;;) {
    const batch = await endDueOfProduct(shop, productId);
    ended += batch;
    if (batch < EXPIRY_BATCH) return ended;
  }
}

/**
 * Ends the due holds and orders of an order's product, if the order is due. A subscription calls it at
 * the deadline, so that it can send the expiry without waiting for a sweep.
 *
 * @throws BusyFault when the product's lock was not available in time
 */
export async function endDueOfOrder(shop: Shop, orderId: string): Promise<void> {
  const [order] = await shop.database.find(OrderTable, { id: orderId });
  if (order?.status !== 'PENDING' || !isPast(order.paymentExpiresAt, order.readAt)) return;
  await endDueOfProduct(shop, order.productId);
}

async function endDueOfProduct(shop: Shop, productId: number): Promise<number> {
  const ended = await transact(shop.database, (tx) =>
    withLockedStock(shop, tx, productId, (stock) => endDue(shop, tx, stock, 'EXPIRY')),
  );
  return ended ?? 0;
}
