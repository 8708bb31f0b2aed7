import { defineEntity } from '@mikro-orm/core';
import type { RowOf } from '../../../postgres/database.ts';
import { PAYMENT_EVENT_STATUSES } from './payment-event.rules.ts';

const p = defineEntity.properties;

/**
 * The inbox: one message of a payment provider, as received, with its result and its answer. All of it
 * is committed in one transaction, so an event is settled only if its effect is committed.
 */
export const PaymentEventTable = defineEntity({
  name: 'PaymentEvent',
  tableName: 'payment_events',
  properties: {
    id: p.uuid().primary(),
    provider: p.text(),
    /** Identifies the event, the same on every delivery; unique for each provider. */
    idempotencyKey: p.text(),
    paymentId: p.text().nullable(),
    orderId: p.uuid().nullable(),
    /** As the provider reported it: success, failed, or its own word. */
    reportedStatus: p.text(),
    /** Exact decimal as received. */
    amount: p.decimal('string').columnType('numeric').nullable(),
    /** The amount as received, where it cannot be read; `amount` is null then. */
    unreadableAmount: p.text().nullable(),
    currency: p.text().nullable(),
    status: p.enum(PAYMENT_EVENT_STATUSES),
    /** Whether the payment is credited by this event: it paid an order or opened a refund. */
    credited: p.boolean().fieldName('counted'),
    /** One sentence: why it is parked, ignored, refunded or dead. */
    reason: p.text().nullable(),
    /** Failed tries to settle it. */
    attempts: p.integer(),
    nextTryAt: p.datetime().columnType('timestamptz(3)').nullable(),
    duplicates: p.integer(),
    receivedAt: p.datetime().columnType('timestamptz(3)'),
    settledAt: p.datetime().columnType('timestamptz(3)').nullable(),
    /** The body as received; empty once it is redacted, which is possible after it is settled. */
    payload: p.text(),
    /** The headers that matter, as received. */
    headers: p.json<Record<string, string>>(),
    /** The answer byte for byte: every duplicate gets it again. */
    answerStatus: p.integer(),
    answerBody: p.text(),
  },
  uniques: [
    { name: 'payment_events_key', properties: ['provider', 'idempotencyKey'] },
    { name: 'payment_events_counted', properties: ['provider', 'paymentId'], where: 'counted' },
  ],
  indexes: [
    { name: 'payment_events_of_order', properties: 'orderId' },
    { name: 'payment_events_waiting', properties: 'nextTryAt', where: "status = 'PARKED'" },
    {
      name: 'payment_events_unsettled',
      properties: ['status', 'receivedAt'],
      where: "status in ('PARKED', 'DEAD')",
    },
    // A success without an order is rare: it is listed and counted without reading all other events.
    {
      name: 'payment_events_without_order',
      properties: 'receivedAt',
      where: "order_id is null and reported_status = 'success'",
    },
  ],
  triggers: [
    {
      name: 'payment_events_forward_only',
      timing: 'before',
      events: ['update', 'delete'],
      forEach: 'row',
      body: [
        "if tg_op = 'DELETE' then raise exception 'a payment event is never deleted'; end if;",
        'if (new.id, new.provider, new.idempotency_key, new.payment_id, new.order_id, new.reported_status,',
        '    new.amount, new.unreadable_amount, new.currency, new.received_at, new.headers::text)',
        '  is distinct from (old.id, old.provider, old.idempotency_key, old.payment_id, old.order_id,',
        '    old.reported_status, old.amount, old.unreadable_amount, old.currency, old.received_at, old.headers::text)',
        "  or (new.payload <> old.payload and (new.payload <> '' or old.settled_at is null))",
        "then raise exception 'what was received is never changed'; end if;",
        "if new.status <> old.status and (old.status not in ('PARKED', 'DEAD') or new.status = 'PARKED')",
        "then raise exception 'a settled payment event is never reopened'; end if;",
        'return new;',
      ].join('\n'),
    },
  ],
});

/** One payment event as stored. */
export type PaymentEvent = RowOf<typeof PaymentEventTable>;
