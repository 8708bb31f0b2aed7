import { defineEntity } from '@mikro-orm/core';
import type { RowOf } from '../../postgres/row.ts';

const p = defineEntity.properties;

/** A hold's life: active, then one of three ends, each final. */
export const HOLD_STATUSES = ['ACTIVE', 'CONVERTED', 'EXPIRED', 'RELEASED'] as const;

/** Where a hold is in its life. */
export type HoldStatus = (typeof HOLD_STATUSES)[number];

/**
 * So many units of one product, promised to one buyer until `expiresAt`. Holds are never deleted,
 * only ended.
 *
 * `product_id` has no foreign key on purpose: a hold is only ever inserted under its product's
 * stock row, which has one, and checking it again cost a tenth of the throughput of a hot product.
 */
export const HoldTable = defineEntity({
  name: 'Hold',
  tableName: 'holds',
  properties: {
    id: p.uuid().primary(),
    /** The id that this hold's order will bear, so that a payment may be started before the order. */
    orderId: p.uuid(),
    productId: p.integer(),
    quantity: p.integer(),
    customerId: p.text().nullable(),
    /** SHA-256 of the client's idempotency key; the key itself would open the hold. */
    idempotencyKeyHash: p.text().nullable(),
    /** Price of one unit, frozen when the hold was made, in minor units of `currency`. */
    unitPriceMinor: p.bigint('bigint'),
    currency: p.text(),
    status: p.enum(HOLD_STATUSES),
    createdAt: p.datetime().columnType('timestamptz(3)'),
    expiresAt: p.datetime().columnType('timestamptz(3)'),
    /** Version of the stock row that took these units. */
    heldVersion: p.integer(),
    /** Version that gave them back, set once; null while they are held or went into an order. */
    releasedVersion: p.integer().nullable(),
    /** The database's clock when this row was read: `expiresAt` is judged by it. */
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
