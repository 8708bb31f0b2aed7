import { OrderTable, type Order } from '../purchases/order.entity.ts';
import { orderFinal } from '../purchases/order.rules.ts';
import { ADMIN_CANCEL, CANCEL_PERMANENTLY } from '../purchases/batches/order-statements.ts';
import { PaymentEventTable } from '../payments/inbox/payment-event.entity.ts';
import { openRefund } from '../payments/settlement/write-refunds.ts';
import { amountOwed, moneyReceived } from '../payments/settlement/refund.rules.ts';
import { invariant } from '../../lib/faults.ts';
import { lockRow } from '../../postgres/locked-row.ts';
import type { Transaction } from '../../postgres/transaction.ts';
import { noSuchOrder, type OrderFinal, type OrderNotFound } from '../refusal.ts';
import { withLockedStock } from '../stock/locked-stock.ts';
import { unchanged, withAudit, type ActionResult } from './audit/with-audit.ts';
import { type AdminCaller } from './audit/audit-log.ts';
import { auditSnapshotOfOrder } from './audit/audit-snapshot.ts';
import type { Shop } from '../shop.ts';

/** The order to cancel, and how. */
export interface Cancellation {
  readonly orderId: string;
  /** Stored with the stock movement and in the audit log. */
  readonly reason: string;
  /**
   * Whether the units of a paid order become available again. Otherwise they are removed from the
   * total.
   */
  readonly restock: boolean;
}

type CancellationAnswer = Order | OrderNotFound | OrderFinal<Order>;

/**
 * Cancels an order permanently: a later payment for it is refunded. The units of a pending order become
 * available. A paid order gets a refund, and its units become available or are removed from the total.
 * A cancelled order is returned again. The admin's cancellation then replaces the buyer's.
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

/** A late payment reopens an order that the buyer cancelled, but not one that the admin cancelled. */
async function cancelForGood(tx: Transaction, order: Order): Promise<ActionResult<Order>> {
  await tx.rows(CANCEL_PERMANENTLY, [order.id]);
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
  const returned = restock ? ADMIN_CANCEL.RESTOCKED : ADMIN_CANCEL.WITHDRAWN;
  const statement = paid ? returned : ADMIN_CANCEL.PENDING;
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
  const paying = { orderId, provider: provider!, paymentId, credited: true };
  const event = await tx.findOne(PaymentEventTable, paying);
  invariant(event !== null, 'a paid order has the event that paid it');
  const money = moneyReceived(event, amountOwed(order));
  return openRefund(tx, event, { reason: 'ORDER_CANCELLED', ...money });
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
