import { defineEntity } from '@mikro-orm/core';
import type { RowOf } from '../../postgres/database.ts';
import type { ShopEventType } from './shop-event.rules.ts';

const p = defineEntity.properties;

/** Where events are sent. A deleted endpoint stays, because its deliveries do. */
export const WebhookEndpointTable = defineEntity({
  name: 'WebhookEndpoint',
  tableName: 'webhook_endpoints',
  properties: {
    id: p.uuid().primary(),
    url: p.text(),
    description: p.text().nullable(),
    eventTypes: p.json<readonly ShopEventType[]>(),
    enabled: p.boolean(),
    /** Why the server disabled it; null otherwise. */
    disabledReason: p.text().nullable(),
    /** Signs deliveries. It is stored in clear text, because each attempt signs with it. */
    secret: p.text(),
    /** The secret before the last rotation, and until when it signs as well. */
    previousSecret: p.text().nullable(),
    previousSecretUntil: p.datetime().columnType('timestamptz(3)').nullable(),
    /** First of the failures since the last success; null without one. */
    failingSince: p.datetime().columnType('timestamptz(3)').nullable(),
    createdAt: p.datetime().columnType('timestamptz(3)'),
    deletedAt: p.datetime().columnType('timestamptz(3)').nullable(),
  },
  checks: [
    {
      name: 'webhook_endpoints_rotated',
      expression: '(previous_secret is null) = (previous_secret_until is null)',
    },
    { name: 'webhook_endpoints_disabled', expression: 'not enabled or disabled_reason is null' },
    { name: 'webhook_endpoints_deleted', expression: 'not enabled or deleted_at is null' },
  ],
});

/** One endpoint as stored. */
export type WebhookEndpoint = RowOf<typeof WebhookEndpointTable>;
