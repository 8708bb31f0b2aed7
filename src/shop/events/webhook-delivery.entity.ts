import { defineEntity } from '@mikro-orm/core';
import { DELIVERY_STATUSES } from './delivery.rules.ts';
import { ShopEventTable } from './shop-event.entity.ts';
import { WebhookEndpointTable } from './webhook-endpoint.entity.ts';

const p = defineEntity.properties;

/** One attempt of a delivery, as its row stores it. */
export interface StoredAttempt {
  /** ISO 8601. */
  readonly at: string;
  /** The HTTP status; null where there was no answer. */
  readonly status: number | null;
  /** The first KiB of the answer, or the error. */
  readonly answer: string;
  readonly durationMs: number;
}

/** An event on its way to an endpoint, with the log of its attempts. */
export const WebhookDeliveryTable = defineEntity({
  name: 'WebhookDelivery',
  tableName: 'webhook_deliveries',
  properties: {
    id: p.uuid().primary(),
    eventId: () => p.manyToOne(ShopEventTable).mapToPk().fieldName('event_id'),
    endpointId: () => p.manyToOne(WebhookEndpointTable).mapToPk().fieldName('endpoint_id'),
    status: p.enum(DELIVERY_STATUSES),
    /** Failed attempts since the event was written or an admin sent it again. */
    failures: p.integer(),
    attempts: p.json<readonly StoredAttempt[]>(),
    /** When it is due; during an attempt, when another server takes it over. */
    nextAttemptAt: p.datetime().columnType('timestamptz(3)').nullable(),
    /** Until when a server has it; null while none has. */
    leasedUntil: p.datetime().columnType('timestamptz(3)').nullable(),
  },
  checks: [
    {
      name: 'webhook_deliveries_next',
      expression: "(next_attempt_at is not null) = (status = 'PENDING')",
    },
    {
      name: 'webhook_deliveries_leased',
      expression: "leased_until is null or status = 'PENDING'",
    },
  ],
  uniques: [{ name: 'webhook_deliveries_once', properties: ['eventId', 'endpointId'] }],
  indexes: [
    {
      name: 'webhook_deliveries_due',
      properties: ['endpointId', 'nextAttemptAt'],
      where: "status = 'PENDING'",
    },
    {
      name: 'webhook_deliveries_leased_now',
      properties: ['endpointId', 'leasedUntil'],
      where: 'leased_until is not null',
    },
  ],
});
