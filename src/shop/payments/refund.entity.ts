import { defineEntity } from '@mikro-orm/core';
import type { RowOf } from '../../postgres/database.ts';
import { PaymentEventTable } from './inbox/payment-event.entity.ts';
import { REFUND_REASONS, REFUND_STATUSES } from './settlement/refund.rules.ts';

const p = defineEntity.properties;

/**
 * A payment that no order can use: open until the provider is asked to return the money, resolved when the
 * provider or an admin confirms that it was returned.
 */
export const RefundTable = defineEntity({
  name: 'Refund',
  tableName: 'refunds',
  properties: {
    id: p.uuid().primary(),
    /** The event that brought the money: one refund each. */
    eventId: () => p.oneToOne(PaymentEventTable).mapToPk().fieldName('event_id').owner(),
    /** The order that the payment names; it may never have existed. */
    orderId: p.uuid(),
    provider: p.text(),
    paymentId: p.text(),
    /** The received amount, exact decimal; null if it is unknown. */
    amount: p.decimal('string').columnType('numeric').nullable(),
    currency: p.text().nullable(),
    reason: p.enum(REFUND_REASONS),
    status: p.enum(REFUND_STATUSES),
    createdAt: p.datetime().columnType('timestamptz(3)'),
    resolvedAt: p.datetime().columnType('timestamptz(3)').nullable(),
    note: p.text().nullable(),
    /** The provider's id of the refund; null until it is known. */
    providerRefundId: p.text().nullable(),
    /** Calls to the provider that failed without an answer. */
    failures: p.integer().default(0),
    /** When the provider is asked next; null if it is not asked, as after its refusal. */
    nextAttemptAt: p.datetime().columnType('timestamptz(3)').nullable(),
    /** Why the last call failed, or was refused if the refund is open; null if none did. */
    failureReason: p.text().nullable(),
  },
  checks: [
    {
      name: 'refunds_resolved_at',
      expression: "(status = 'RESOLVED') = (resolved_at is not null)",
    },
    { name: 'refunds_sent', expression: "status <> 'SENT' or next_attempt_at is not null" },
    { name: 'refunds_money_whole', expression: '(amount is null) = (currency is null)' },
  ],
  uniques: [{ name: 'refunds_payment', properties: ['provider', 'paymentId'] }],
  indexes: [
    { name: 'refunds_of_order', properties: 'orderId' },
    { name: 'refunds_open', properties: 'createdAt', where: "status = 'OPEN'" },
    {
      name: 'refunds_to_send',
      properties: ['provider', 'nextAttemptAt'],
      where: 'next_attempt_at is not null',
    },
  ],
});

/** One refund as stored. */
export type Refund = RowOf<typeof RefundTable>;
