import type { Database } from '../../src/postgres/database.ts';
import { numberEvents } from '../../src/shop/events/number-events.ts';

/** The type of the last event of an order by its status; a pending order has none. */
const FINDINGS = `
  with numbered as (
    select *, count(*) over w as events, max(sequence) over w as last
    from shop_events
    window w as (partition by order_id, case when order_id is null then product_id end)),
  of_orders as (
    select order_id, count(*) filter (where type = 'ORDER_PAID') as paid,
      count(*) filter (where type in ('ORDER_CANCELLED', 'ORDER_EXPIRED')) as ended,
      (array_agg(type order by sequence desc))[1] as last,
      (array_agg(snapshot -> 'order' order by sequence desc))[1] as state
    from shop_events where type like 'ORDER_%' group by order_id)
  select format('event %s has no number', id) as finding from shop_events where position is null
  union all
  select format('%s events, the last position is %s', count(*), max(position)) from shop_events
    having count(*) <> coalesce(max(position), 0)
  union all
  select distinct format('order %s, product %s: %s events, the last sequence is %s', order_id, product_id, events, last)
    from numbered where events <> last
  union all
  select format('order %s is %s, its last event is %s', o.id, o.status, e.last)
    from orders o left join of_orders e on e.order_id = o.id
    where coalesce(e.last, 'ORDER_PENDING') <> 'ORDER_' || o.status
  union all
  select format('order %s was paid %s times and ended %s times', o.id, e.paid, e.ended)
    from orders o join of_orders e on e.order_id = o.id
    where e.paid <> (o.sold_version is not null)::int
      or e.ended <> (o.released_version is not null)::int + (o.returned_version is not null)::int
  union all
  select format('order %s is not as its last event says', o.id)
    from orders o join of_orders e on e.order_id = o.id
    where (e.state ->> 'status', (e.state ->> 'updatedAt')::timestamptz, e.state ->> 'paymentId')
      is distinct from (o.status, o.updated_at, o.payment_id)
      -- An admin who makes a buyer's cancellation final changes the order and not its status.
      and o.cancelled_by is distinct from 'OPERATOR'
  union all
  select format('refund %s is %s: opened %s times, resolved %s times', r.id, r.status, opened, resolved)
    from refunds r cross join lateral (
      select count(*) filter (where type = 'REFUND_OPENED') as opened,
        count(*) filter (where type = 'REFUND_RESOLVED') as resolved
      from shop_events e
      where e.order_id = r.order_id and e.snapshot -> 'refund' ->> 'id' = r.id::text) as e
    where opened <> 1 or resolved <> (r.status = 'RESOLVED')::int
  union all
  select format('event %s of %s has no row', e.id, e.order_id) from shop_events e
    where e.order_id is not null and not exists (select from orders o where o.id = e.order_id)
      and not exists (select from refunds r where r.order_id = e.order_id)`;

/** How the events differ from the tables, one sentence each; empty where they agree. Numbers all events. */
export async function eventFindings(database: Database): Promise<readonly string[]> {
  await numberEvents({ database });
  const rows = await database.rows<{ finding: string }>(FINDINGS, []);
  return rows.map(({ finding }) => finding);
}

/** The types of an order's events, in their order. */
export async function eventsOf(database: Database, orderId: string): Promise<string[]> {
  await numberEvents({ database });
  const rows = await database.rows<{ type: string }>(
    'select type from shop_events where order_id = $1 order by sequence',
    [orderId],
  );
  return rows.map(({ type }) => type);
}
