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
    /** When the last available unit was taken; null while units are available. */
    soldOutAt: p.datetime().columnType('timestamptz(3)').nullable(),
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
    { name: 'stock_levels_sold_out', expression: 'sold_out_at is null or available = 0' },
  ],
});

/**
 * Sets `sold_out_at` for the counter after a move: it stays while nothing is available, and is null otherwise.
 *
 * @param available SQL of the new number of available units
 */
export const soldOutAt = (available: string): string =>
  `sold_out_at = case when ${available} = 0 then coalesce(s.sold_out_at, shop_clock()) end`;
