import { defineEntity } from '@mikro-orm/core';
import type { RowOf } from '../../postgres/database.ts';
import { HOLD_STATUSES } from './status.rules.ts';
import type { Metadata } from './metadata.rules.ts';

const p = defineEntity.properties;

/**
 * A temporary reservation of units of one product for one buyer, until `expiresAt`. Holds end; they
 * are never deleted.
 *
 * `product_id` has no foreign key on purpose. A hold is inserted only under its product's stock row,
 * which has one. Checking it again cost a tenth of the throughput of a hot product.
 */
export const HoldTable = defineEntity({
  name: 'Hold',
  tableName: 'holds',
  properties: {
    id: p.uuid().primary(),
    /** The id of this hold's order, known before the order exists: a payment can start earlier. */
    orderId: p.uuid(),
    productId: p.integer(),
    quantity: p.integer(),
    customerId: p.text().nullable(),
    /** The client's own notes, copied from the hold to the order. */
    metadata: p.json<Metadata>().defaultRaw("'{}'"),
    /** SHA-256 of the client's idempotency key, because the key authorizes reading the token. */
    idempotencyKeyHash: p.text().nullable(),
    /** Price of one unit when the hold was created, in minor units of `currency`. */
    unitPriceMinor: p.bigint('bigint'),
    currency: p.text(),
    status: p.enum(HOLD_STATUSES),
    createdAt: p.datetime().columnType('timestamptz(3)'),
    expiresAt: p.datetime().columnType('timestamptz(3)'),
    /** Version of the stock row that took these units. */
    heldVersion: p.integer(),
    /** Version that returned them, set once; null while they are held or belong to an order. */
    releasedVersion: p.integer().nullable(),
    /** The database's clock when this row was read; `expiresAt` is compared with it. */
    readAt: p.formula<Date>('shop_clock()').type('datetime'),
  },
  checks: [
    { name: 'holds_quantity_positive', expression: 'quantity >= 1' },
    {
      name: 'holds_released_when_ended',
      expression: "(released_version is not null) = (status in ('EXPIRED', 'RELEASED'))",
    },
  ],
  uniques: [
    { name: 'holds_order_id', properties: 'orderId' },
    {
      name: 'holds_idempotency_key',
      properties: 'idempotencyKeyHash',
      where: 'idempotency_key_hash is not null',
    },
  ],
  indexes: [
    { name: 'holds_of_product', properties: 'productId' },
    { name: 'holds_due', properties: ['expiresAt', 'productId'], where: "status = 'ACTIVE'" },
    {
      name: 'holds_of_customer',
      properties: ['customerId', 'productId'],
      where: "status = 'ACTIVE' and customer_id is not null",
    },
  ],
});

/** One hold as stored. */
export type Hold = RowOf<typeof HoldTable>;
