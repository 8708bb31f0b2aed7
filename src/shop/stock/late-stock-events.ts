import { isFault } from '../../lib/faults.ts';
import { transact } from '../../postgres/transaction.ts';
import { stockEvent } from '../events/record-events.ts';
import type { Shop } from '../shop.ts';
import { lockStock } from './locked-stock.ts';

/** How far back a product's event is looked for: longer than any restart of all servers. */
const LOOK_BACK = "interval '10 minutes'";

/**
 * Products whose last event differs from their counters, read without a lock. `offset 0` makes the planner
 * look up each product: it overestimates the recent events, and would read all stock rows each second.
 */
const LATE = `
  select recent.product_id as "productId"
  from (select distinct product_id from shop_events
    where order_id is null and at > (select shop_clock()) - ${LOOK_BACK}) as recent
  cross join lateral (
    select available from stock_levels s where s.product_id = recent.product_id offset 0) as l
  cross join lateral (
    select type from shop_events e where e.product_id = recent.product_id and e.order_id is null
    order by e.recorded desc limit 1) as last_event
  where (l.available = 0) <> (last_event.type = 'PRODUCT_SOLD_OUT')`;

const RECORD = `
  with ${stockEvent(`(
      select l.*, 0 as available_delta, shop_clock() as read_at from stock_levels l
      where l.product_id = $1)`)}
  select`;

/**
 * Writes the events of products that sold out, or got units again, within a second of an earlier event
 * and have not changed since: a move of units writes at most one event of a type a second. A product
 * whose lock is not available in time is left for the next run.
 */
export async function recordLateStockEvents(shop: Shop): Promise<void> {
  for (const { productId } of await shop.database.rows<{ productId: number }>(LATE, [])) {
    try {
      await transact(shop.database, async (tx) => {
        await lockStock(shop, tx, productId);
        await tx.rows(RECORD, [productId]);
      });
    } catch (error) {
      if (!isFault(error)) throw error;
    }
  }
}
