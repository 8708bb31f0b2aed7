import { defineEntity } from '@mikro-orm/core';
import type { RowOf } from '../../postgres/database.ts';

const p = defineEntity.properties;

/**
 * A product: name, price and limits. During a sale it is read often and hardly ever written. The
 * counters are in the stock level, because foreign keys point at this row and would lock the hot one.
 */
export const ProductTable = defineEntity({
  name: 'Product',
  tableName: 'products',
  properties: {
    id: p.integer().primary(),
    name: p.text(),
    description: p.text().nullable(),
    /** Price of one unit in minor units of `currency`. */
    priceMinor: p.bigint('bigint'),
    /** ISO 4217 code. */
    currency: p.text(),
    /** Most units in one hold. */
    maxPerHold: p.integer(),
    /** Most units one customer may have held, pending and paid together; null means no limit. */
    maxPerCustomer: p.integer().nullable(),
    saleStartsAt: p.datetime().columnType('timestamptz(3)').nullable(),
    saleEndsAt: p.datetime().columnType('timestamptz(3)').nullable(),
    /** Whether an admin has paused the sale: no new holds, and everything else goes on. */
    salePaused: p.boolean().default(false),
    /** Address of a picture; the server stores none. */
    imageUrl: p.text().nullable(),
    createdAt: p.datetime().columnType('timestamptz(3)').defaultRaw('shop_clock()'),
    updatedAt: p.datetime().columnType('timestamptz(3)').defaultRaw('shop_clock()'),
    /** The database's clock when this row was read; the sale window is compared with it. */
    readAt: p.formula<Date>('shop_clock()').type('datetime'),
  },
  checks: [
    { name: 'products_price_not_negative', expression: 'price_minor >= 0' },
    { name: 'products_limits_positive', expression: 'max_per_hold >= 1 and max_per_customer >= 1' },
    { name: 'products_sale_window', expression: 'sale_starts_at < sale_ends_at' },
  ],
});

/** One product as stored. */
export type Product = RowOf<typeof ProductTable>;
