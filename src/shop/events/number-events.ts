import type { Database } from '../../postgres/database.ts';
import { transact } from '../../postgres/transaction.ts';

/** Maximum events of one transaction: some tens of milliseconds. */
const BATCH = 5000;

/** Lets one transaction number events at a time. The number is this lock's own. */
const LOCK = 'select pg_advisory_xact_lock(7305041)';

/**
 * Numbers what is committed and not numbered yet, and addresses it to the endpoints that take its type.
 * Within a batch, `recorded` is the order of commits for each order and each product, and what was
 * committed before an earlier batch is numbered there. The array makes the planner look the events up
 * by their key, for a table of any size.
 */
const NUMBER = `
  with due as materialized (
    select id, recorded, order_id, product_id,
      row_number() over (order by recorded) as place,
      row_number() over (partition by order_id, case when order_id is null then product_id end
        order by recorded) as place_of_subject
    from (
      select id, recorded, order_id, product_id from shop_events where position is null
      order by recorded limit ${BATCH}) as unnumbered),
  last as (select coalesce(max(position), 0) as position from shop_events),
  numbered as (
  update shop_events e
  set position = last.position + due.place,
    sequence = due.place_of_subject + coalesce(
      case when due.order_id is not null
        then (select max(sequence) from shop_events n where n.order_id = due.order_id)
        else (select max(sequence) from shop_events n
          where n.order_id is null and n.product_id = due.product_id) end, 0)
  from due, last where e.id = due.id and e.id = any(array(select id from due))
  returning e.id, e.type),
  addressed as (
    insert into webhook_deliveries (id, event_id, endpoint_id, status, failures, attempts, next_attempt_at)
    select shop_event_id(), n.id, w.id, 'PENDING', 0, '[]', shop_clock()
    from numbered n join webhook_endpoints w on w.enabled and w.event_types @> to_jsonb(n.type))
  select count(*)::int as events from numbered`;

/**
 * Gives committed events their position in the feed and their sequence. A position is given after the
 * commit and by one transaction at a time: a reader that has seen a position has seen all before it.
 * A number that an insert takes cannot do that, because a lower one may be committed later.
 *
 * @returns how many events were numbered
 * @throws BusyFault when another server numbers for longer than the lock timeout
 */
export async function numberEvents(shop: { readonly database: Database }): Promise<number> {
  let numbered = 0;
  for (;;) {
    // The lock is a statement of its own: the next one then sees what the last holder committed.
    const batch = await transact(shop.database, async (tx) => {
      const [, rows] = await Promise.all([
        tx.rows(LOCK, []),
        tx.rows<{ events: number }>(NUMBER, []),
      ]);
      return rows[0]!.events;
    });
    numbered += batch;
    if (batch < BATCH) return numbered;
  }
}
