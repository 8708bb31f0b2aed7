import { defineEntity } from '@mikro-orm/core';
import { ProductTable } from '../catalog/product.entity.ts';

const p = defineEntity.properties;

/**
 * The counters of a product: three that always add up to the total. This is the one hot row: each
 * change locks it for one short transaction, and no foreign key points at it. The checks repeat the
 * stock invariant in the database, as a second guard against selling a unit twice.
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
    /** Units for sale, in all. */
    total: p.integer(),
    /** Units that can be held. */
    available: p.integer(),
    /** Units in active holds and pending orders. */
    held: p.integer(),
    /** Units in paid orders. */
    sold: p.integer(),
    /** Increases by one with every change; each version has its stock movement. */
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
