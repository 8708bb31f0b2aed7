import { defineEntity } from '@mikro-orm/core';
import type { RowOf } from '../../postgres/row.ts';
import { PaymentEventTable } from './payment-event.entity.ts';
import { REFUND_REASONS, REFUND_STATUSES } from './settlement/refund.rules.ts';

const p = defineEntity.properties;

/** A payment that no order can use: open until an admin confirms that the money was returned. */
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
