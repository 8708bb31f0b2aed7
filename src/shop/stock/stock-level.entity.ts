import { defineEntity } from '@mikro-orm/core';
import type { RowOf } from '../../postgres/row.ts';
import { ProductTable } from '../catalog/product.entity.ts';

const p = defineEntity.properties;

/**
 * How many units of a product there are, in three buckets that always add up to the total. This is
 * the one hot row: it is locked, changed and released in one short transaction, and nothing points
 * at it. The law stands here once more, as checks, so that two guards must fail before a unit is
 * sold twice.
 */
export const StockLevelTable = defineEntity({
  name: 'StockLevel',
  tableName: 'stock_levels',
  properties: {
    productId: () =>
      p
        .manyToOne(ProductTable)
        .mapToPk()
        .primary()
        .fieldName('product_id')
        .deleteRule('no action')
        .updateRule('no action'),
    /** Units offered in this sale. */
    total: p.integer(),
    /** Units free to hold. */
    available: p.integer(),
    /** Units promised to active holds and to orders awaiting payment. */
    held: p.integer(),
    /** Units in paid orders. */
    sold: p.integer(),
    /** Rises by one with every change; each version has its stock movement. */
    version: p.integer(),
    /** The database's clock when this row was read. */
    readAt: p.formula<Date>('shop_clock()').type('datetime'),
  },
  checks: [
    { name: 'stock_levels_law', expression: 'available + held + sold = total' },
    { name: 'stock_levels_available_not_negative', expression: 'available >= 0' },
    { name: 'stock_levels_held_not_negative', expression: 'held >= 0' },
    { name: 'stock_levels_sold_not_negative', expression: 'sold >= 0' },
  ],
});

/** One product's stock as stored. */
export type StockLevel = RowOf<typeof StockLevelTable>;
