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
import { unchanged, withAudit, type ActionResult } from './with-audit.ts';
import { type AdminCaller } from './audit-log.ts';
import { auditSnapshotOfOrder } from './audit-snapshot.ts';
import type { Shop } from '../shop.ts';

/** The order to cancel, and how. */
export interface Cancellation {
  readonly orderId: string;
  /** Stored with the stock movement and in the audit log. */
  readonly reason: string;
  /** Whether the units of a paid order become available again, or leave the total. */
  readonly restock: boolean;
}

type CancellationAnswer = Order | OrderNotFound | OrderFinal<Order>;

/** Cancels the order and moves its units from one bucket to another; `stamp` sets further columns. */
const cancel = (from: 'held' | 'sold', to: Bucket, stamp: string): string =>
  unitMove({
    changed: `
      update orders set status = 'CANCELLED', cancelled_by = 'OPERATOR', ${stamp}, updated_at = shop_clock()
      where id = $3 and status = '${from === 'held' ? 'PENDING' : 'PAID'}'
      returning quantity`,
    // Units withdrawn from the sale leave both the bucket and the total.
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
 * Cancels an order for good: a later payment for it is refunded. The units of a pending order become
 * available. A paid order gets a refund, and its units become available or leave the total. Cancelling
 * a cancelled order returns it again; if the buyer cancelled it, the admin's cancellation replaces the
 * buyer's.
 *
 * @throws BusyFault when a lock was not available in time
 */
export function adminCancelOrder(
  shop: Shop,
  caller: AdminCaller,
  args: Cancellation,
): Promise<CancellationAnswer> {
  return withAudit<CancellationAnswer>(
    shop,
    { caller, name: 'adminCancelOrder', args },
    async (tx) => {
      await shop.lockOrders(tx, [args.orderId]);
      const order = await lockRow(tx, OrderTable, args.orderId);
      if (order === null) return unchanged(noSuchOrder);
      if (order.status === 'CANCELLED') return cancelForGood(tx, order);
      if (order.status === 'EXPIRED') return unchanged(orderFinal(order, order.status));
      return cancelCurrent(shop, tx, order, args);
    },
  );
}

const FOR_GOOD = `
  update orders set cancelled_by = 'OPERATOR', updated_at = shop_clock()
  where id = $1 and cancelled_by = 'BUYER'`;

/** A late payment reopens an order that the buyer cancelled, but not one that the admin cancelled. */
async function cancelForGood(tx: Transaction, order: Order): Promise<ActionResult<Order>> {
  await tx.rows(FOR_GOOD, [order.id]);
  return resultOf(order, (await lockRow(tx, OrderTable, order.id))!);
}

async function cancelCurrent(
  shop: Shop,
  tx: Transaction,
  order: Order,
  { reason, restock }: Cancellation,
): Promise<ActionResult<Order>> {
  const paid = order.status === 'PAID';
  const refundId = paid && order.paymentId !== null ? await refundPayment(tx, order) : null;
  const returned = restock ? CANCEL.RESTOCKED : CANCEL.WITHDRAWN;
  const statement = paid ? returned : CANCEL.PENDING;
  const ended = await withLockedStock(shop, tx, order.productId, (stock) =>
    stock.move(statement, [order.id, reason]),
  );
  invariant(ended?.length === 1, 'a locked order that is pending or paid is cancelled once');
  tx.afterCommit(() => shop.announcePurchases([order.id]));
  return resultOf(order, (await lockRow(tx, OrderTable, order.id))!, refundId);
}

/** Opens the refund of the payment that paid this order. */
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

function resultOf(
  before: Order,
  after: Order,
  refundId: string | null = null,
): ActionResult<Order> {
  return {
    answer: after,
    before: auditSnapshotOfOrder(before),
    after: { ...auditSnapshotOfOrder(after), refundId },
  };
}
