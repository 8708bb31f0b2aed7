import { OrderTable, type Order } from '../purchases/order.entity.ts';
import { orderFinal } from '../purchases/order.rules.ts';
import { openRefund } from '../payments/open-refund.ts';
import { PaymentEventTable, type PaymentEvent } from '../payments/payment-event.entity.ts';
import { invariant } from '../../lib/invariant.ts';
import { lockRow } from '../../postgres/locked-row.ts';
import type { Transaction } from '../../postgres/transaction.ts';
import { noSuchOrder, type OrderFinal, type OrderNotFound } from '../refusal.ts';
import { withLockedStock } from '../stock/locked-stock.ts';
import { unitMove, type Bucket } from '../stock/unit-move.ts';
import { unchanged, withAudit, type Done } from './with-audit.ts';
import { type Operator } from './audit-log.ts';
import { shownOrder } from './audit-snapshot.ts';
import type { Shop } from '../shop.ts';

/** What the operator says of an order that is not to be. */
export interface Cancellation {
  readonly orderId: string;
  /** Why; it stands in the stock movement and in the audit log. */
  readonly reason: string;
  /** Whether the units of a paid order become available again, or leave the sale. */
  readonly restock: boolean;
}

type CancellationAnswer = Order | OrderNotFound | OrderFinal<Order>;

/** The order ends and its units leave the bucket they are in; how, its state decides. */
const cancel = (from: 'held' | 'sold', to: Bucket, stamp: string): string =>
  unitMove({
    changed: `
      update orders set status = 'CANCELLED', cancelled_by = 'OPERATOR', ${stamp}, updated_at = shop_clock()
      where id = $3 and status = '${from === 'held' ? 'PENDING' : 'PAID'}'
      returning quantity`,
    // Out of the total they are gone from both sides: one bucket less, and as many fewer in all.
    buckets: { [from]: -1, [to]: to === 'total' ? -1 : 1 },
    cause: 'CANCELLATION',
    note: { reason: '$4' },
  });

const CANCEL = {
  PENDING: cancel('held', 'available', 'released_version = $2'),
  RESTOCKED: cancel('sold', 'available', 'returned_version = $2, restocked = true'),
  WITHDRAWN: cancel('sold', 'total', 'returned_version = $2, restocked = false'),
} as const;

/**
 * Cancels an order for good: money that comes for it later is refunded. A pending order's units come
 * back; a paid one's money is due back, and its units become available again or leave the sale.
 * Cancelling a cancelled order returns it again; if the buyer had cancelled it, it is the operator's
 * from now on.
 *
 * @throws BusyFault when a lock was not available in time
 */
export function adminCancelOrder(
  shop: Shop,
  operator: Operator,
  asked: Cancellation,
): Promise<CancellationAnswer> {
  return withAudit<CancellationAnswer>(
    shop,
    { operator, name: 'adminCancelOrder', asked },
    async (tx) => {
      await shop.lockOrders(tx, [asked.orderId]);
      const order = await lockRow(tx, OrderTable, asked.orderId);
      if (order === null) return unchanged(noSuchOrder);
      if (order.status === 'CANCELLED') return cancelForGood(tx, order);
      if (order.status === 'EXPIRED') return unchanged(orderFinal(order, order.status));
      return cancelStanding(shop, tx, order, asked);
    },
  );
}

const FOR_GOOD = `
  update orders set cancelled_by = 'OPERATOR', updated_at = shop_clock()
  where id = $1 and cancelled_by = 'BUYER'`;

/** What the buyer cancelled, money that comes late would bring back: the operator's word ends that. */
async function cancelForGood(tx: Transaction, order: Order): Promise<Done<Order>> {
  await tx.rows(FOR_GOOD, [order.id]);
  return done(order, (await lockRow(tx, OrderTable, order.id))!);
}

async function cancelStanding(
  shop: Shop,
  tx: Transaction,
  order: Order,
  { reason, restock }: Cancellation,
): Promise<Done<Order>> {
  const paid = order.status === 'PAID';
  const refundId = paid && order.paymentId !== null ? await refundPayment(tx, order) : null;
  const returned = restock ? CANCEL.RESTOCKED : CANCEL.WITHDRAWN;
  const statement = paid ? returned : CANCEL.PENDING;
  const ended = await withLockedStock(shop, tx, order.productId, (stock) =>
    stock.move(statement, [order.id, reason]),
  );
  invariant(ended?.length === 1, 'a locked standing order is cancelled once');
  tx.afterCommit(() => shop.announcePurchases([order.id]));
  return done(order, (await lockRow(tx, OrderTable, order.id))!, refundId);
}

/** The money that paid this order is due back, on the event that brought it. */
async function refundPayment(tx: Transaction, order: Order): Promise<string> {
  const { id: orderId, paymentProvider: provider, paymentId } = order;
  const event = (await tx.em.findOne(
    PaymentEventTable,
    { orderId, provider: provider!, paymentId, counted: true },
    { disableIdentityMap: true },
  )) as PaymentEvent | null;
  invariant(event !== null, 'a paid order has the event that paid it');
  return openRefund(tx, event, { reason: 'ORDER_CANCELLED', meantFor: order });
}

function done(before: Order, after: Order, refundId: string | null = null): Done<Order> {
  return { answer: after, before: shownOrder(before), after: { ...shownOrder(after), refundId } };
}
