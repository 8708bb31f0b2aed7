import { newId } from '../../../lib/ids.ts';
import { lockIds } from '../../../postgres/locked-row.ts';
import type { Transaction } from '../../../postgres/transaction.ts';
import { refundEvent } from '../../events/record-events.ts';
import type { PaymentEvent } from '../inbox/payment-event.entity.ts';
import { RefundTable, type Refund } from '../refund.entity.ts';
import type { RefundToOpen } from './settlement.rules.ts';
import { statusIsOneOf } from '../../purchases/status.rules.ts';

/** The event whose money must be returned. */
type PayingEvent = Pick<PaymentEvent, 'id' | 'provider' | 'paymentId' | 'orderId'>;

/** SQL: the changed refund, its order and its hold, as `refundEvent` needs them. */
const WITH_ORDER = `changed r
        left join orders o on o.id = r.order_id left join holds h on h.order_id = r.order_id`;

const INSERT = `
  with changed as (
      insert into refunds (id, event_id, order_id, provider, payment_id, amount, currency, reason, status,
        created_at, next_attempt_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, 'OPEN', shop_clock(), shop_clock())
      returning *),
    ${refundEvent('REFUND_OPENED', WITH_ORDER, 'created_at')}
  select`;

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

/** The order of a refund never changes. */
const ORDER_OF = 'select order_id as "orderId" from refunds where id = $1';

const LOCK_ORDER = 'select id from orders where id = $1 for no key update';

const LOCK = 'select id from refunds where id = $1 for update';

const CLOSE = `
  with changed as (
      update refunds set status = 'RESOLVED', resolved_at = shop_clock(), note = $2,
        next_attempt_at = null, failure_reason = null,
        provider_refund_id = coalesce($3, provider_refund_id)
      where id = $1 and ${statusIsOneOf(['OPEN', 'SENT'])}
      returning *),
    ${refundEvent('REFUND_RESOLVED', WITH_ORDER, 'resolved_at')}
  select`;

/** How the money was returned. */
interface RefundClosing {
  readonly note: string;
  /** The provider's id of the refund; absent or null if it is unknown. */
  readonly providerRefundId?: string | null;
}

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
  { note, providerRefundId = null }: RefundClosing,
): Promise<ClosedRefund | null> {
  const [refund] = await tx.rows<{ orderId: string }>(ORDER_OF, [id]);
  if (refund === undefined) return null;
  // The events of an order are recorded in the order of their commits: one transaction at a time.
  await lockIds(tx, [refund.orderId]);
  await tx.rows(LOCK_ORDER, [refund.orderId]);
  await tx.rows(LOCK, [id]);
  const before = (await tx.findOne(RefundTable, { id }))!;
  await tx.rows(CLOSE, [id, note, providerRefundId]);
  return { before, after: (await tx.findOne(RefundTable, { id }))! };
}
