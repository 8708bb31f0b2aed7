import { findHold } from './find-holds.ts';
import { lockRow } from '../../postgres/locked-row.ts';
import { transact } from '../../postgres/transaction.ts';
import { orderNotFound, type OrderFinal, type OrderNotFound } from '../refusal.ts';
import { withLockedStock } from '../stock/locked-stock.ts';
import { unitMove } from '../stock/unit-move.ts';
import { OrderTable, type Order } from './order.entity.ts';
import { orderFinal } from './order.rules.ts';
import type { Shop } from '../shop.ts';

const CANCEL = unitMove({
  changed: `
    update orders set status = 'CANCELLED', cancelled_by = 'BUYER', released_version = $2,
      updated_at = shop_clock()
    where id = $3 and status = 'PENDING'
    returning quantity`,
  buckets: { held: -1, available: 1 },
  cause: 'CANCELLATION',
});

/**
 * Cancels an order that awaits payment and gives its units back. Cancelling a cancelled order
 * returns it again.
 *
 * @throws BusyFault when a lock was not had in time
 */
export async function cancelOrder(
  shop: Shop,
  holdToken: string,
): Promise<Order | OrderNotFound | OrderFinal<Order>> {
  const hold = await findHold(shop, holdToken);
  if (hold === null) return orderNotFound;
  return transact(shop.database, async (tx) => {
    await shop.lockOrder(tx, hold.orderId);
    const order = await lockRow(tx, OrderTable, hold.orderId);
    if (order === null) return orderNotFound;
    if (order.status === 'CANCELLED') return order;
    if (order.status !== 'PENDING') return orderFinal(order, order.status);

    await withLockedStock(shop, tx, order.productId, (stock) => stock.move(CANCEL, [order.id]));
    tx.afterCommit(() => shop.announcePurchases([order.id]));
    return (await lockRow(tx, OrderTable, order.id))!;
  });
}
