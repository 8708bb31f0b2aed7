import { endDue } from './due-units.ts';
import { transact } from '../../postgres/transaction.ts';
import { withLockedStock } from '../stock/locked-stock.ts';
import { OrderTable } from './order.entity.ts';
import type { Shop } from '../shop.ts';

/**
 * Expires the product's due orders now, for someone who watches this one: the stream tells of the
 * expiry at the deadline and not a sweep later. Nothing happens to an order that is not due.
 */
export async function endDueOfOrder(shop: Shop, orderId: string): Promise<void> {
  const [order] = await shop.database.find(OrderTable, { id: orderId });
  if (order === undefined || order.status !== 'PENDING') return;
  if (order.readAt < order.paymentExpiresAt) return;
  await transact(shop.database, (tx) =>
    withLockedStock(shop, tx, order.productId, (stock) => endDue(shop, tx, stock, 'EXPIRY')),
  );
}
