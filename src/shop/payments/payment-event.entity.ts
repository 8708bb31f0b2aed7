import { defineEntity } from '@mikro-orm/core';
import type { RowOf } from '../../postgres/row.ts';

const p = defineEntity.properties;

/** What became of a payment event; it moves forward only, from parked or dead to one of the others. */
export const PAYMENT_EVENT_STATUSES = [
  'APPLIED',
  'PARKED',
  'IGNORED',
  'REFUND_REQUIRED',
  'DEAD',
] as const;

/** What became of a payment event. */
export type PaymentEventStatus = (typeof PAYMENT_EVENT_STATUSES)[number];

/**
 * The inbox: one thing a payment provider said happened, as received, with its effect and the
 * answer given. Recorded, applied and answered in one transaction, so that an event is done only
 * where its effect is.
 */
export const PaymentEventTable = defineEntity({
  name: 'PaymentEvent',
  tableName: 'payment_events',
  properties: {
    id: p.uuid().primary(),
    provider: p.text(),
    /** Names one event for ever, the same on each delivery; unique for each provider. */
    idempotencyKey: p.text(),
    paymentId: p.text().nullable(),
    orderId: p.uuid().nullable(),
    /** What the provider said: success, failed, or its own word. */
    reportedStatus: p.text(),
    /** Exact decimal as it came. */
    amount: p.decimal('string').columnType('numeric').nullable(),
    /** The amount as it came, where it cannot be read; `amount` is null then. */
    unreadableAmount: p.text().nullable(),
    currency: p.text().nullable(),
    status: p.enum(PAYMENT_EVENT_STATUSES),
    /** Whether this event's payment is the one that was counted: it paid an order, or a refund stands for it. */
    counted: p.boolean(),
    /** One sentence: why it is parked, ignored, refunded or dead. */
    reason: p.text().nullable(),
    /** Tries to settle it that threw. */
    attempts: p.integer(),
    nextTryAt: p.datetime().columnType('timestamptz(3)').nullable(),
    duplicates: p.integer(),
    receivedAt: p.datetime().columnType('timestamptz(3)'),
    settledAt: p.datetime().columnType('timestamptz(3)').nullable(),
    /** The body as received; empty once retention has blanked it, which only a settled event's may be. */
    payload: p.text(),
    /** The headers that matter, as received. */
    headers: p.json<Record<string, string>>(),
    /** The answer given, byte for byte: every duplicate receives it again. */
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
    // Money that names no order is rare: it is listed and counted without reading all the others.
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
