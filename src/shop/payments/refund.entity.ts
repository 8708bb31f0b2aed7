import { defineEntity } from '@mikro-orm/core';
import type { RowOf } from '../../postgres/row.ts';
import { PaymentEventTable } from './payment-event.entity.ts';

const p = defineEntity.properties;

/** Why money that was received must go back. */
export const REFUND_REASONS = [
  'PAID_TOO_LATE',
  'AMOUNT_MISMATCH',
  'DUPLICATE_PAYMENT',
  'ORDER_NEVER_CREATED',
  'ORDER_CANCELLED',
] as const;

/** Why money must go back. */
export type RefundReason = (typeof REFUND_REASONS)[number];

/** A refund is open until someone says that the money went back. */
export const REFUND_STATUSES = ['OPEN', 'RESOLVED'] as const;

/** Whether the money has gone back. */
export type RefundStatus = (typeof REFUND_STATUSES)[number];

/** Money received that could not be honoured: it stays in sight until it has gone back. */
export const RefundTable = defineEntity({
  name: 'Refund',
  tableName: 'refunds',
  properties: {
    id: p.uuid().primary(),
    /** The event whose money this is: one refund for each. */
    eventId: () => p.oneToOne(PaymentEventTable).mapToPk().fieldName('event_id').owner(),
    /** The order the money was meant for; it may never have come to be. */
    orderId: p.uuid(),
    provider: p.text(),
    paymentId: p.text(),
    /** What was received, exact decimal; null when nothing says how much. */
    amount: p.decimal('string').columnType('numeric').nullable(),
    currency: p.text().nullable(),
    reason: p.enum(REFUND_REASONS),
    status: p.enum(REFUND_STATUSES),
    createdAt: p.datetime().columnType('timestamptz(3)'),
    resolvedAt: p.datetime().columnType('timestamptz(3)').nullable(),
    note: p.text().nullable(),
  },
  checks: [
    {
      name: 'refunds_resolved_at',
      expression: "(status = 'RESOLVED') = (resolved_at is not null)",
    },
    { name: 'refunds_money_whole', expression: '(amount is null) = (currency is null)' },
  ],
  uniques: [{ name: 'refunds_payment', properties: ['provider', 'paymentId'] }],
  indexes: [
    { name: 'refunds_of_order', properties: 'orderId' },
    { name: 'refunds_open', properties: 'createdAt', where: "status = 'OPEN'" },
  ],
});

/** One refund as stored. */
export type Refund = RowOf<typeof RefundTable>;
