import { newId } from '../../../lib/ids.ts';
import type { Transaction } from '../../../postgres/transaction.ts';
import type { PaymentEvent } from '../payment-event.entity.ts';
import { RefundTable, type Refund } from '../refund.entity.ts';
import type { RefundToOpen } from './settlement.rules.ts';

/** The event whose money must be returned. */
type PayingEvent = Pick<PaymentEvent, 'id' | 'provider' | 'paymentId' | 'orderId'>;

const INSERT = `
  insert into refunds (id, event_id, order_id, provider, payment_id, amount, currency, reason, status, created_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, 'OPEN', shop_clock())`;

/** Opens the refund of an event, whose row must exist already; the refund's id. */
export async function openRefund(
  tx: Transaction,
  { id: eventId, orderId, provider, paymentId }: PayingEvent,
  { reason, amount, currency }: RefundToOpen,
): Promise<string> {
  const id = newId();
  await tx.rows(INSERT, [id, eventId, orderId, provider, paymentId, amount, currency, reason]);
  return id;
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

/**
 * Closes a refund with a note, inside the caller's transaction. A closed refund keeps its first note.
 * Null for an unknown id.
 */
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
