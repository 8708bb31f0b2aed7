import type { ShopEventType } from './shop-event.rules.ts';

/*
 * The parts of a statement that write events. They are common table expressions of the statement that
 * makes the events true, so that a batch writes its events in one insert and in no further round trip,
 * and a rolled back transaction leaves none. Only these parts insert into `shop_events`.
 */

const INSERT = 'insert into shop_events (id, recorded, type, product_id, order_id, at, snapshot)';

const NUMBERED = "shop_event_id(), nextval('shop_events_recorded')";

type EventOf<Subject extends string> = Extract<ShopEventType, `${Subject}_${string}`>;

/** SQL: the snapshot of an order. `product` is SQL for the id of its product. */
const orderSnapshot = (order: string, product: string): string => `jsonb_build_object(
      'id', ${order}.id, 'productId', ${order}.product_id,
      'productName', (select name from products where id = ${product}),
      'quantity', ${order}.quantity, 'unitPriceMinor', ${order}.unit_price_minor::text,
      'currency', ${order}.currency, 'status', ${order}.status,
      'customerId', ${order}.customer_id, 'metadata', ${order}.metadata,
      'paymentId', ${order}.payment_id, 'createdAt', ${order}.created_at,
      'paymentExpiresAt', ${order}.payment_expires_at, 'paidAt', ${order}.paid_at,
      'updatedAt', ${order}.updated_at)`;

/**
 * Writes one event for each changed order: an expression of a `unitMove`, which ends in a comma.
 *
 * @param orders name of the expression that returns the changed rows of `orders`, whole, all of the
 *   product `$1`
 */
export const orderEvents = (type: EventOf<'ORDER'>, orders: string): string => `
    order_events as (
      ${INSERT}
      select ${NUMBERED}, '${type}', o.product_id, o.id, o.updated_at,
        jsonb_build_object('kind', 'order', 'order', ${orderSnapshot('o', '$1')})
      from ${orders} o),`;

/**
 * Writes the event of a refund.
 *
 * @param from SQL of the refund `r`, its order `o` and its hold `h`; the last two may be null
 * @param at column of `r`, the instant of the event
 */
export const refundEvent = (
  type: EventOf<'REFUND'>,
  from: string,
  at: 'created_at' | 'resolved_at',
): string => `
    refund_events as (
      ${INSERT}
      select ${NUMBERED}, '${type}', coalesce(o.product_id, h.product_id, 0), r.order_id, r.${at},
        jsonb_build_object('kind', 'refund', 'refund', jsonb_build_object(
          'id', r.id, 'orderId', r.order_id, 'paymentId', r.payment_id, 'amount', r.amount::text,
          'currency', r.currency, 'reason', r.reason, 'status', r.status, 'createdAt', r.created_at,
          'resolvedAt', r.resolved_at,
          'order', case when o.id is not null then ${orderSnapshot('o', 'o.product_id')} end))
      from ${from})`;

/** SQL: the type of the event that the counters `m` call for. */
const STOCK_TYPE =
  "case when m.available = 0 then 'PRODUCT_SOLD_OUT' else 'PRODUCT_BACK_IN_STOCK' end";

/**
 * Writes the event of a product that has sold out or has units again: where its last event says
 * otherwise, and none of the same type was written in the last second. A change within that second
 * is written by the next move of units, or by `recordLateStockEvents`. Without an earlier event the
 * counters before the move decide.
 *
 * @param counters SQL of the locked counters after a move, with `available_delta` and `read_at`
 */
export const stockEvent = (counters: string): string => `
    stock_events as (
      ${INSERT}
      select ${NUMBERED}, ${STOCK_TYPE}, m.product_id, null, m.read_at,
        jsonb_build_object('kind', 'product', 'product', jsonb_build_object(
          'id', p.id, 'name', p.name, 'priceMinor', p.price_minor::text, 'currency', p.currency,
          'version', m.version, 'total', m.total, 'available', m.available, 'held', m.held,
          'sold', m.sold))
      from ${counters} m join products p on p.id = m.product_id
      left join lateral (
        select type from shop_events e where e.product_id = m.product_id and e.order_id is null
        order by e.recorded desc limit 1) as last_event on true
      where (m.available = 0) <> coalesce(last_event.type = 'PRODUCT_SOLD_OUT', m.available = m.available_delta)
        and not exists (
          select from shop_events e where e.product_id = m.product_id and e.order_id is null
            and e.type = ${STOCK_TYPE} and e.at > m.read_at - interval '1 second'))`;
