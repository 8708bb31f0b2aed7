import { payOrders } from '../purchases/order-statements.ts';
import { unitMove } from '../stock/unit-move.ts';
import type { PaymentEvent } from './payment-event.entity.ts';

/** Events of these keys that were received before, with their stored answers. */
export const EARLIER_EVENTS = `
  select e.id, e.provider, e.idempotency_key as "idempotencyKey", e.payment_id as "paymentId",
    e.order_id as "orderId", e.reported_status as "reportedStatus", e.amount,
    e.unreadable_amount as "unreadableAmount", e.currency,
    case when e.status = 'IGNORED' then e.payload end as "ignoredPayload", e.answer_status as "answerStatus", e.answer_body as "answerBody"
  from unnest($1::text[], $2::text[]) as key(provider, idempotency_key)
  join payment_events e using (provider, idempotency_key)`;

/** An event that was received before. */
export type EarlierEvent = Pick<
  PaymentEvent,
  | 'id'
  | 'provider'
  | 'idempotencyKey'
  | 'paymentId'
  | 'orderId'
  | 'reportedStatus'
  | 'amount'
  | 'unreadableAmount'
  | 'currency'
  | 'answerStatus'
  | 'answerBody'
> & {
  /** The body, where the event had no effect. */
  readonly ignoredPayload: string | null;
};

/** Payments that have paid an order or opened a refund before. */
export const CREDITED_PAYMENTS = `
  select e.provider, e.payment_id as "paymentId"
  from unnest($1::text[], $2::text[]) as payment(provider, payment_id)
  join payment_events e using (provider, payment_id)
  where e.counted`;

/**
 * Everything that a batch writes, in one statement: new events with their answers, the counts of
 * duplicates, the paid orders, their units and the movement. $3 holds the events, $4 the clock, $5 the
 * duplicates, $6 the paid orders. Events are inserted in the order of their keys, so that two servers
 * that receive the same keys cannot deadlock.
 */
export const SETTLE_EVENTS = unitMove({
  before: `
    recorded_events as (
      insert into payment_events (id, provider, idempotency_key, payment_id, order_id,
        reported_status, amount, currency, status, counted, reason, attempts, duplicates,
        received_at, settled_at, payload, headers, answer_status, answer_body, unreadable_amount)
      select id, provider, idempotency_key, payment_id, order_id, reported_status, amount, currency,
        status, counted, reason, 0, duplicates, $4, $4, payload, headers, answer_status,
        answer_body, unreadable_amount
      from json_to_recordset($3::json) as event(id uuid, provider text, idempotency_key text,
        payment_id text, order_id uuid, reported_status text, amount numeric, currency text, status text,
        counted boolean, reason text, duplicates int, payload text, headers jsonb, answer_status int,
        answer_body text, unreadable_amount text)
      order by provider, idempotency_key),
    repeated_events as (
      update payment_events e set duplicates = e.duplicates + repeated.times
      from json_to_recordset($5::json) as repeated(id uuid, times int) where e.id = repeated.id),`,
  changed: payOrders({ now: '$4', paid: '$6' }),
  buckets: { held: -1, sold: 1 },
  cause: 'SALE',
});
