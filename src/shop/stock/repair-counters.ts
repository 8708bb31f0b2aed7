import type { LockedStock } from './locked-stock.ts';
import { soldOutAt } from './stock-level.entity.ts';

/** The units in a product's rows: held in active holds and pending orders, sold in paid orders. */
export interface CommittedUnits {
  readonly held: number;
  readonly sold: number;
}

/**
 * Sets the counters of a stock row to the units in the product's rows, with the total of the movements.
 * Records the difference as a movement REPAIR. From that version on, movements, rows and counters
 * agree. It changes nothing if they already agree. It also changes nothing if held and sold exceed the
 * total, or if the movements are ahead of the stock row. These two cases need an admin.
 */
const REPAIR = `
  with recorded as (
    select sum(available_delta)::int as available, sum(held_delta)::int as held,
      sum(sold_delta)::int as sold, sum(total_delta)::int as total, max(version) as version
    from stock_movements where product_id = $1),
  truth as (
    select total - $3::int - $4::int as available, $3::int as held, $4::int as sold, total from recorded),
  repaired as (
    update stock_levels s set available = t.available, held = t.held, sold = t.sold, total = t.total,
      version = $2, ${soldOutAt('t.available')}
    from truth t, recorded r
    where s.product_id = $1 and s.version = $2 - 1 and r.version < $2 and t.available >= 0
      and ((s.available, s.held, s.sold, s.total) <> (t.available, t.held, t.sold, t.total)
        or (r.available, r.held, r.sold) <> (t.available, t.held, t.sold) or r.version <> s.version)
    returning s.product_id, s.version, s.total, s.available, s.held, s.sold, s.sold_out_at,
      shop_clock() as read_at),
  movement as (
    insert into stock_movements (product_id, version, available_delta, held_delta, sold_delta,
      total_delta, cause, reason, at)
    select n.product_id, n.version, n.available - r.available, n.held - r.held, n.sold - r.sold,
      n.total - r.total, 'REPAIR', $5, n.read_at
    from repaired n, recorded r)
  select (select json_agg(product_id) from repaired) as changed, (select row_to_json(repaired) from repaired) as stock`;

/** Repairs the counters of a locked product; whether it changed anything. */
export async function repairCounters(
  stock: LockedStock,
  { held, sold }: CommittedUnits,
): Promise<boolean> {
  const { available, held: wasHeld, sold: wasSold, total } = stock.count;
  const reason = `The stock row had ${available} available, ${wasHeld} held and ${wasSold} sold of ${total}.`;
  return (await stock.move(REPAIR, [held, sold, reason])).length > 0;
}
