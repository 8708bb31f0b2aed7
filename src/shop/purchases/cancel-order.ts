import { readClock } from '../../postgres/clock.ts';
import { invariant } from '../../lib/faults.ts';
import { transact } from '../../postgres/transaction.ts';
import { orderEvents } from '../events/record-events.ts';
import { orderNotFound } from '../refusal.ts';
import type { Shop } from '../shop.ts';
import { lockStock } from '../stock/locked-stock.ts';
import { unitMove } from '../stock/unit-move.ts';
import { findHold } from './reads/find-purchases.ts';
import { orderFinal } from './order.rules.ts';
import { lockOrders, orderOf } from './batches/purchase-rows.ts';
import type { CancelAnswer } from './batches/queues.ts';
import { statusIsOneOf } from './status.rules.ts';

const CANCEL = unitMove({
  before: `
    cancelled as (
      update orders set status = 'CANCELLED', cancelled_by = 'BUYER', released_version = $2,
        updated_at = $4
      where id = any($3::uuid[]) and ${statusIsOneOf(['PENDING'])}
      returning *),`,
  changed: 'select quantity from cancelled',
  buckets: { held: -1, available: 1 },
  cause: 'CANCELLATION',
  events: orderEvents('ORDER_CANCELLED', 'cancelled'),
});

/**
 * Cancels a pending order; its units become available. Cancelling a cancelled order returns it again.
 *
 * @throws BusyFault when a lock was not granted in time
 */
export async function cancelOrder(shop: Shop, holdToken: string): Promise<CancelAnswer> {
  const hold = await findHold(shop, holdToken);
  if (hold === null) return orderNotFound;
  return shop.cancelQueues.submit(hold.productId, hold.orderId);
}

/** Cancels a batch of orders of one product in one transaction of two round trips. */
export async function cancelOrders(
  shop: Shop,
  productId: number,
  ids: readonly string[],
): Promise<readonly CancelAnswer[]> {
  return transact(shop.database, async (tx) => {
    const [, rows, stock, now] = await Promise.all([
      shop.lockOrders(tx, [...new Set(ids)]),
      lockOrders(tx, ids),
      lockStock(shop, tx, productId),
      readClock(tx),
    ]);
    const orders = new Map(rows.map((row) => [row.id, orderOf(row, now)]));
    const cancelled = new Set<string>();
    const answers = ids.map((id): CancelAnswer => {
      const order = orders.get(id);
      if (order === undefined || stock === undefined) return orderNotFound;
      if (order.status === 'CANCELLED') return order;
      if (order.status !== 'PENDING') return orderFinal(order, order.status);
      cancelled.add(id);
      return {
        ...order,
        status: 'CANCELLED',
        cancelledBy: 'BUYER',
        releasedVersion: stock.count.version + 1,
        updatedAt: now,
      };
    });
    if (stock === undefined || cancelled.size === 0) return answers;
    tx.afterCommit(() => shop.announcePurchases([...cancelled]));
    const moved = await stock.moveLast(CANCEL, [[...cancelled], now]);
    invariant(moved.length === cancelled.size, 'each locked pending order is cancelled once');
    return answers;
  });
}
