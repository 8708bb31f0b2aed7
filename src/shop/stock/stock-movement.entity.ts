import { defineEntity } from '@mikro-orm/core';
import type { RowOf } from '../../postgres/database.ts';
import { ProductTable } from '../catalog/product.entity.ts';

const p = defineEntity.properties;

/** Every cause of a stock movement. */
const STOCK_CAUSES = [
  'HOLD',
  'RELEASE',
  'EXPIRY',
  'SALE',
  'CANCELLATION',
  'RECLAIM',
  'ADJUSTMENT',
  'REPAIR',
] as const;

/** The cause of a stock movement. */
export type StockCause = (typeof STOCK_CAUSES)[number];

/**
 * The ledger: what each version of a stock row changed, and why. Append-only, written in the same
 * statement as the counters, one row for a whole batch. Replaying the movements proves the stock
 * invariant at every version.
 */
export const StockMovementTable = defineEntity({
  name: 'StockMovement',
  tableName: 'stock_movements',
  properties: {
    productId: () => p.manyToOne(ProductTable).mapToPk().primary().fieldName('product_id'),
    version: p.integer().primary(),
    availableDelta: p.integer(),
    heldDelta: p.integer(),
    soldDelta: p.integer(),
    totalDelta: p.integer(),
    cause: p.enum(STOCK_CAUSES),
    reason: p.text().nullable(),
    at: p.datetime().columnType('timestamptz(3)'),
    /** SHA-256 of the admin's idempotency key, for adjustments that have one. */
    idempotencyKeyHash: p.text().nullable(),
    /** SHA-256 of the arguments under that key: the same key with other arguments is refused. */
    argumentsHash: p.text().nullable(),
  },
  checks: [
    {
      name: 'stock_movements_law',
      expression: 'available_delta + held_delta + sold_delta = total_delta',
    },
  ],
  uniques: [
    {
      name: 'stock_movements_idempotency_key',
      properties: 'idempotencyKeyHash',
      where: 'idempotency_key_hash is not null',
    },
  ],
  triggers: [
    {
      name: 'stock_movements_append_only',
      timing: 'before',
      events: ['update', 'delete'],
      forEach: 'row',
      body: "raise exception 'a stock movement is never changed'; return null;",
    },
  ],
});

/** One movement as stored. */
export type StockMovement = RowOf<typeof StockMovementTable>;
