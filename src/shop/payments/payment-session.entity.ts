import { defineEntity } from '@mikro-orm/core';
import { PAYMENT_SESSION_STATUSES } from './providers/payment-session.rules.ts';

const p = defineEntity.properties;

/**
 * A payment that the shop starts at a provider: one for each order and provider. The row is committed
 * before the provider is asked, so that no payment is unknown after a crash.
 */
export const PaymentSessionTable = defineEntity({
  name: 'PaymentSession',
  tableName: 'payment_sessions',
  properties: {
    id: p.uuid().primary(),
    orderId: p.uuid(),
    provider: p.text(),
    status: p.enum(PAYMENT_SESSION_STATUSES),
    /** What is paid for; kept, because a repeated call must have the same content. */
    description: p.text(),
    /** Where the hosted page sends the buyer; null without one, and once the session has ended. */
    returnUrl: p.text().nullable(),
    /** The provider's id of the payment; null until it is started. */
    paymentId: p.text().nullable(),
    /** Null where the provider has none, and once the session has ended. */
    clientSecret: p.text().nullable(),
    url: p.text().nullable(),
    createdAt: p.datetime().columnType('timestamptz(3)'),
    /** Failed calls since the last one that succeeded. */
    failures: p.integer(),
    /** The last failure, one sentence; null without one. */
    lastError: p.text().nullable(),
    /** Before this time no server may ask the provider: another one does, or a call has failed. */
    nextAttemptAt: p.datetime().columnType('timestamptz(3)').nullable(),
    endedAt: p.datetime().columnType('timestamptz(3)').nullable(),
  },
  checks: [
    {
      name: 'payment_sessions_started',
      expression: "status <> 'STARTED' or payment_id is not null",
    },
    {
      name: 'payment_sessions_next',
      expression: "(next_attempt_at is not null) = (status in ('STARTING', 'STARTED'))",
    },
    { name: 'payment_sessions_ended', expression: "(ended_at is not null) = (status = 'ENDED')" },
  ],
  uniques: [{ name: 'payment_sessions_once', properties: ['orderId', 'provider'] }],
  indexes: [
    {
      name: 'payment_sessions_open',
      properties: ['provider', 'nextAttemptAt'],
      where: "status in ('STARTING', 'STARTED')",
    },
    {
      name: 'payment_sessions_of_payment',
      properties: 'paymentId',
      where: 'payment_id is not null',
    },
  ],
});
