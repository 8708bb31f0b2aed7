import { defineEntity } from '@mikro-orm/core';
import type { RowOf } from '../../postgres/database.ts';
import { SHOP_EVENT_TYPES, type Snapshot } from './shop-event.rules.ts';

const p = defineEntity.properties;

/**
 * The outbox: what happened, written in the transaction that made it true. Rows are never deleted.
 * `numberEvents` sets `position` and `sequence` after the commit, once.
 */
export const ShopEventTable = defineEntity({
  name: 'ShopEvent',
  tableName: 'shop_events',
  properties: {
    /** What endpoints recognize a repeated delivery by. */
    id: p.uuid().primary(),
    /**
     * Number of the insert. For one order or product it rises in the order of commits, because the
     * insert happens under the lock of that order or product. Across orders it does not.
     */
    recorded: p.bigint('bigint'),
    /** Position in the feed, from 1, without gaps; null until the event is numbered. */
    position: p.bigint('bigint').nullable(),
    /** Number among the events of its order or, without an order, of its product; null likewise. */
    sequence: p.integer().nullable(),
    type: p.enum(SHOP_EVENT_TYPES),
    /** 0 for a refund of a payment whose order and hold never existed. */
    productId: p.integer(),
    /** Null for an event of a product. */
    orderId: p.uuid().nullable(),
    at: p.datetime().columnType('timestamptz(3)'),
    /** The subject at that moment; null once it is redacted. */
    snapshot: p.json<Snapshot>().nullable(),
  },
  checks: [
    { name: 'shop_events_numbered', expression: '(position is null) = (sequence is null)' },
    {
      name: 'shop_events_of_order',
      expression: "(order_id is null) = (type in ('PRODUCT_SOLD_OUT', 'PRODUCT_BACK_IN_STOCK'))",
    },
  ],
  uniques: [
    { name: 'shop_events_position', properties: 'position', where: 'position is not null' },
    {
      name: 'shop_events_order_sequence',
      properties: ['orderId', 'sequence'],
      where: 'order_id is not null',
    },
    {
      name: 'shop_events_product_sequence',
      properties: ['productId', 'sequence'],
      where: 'order_id is null',
    },
  ],
  indexes: [
    { name: 'shop_events_unnumbered', properties: 'recorded', where: 'position is null' },
    {
      name: 'shop_events_of_product',
      properties: ['productId', 'recorded'],
      where: 'order_id is null',
    },
    { name: 'shop_events_of_products', properties: 'at', where: 'order_id is null' },
  ],
  triggers: [
    {
      name: 'shop_events_forward_only',
      timing: 'before',
      events: ['update', 'delete'],
      forEach: 'row',
      body: [
        "if tg_op <> 'UPDATE' then raise exception 'an event is never deleted'; end if;",
        'if (new.id, new.recorded, new.type, new.product_id, new.order_id, new.at)',
        '  is distinct from (old.id, old.recorded, old.type, old.product_id, old.order_id, old.at)',
        '  or (old.position is not null',
        '    and (new.position, new.sequence) is distinct from (old.position, old.sequence))',
        '  or (new.snapshot is not null and new.snapshot is distinct from old.snapshot)',
        "then raise exception 'an event is never changed'; end if;",
        'return new;',
      ].join('\n'),
    },
  ],
});

/** One event as stored. */
export type ShopEventRow = RowOf<typeof ShopEventTable>;
