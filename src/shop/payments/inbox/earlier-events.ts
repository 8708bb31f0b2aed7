import type { Transaction } from '../../../postgres/transaction.ts';
import type { StoredContent } from './payment-event.rules.ts';
import type { PaymentEvent } from './payment-event.entity.ts';
import { OUTCOME_OF_STATUS, type StoredAnswer } from '../settlement/payment-answer.ts';

/** The permanent key of an event. */
export type EventKey = Pick<PaymentEvent, 'provider' | 'idempotencyKey'>;

/** The key of a payment. */
export type PaymentKey = Pick<PaymentEvent, 'provider' | 'paymentId'>;

/** A stored event that has the key of a delivery. */
export interface EarlierEvent extends StoredContent, EventKey {
  readonly id: string;
  readonly answer: StoredAnswer;
}

/** Each key is looked up by its index: `offset 0` keeps the planner from reading the table to join it. */
const EARLIER_EVENTS = `
  select e.id, e.provider, e.idempotency_key as "idempotencyKey", e.payment_id as "paymentId",
    e.order_id as "orderId", e.reported_status as "reportedStatus", e.amount,
    e.unreadable_amount as "unreadableAmount", e.currency,
    case when e.status = 'IGNORED' then e.payload end as "ignoredPayload",
    e.status, e.answer_status as "answerStatus", e.answer_body as "answerBody"
  from unnest($1::text[], $2::text[]) as key(provider, idempotency_key), lateral (
    select * from payment_events
    where provider = key.provider and idempotency_key = key.idempotency_key offset 0) as e`;

type EarlierEventRow = StoredContent &
  EventKey &
  Pick<PaymentEvent, 'id' | 'status' | 'answerStatus' | 'answerBody'>;

/** Reads the stored events that have these keys, with their answers. Sent at once. */
export async function readEarlierEvents(
  tx: Transaction,
  keys: readonly EventKey[],
): Promise<readonly EarlierEvent[]> {
  const rows = await tx.rows<EarlierEventRow>(EARLIER_EVENTS, [
    keys.map(({ provider }) => provider),
    keys.map(({ idempotencyKey }) => idempotencyKey),
  ]);
  return rows.map(({ status, answerStatus, answerBody, ...event }) => ({
    ...event,
    answer: {
      outcome: OUTCOME_OF_STATUS[status],
      httpStatus: answerStatus,
      body: answerBody,
    },
  }));
}

const CREDITED_PAYMENTS = `
  select e.provider, e.payment_id as "paymentId"
  from unnest($1::text[], $2::text[]) as payment(provider, payment_id), lateral (
    select provider, payment_id from payment_events
    where provider = payment.provider and payment_id = payment.payment_id and counted offset 0) as e`;

/** Those of the payments that have paid an order or opened a refund. Sent at once. */
export function readCreditedPayments(
  tx: Transaction,
  payments: readonly PaymentKey[],
): Promise<readonly PaymentKey[]> {
  return tx.rows<PaymentKey>(CREDITED_PAYMENTS, [
    payments.map(({ provider }) => provider),
    payments.map(({ paymentId }) => paymentId),
  ]);
}
