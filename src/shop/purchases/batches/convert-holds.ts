import { invariant } from '../../../lib/faults.ts';
import type { Transaction } from '../../../postgres/transaction.ts';
import type { Shop } from '../../shop.ts';
import type { Hold } from '../hold.entity.ts';
import type { Order } from '../order.entity.ts';
import { statusIsOneOf } from '../status.rules.ts';

/** The units stay held, so the stock row does not change. */
const CONVERT = `
  with converted as (
    update holds set status = 'CONVERTED' where id = any($1::uuid[]) and ${statusIsOneOf(['ACTIVE'])} returning *)
  insert into orders (id, hold_id, product_id, quantity, customer_id, metadata, unit_price_minor, currency,
    status, created_at, payment_expires_at, updated_at)
  select order_id, id, product_id, quantity, customer_id, metadata, unit_price_minor, currency,
    'PENDING', $2, $3, $2
  from converted
  order by order_id
  returning id`;

/**
 * Converts locked active holds into pending orders and commits: it is the transaction's last
 * statement. The orders are in the order of the holds.
 */
export async function convertHolds(
  shop: Shop,
  tx: Transaction,
  { holds, now }: { readonly holds: readonly Hold[]; readonly now: Date },
): Promise<readonly Order[]> {
  const orders = holds.map((hold) => pendingOrder(shop, hold, now));
  if (orders.length === 0) return orders;
  tx.afterCommit(() => shop.announcePurchases(orders.map(({ id }) => id)));
  const ids = holds.map(({ id }) => id);
  const created = await tx.lastRows(CONVERT, [ids, now, orders[0]!.paymentExpiresAt]);
  invariant(created.length === orders.length, 'each locked active hold becomes one order');
  return orders;
}

/** The order as the statement inserts it, which saves reading it again. */
function pendingOrder({ orderPaymentTtlMs }: Shop, hold: Hold, now: Date): Order {
  const { id: holdId, orderId, productId, quantity, customerId, unitPriceMinor, currency } = hold;
  return {
    id: orderId,
    holdId,
    productId,
    quantity,
    customerId,
    metadata: hold.metadata,
    unitPriceMinor,
    currency,
    status: 'PENDING',
    cancelledBy: null,
    paymentProvider: null,
    paymentId: null,
    createdAt: now,
    paymentExpiresAt: new Date(now.getTime() + orderPaymentTtlMs),
    paidAt: null,
    updatedAt: now,
    releasedVersion: null,
    soldVersion: null,
    returnedVersion: null,
    restocked: null,
    readAt: now,
  };
}
