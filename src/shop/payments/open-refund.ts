import type { Hold } from '../purchases/hold.entity.ts';
import type { Order } from '../purchases/order.entity.ts';
import { totalOf } from '../purchases/order.rules.ts';
import { newId } from '../../lib/ids.ts';
import { decimalText } from '../../lib/money.ts';
import type { Transaction } from '../../postgres/transaction.ts';
import type { PaymentEvent } from './payment-event.entity.ts';
import { RefundTable, type Refund, type RefundReason } from './refund.entity.ts';

/** The event whose money must go back. */
type PayingEvent = Pick<
  PaymentEvent,
  'id' | 'provider' | 'paymentId' | 'orderId' | 'amount' | 'unreadableAmount' | 'currency'
>;

const INSERT = `
  insert into refunds (id, event_id, order_id, provider, payment_id, amount, currency, reason, status, created_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, 'OPEN', shop_clock())
  returning id`;

/** Opens a refund over what an event brought; its id. The event's row must stand already. */
export async function openRefund(
  tx: Transaction,
  event: PayingEvent,
  { reason, meantFor }: { readonly reason: RefundReason; readonly meantFor: Order | Hold | null },
): Promise<string> {
  const { id, orderId, provider, paymentId } = event;
  const { amount, currency } = moneyReceived(event, meantFor);
  const [refund] = await tx.rows<{ id: string }>(INSERT, [
    newId(),
    id,
    orderId,
    provider,
    paymentId,
    amount,
    currency,
    reason,
  ]);
  return refund!.id;
}

/**
 * What was received: the event's own amount, else what the order or its hold came to. Where an
 * amount came without a currency for an order that never was, ISO 4217's "no currency", XXX.
 */
function moneyReceived(
  { amount, unreadableAmount, currency }: PayingEvent,
  meantFor: Order | Hold | null,
): { amount: string | null; currency: string | null } {
  if (amount !== null) return { amount, currency: currency ?? meantFor?.currency ?? 'XXX' };
  // Something came, and nothing says how much: the order's total would be a guess.
  if (unreadableAmount !== null) return { amount: null, currency: null };
  if (meantFor === null) return { amount: null, currency: null };
  return { amount: decimalText(totalOf(meantFor)), currency: meantFor.currency };
}

const LOCK = 'select id from refunds where id = $1 for update';

const CLOSE = `
  update refunds set status = 'RESOLVED', resolved_at = shop_clock(), note = $2
  where id = $1 and status = 'OPEN'`;

/** A refund before and after it was closed. */
interface ClosedRefund {
  readonly before: Refund;
  readonly after: Refund;
}

/** Closes a refund with a note, inside the caller's transaction; a closed one keeps its note. Null for an unknown id. */
export async function closeRefund(
  tx: Transaction,
  id: string,
  note: string,
): Promise<ClosedRefund | null> {
  await tx.rows(LOCK, [id]);
  const before = await tx.findOne(RefundTable, { id });
  if (before === null) return null;
  await tx.rows(CLOSE, [id, note]);
  return { before, after: (await tx.findOne(RefundTable, { id }))! };
}
