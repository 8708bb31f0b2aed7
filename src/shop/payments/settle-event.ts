import { endDue } from '../purchases/end-due.ts';
import { HoldTable, type Hold } from '../purchases/hold.entity.ts';
import { holdStatus } from '../purchases/hold.rules.ts';
import { OrderTable, type Order } from '../purchases/order.entity.ts';
import { totalOf } from '../purchases/order.rules.ts';
import { PAY_ORDER } from '../purchases/order-statements.ts';
import { breaksUnique } from '../../postgres/faults.ts';
import { invariant } from '../../lib/invariant.ts';
import { lockRow } from '../../postgres/locked-row.ts';
import { canonicalDecimal, decimalText } from '../../lib/money.ts';
import { answerOf, type PaymentAnswer } from './payment-answer.ts';
import type { Transaction } from '../../postgres/transaction.ts';
import { withLockedStock } from '../stock/locked-stock.ts';
import { openRefund } from './open-refund.ts';
import type { EventContent, ReceivedPayment } from './payment-queues.ts';
import type { PaymentEvent } from './payment-event.entity.ts';
import { settle, type Verdict } from './settlement.rules.ts';
import type { Shop } from '../shop.ts';

/** The parts of an event that settling looks at. */
export type EventToSettle = Pick<
  PaymentEvent,
  | 'id'
  | 'provider'
  | 'paymentId'
  | 'orderId'
  | 'reportedStatus'
  | 'amount'
  | 'unreadableAmount'
  | 'currency'
  | 'receivedAt'
> & {
  /** Why the event has no effect; an event that waits for its order never has such a reason. */
  readonly ignoredBecause?: string | null;
};

/** What was found and decided, for the caller to record and carry out. */
export interface Settlement {
  readonly verdict: Verdict;
  readonly order: Order | null;
  /** The hold whose order is awaited, where there is one. */
  readonly hold: Hold | null;
  /** The database's clock at which it was decided. */
  readonly decidedAt: Date;
}

const FACTS = `
  select shop_clock() as now,
    exists (select from payment_events where provider = $1 and payment_id = $2 and counted) as counted`;

/**
 * Decides what an event does, under the lock on its order's id, which the caller has taken. An
 * ended order whose money came late takes the stock lock here already: whether its units are free
 * is part of what is judged.
 */
export async function judge(
  shop: Shop,
  tx: Transaction,
  event: EventToSettle,
): Promise<Settlement> {
  const { provider, paymentId, orderId } = event;
  const order = orderId === null ? null : await lockRow(tx, OrderTable, orderId);
  const hold = order === null && orderId !== null ? await tx.findOne(HoldTable, { orderId }) : null;
  const unitsAvailable = order !== null && (await areUnitsAvailable(shop, tx, event, order));
  const [facts] = await tx.rows<{ now: string; counted: boolean }>(FACTS, [provider, paymentId]);
  const decidedAt = new Date(facts!.now);
  const verdict = settle(event, {
    order: order && { ...order, total: decimalText(totalOf(order)) },
    counted: facts!.counted,
    waitOver: isWaitOver(shop, event, { hold, decidedAt }),
    unitsAvailable,
    requireAmount: shop.requireAmount,
  });
  return { verdict, order, hold, decidedAt };
}

/** Whether no order can come any more: none was named, its hold ended without one, or time is up. */
function isWaitOver(
  { parkedEventTtlMs }: Shop,
  { orderId, receivedAt }: EventToSettle,
  { hold, decidedAt }: Pick<Settlement, 'hold' | 'decidedAt'>,
): boolean {
  if (orderId === null) return true;
  if (hold !== null && holdStatus({ ...hold, readAt: decidedAt }) !== 'ACTIVE') return true;
  return decidedAt.getTime() - receivedAt.getTime() >= parkedEventTtlMs;
}

/** Whether another server recorded the same event, or credited the same payment, at this moment. */
export function isRivalEvent(error: unknown): boolean {
  return breaksUnique(error, 'payment_events_key') || breaksUnique(error, 'payment_events_counted');
}

/** Tries against rivals that report the same event or payment at this moment for other orders. */
const RIVAL_TRIES_MAX = 5;

/**
 * Runs a settlement again when a rival was first to record the same event or to count the same
 * payment under another order, whose lock does not keep the two apart: its row is seen then.
 */
export async function retryOnUniqueViolation<T>(settlement: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await settlement();
    } catch (error) {
      if (!isRivalEvent(error) || attempt === RIVAL_TRIES_MAX) throw error;
    }
  }
}

/**
 * Late money: due units of the product are reclaimed first, then it is seen whether enough are
 * available. The one place where the stock lock is not the last thing before the commit: what the
 * event becomes rests on it, so its row is written under it.
 */
async function areUnitsAvailable(
  shop: Shop,
  tx: Transaction,
  event: EventToSettle,
  order: Order,
): Promise<boolean> {
  const late = order.status === 'EXPIRED' || order.cancelledBy === 'BUYER';
  if (!late || event.reportedStatus !== 'success') return false;
  const available = await withLockedStock(shop, tx, order.productId, async (stock) => {
    if (stock.count.available < order.quantity) await endDue(shop, tx, stock);
    return stock.count.available >= order.quantity;
  });
  return available === true;
}

/** Carries a verdict out. The event's row must stand already, and nothing may follow but the commit. */
export async function applySettlement(
  shop: Shop,
  tx: Transaction,
  event: EventToSettle,
  { verdict, order, hold }: Settlement,
): Promise<void> {
  const { provider, paymentId, orderId } = event;
  if (verdict.kind === 'REFUND') {
    await openRefund(tx, event, { reason: verdict.reason, meantFor: order ?? hold });
  }
  if (verdict.kind === 'PAY' || verdict.kind === 'RETAKE') {
    const statement = PAY_ORDER[verdict.kind];
    const sold = await withLockedStock(shop, tx, order!.productId, (stock) =>
      stock.move(statement, [order!.id, provider, paymentId]),
    );
    invariant(sold?.length === 1, 'a locked payable order is paid once');
  }
  if (orderId !== null && order !== null) {
    tx.afterCommit(() => shop.announcePurchases([orderId]));
  }
}

/** An event as it was stored, with the body where it had no effect. */
export interface StoredContent extends EventContent {
  readonly ignoredPayload: string | null;
}

/**
 * Whether a delivery has the content of the stored event. An earlier version, or other settings, may have
 * stored an event without effect by fewer fields: then its body counts as it is read now.
 */
export function isSameEvent(stored: StoredContent, received: ReceivedPayment): boolean {
  if (sameContent(stored, received)) return true;
  const { ignoredPayload } = stored;
  const readNow = ignoredPayload === null ? undefined : received.readStored?.(ignoredPayload);
  return readNow !== undefined && sameContent(readNow, received);
}

/** The six fields, amount by value; further fields and headers do not count. */
export function sameContent(first: EventContent, received: EventContent): boolean {
  const value = (amount: string | null) => (amount === null ? null : canonicalDecimal(amount));
  return (
    first.paymentId === received.paymentId &&
    first.orderId === received.orderId &&
    first.reportedStatus === received.reportedStatus &&
    value(first.amount) === value(received.amount) &&
    first.unreadableAmount === received.unreadableAmount &&
    first.currency === received.currency
  );
}

/** What the sender of an event is told of its settlement. */
export function answerFor(
  event: Pick<PaymentEvent, 'idempotencyKey' | 'paymentId' | 'orderId'>,
  { verdict, order }: Pick<Settlement, 'verdict' | 'order'>,
): PaymentAnswer {
  const paid = verdict.kind === 'PAY' || verdict.kind === 'RETAKE';
  return answerOf(verdict, { ...event, orderStatus: paid ? 'PAID' : (order?.status ?? null) });
}

/** Whether the payment is counted from this event on. */
export function counts({ verdict }: Settlement): boolean {
  return verdict.kind === 'PAY' || verdict.kind === 'RETAKE' || verdict.kind === 'REFUND';
}
