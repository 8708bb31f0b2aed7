import { allowLongStatements } from '../../postgres/transaction.ts';
import { transact } from '../../postgres/transaction.ts';
import type { Shop } from '../shop.ts';

/** Result of replaying every stock movement of a product: do movements, rows and counters agree? */
export interface StockAudit {
  readonly productId: number;
  readonly balanced: boolean;
  /** Number of versions of the stock row. */
  readonly versions: number;
  readonly total: number;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
  /** One sentence for each discrepancy. */
  readonly findings: readonly string[];
}

/** SQL for one row, `held` and `sold`: the units in the holds and orders of product `$1`. */
export const COMMITTED_UNITS = `
  select (coalesce((select sum(quantity) from holds where product_id = $1 and status = 'ACTIVE'), 0)
      + coalesce((select sum(quantity) from orders where product_id = $1 and status = 'PENDING'), 0))::int as held,
    coalesce((select sum(quantity) from orders where product_id = $1 and status = 'PAID'), 0)::int as sold`;

/**
 * One statement has one snapshot, so it can run during a sale. Each hold and order stores the versions
 * that moved its units. Their sums by version must equal the movements. The sum of the movements, and
 * the sums of the rows by status, must equal the counters.
 */
const AUDIT = `
  with level as (select * from stock_levels where product_id = $1),
  replay as (
    select version, cause, available_delta, held_delta, sold_delta, row_number() over w as position,
      sum(available_delta) over w as available, sum(held_delta) over w as held,
      sum(sold_delta) over w as sold, sum(total_delta) over w as total
    from stock_movements where product_id = $1 window w as (order by version)),
  row_moves as (
    select version, sum(a)::int as a, sum(h)::int as h, sum(s)::int as s from (
      select held_version as version, -quantity as a, quantity as h, 0 as s from holds where product_id = $1
      union all
      select released_version, quantity, -quantity, 0 from holds
      where product_id = $1 and released_version is not null
      union all
      select released_version, quantity, -quantity, 0 from orders
      where product_id = $1 and released_version is not null
      union all
      select sold_version, case when released_version is null then 0 else -quantity end,
        case when released_version is null then -quantity else 0 end, quantity from orders
      where product_id = $1 and sold_version is not null
      union all
      select returned_version, case when restocked then quantity else 0 end, 0, -quantity from orders
      where product_id = $1 and returned_version is not null
    ) as moves group by version),
  row_counts as (${COMMITTED_UNITS}),
  findings as (
    select format('Movement %s is at position %s.', version, position) as finding
      from replay where version <> position
    union all
    select format('After movement %s a counter is negative or the stock invariant is broken.', version)
      from replay where least(available, held, sold) < 0 or available + held + sold <> total
    union all
    select format('The last movement has version %s, the stock row has version %s.', (select max(version) from replay), version)
      from level where version is distinct from (select max(version) from replay)
    union all
    select format('Replay gives %s available, %s held, %s sold, %s in total; the stock row has %s, %s, %s, %s.',
        r.available, r.held, r.sold, r.total, l.available, l.held, l.sold, l.total)
      from level l join replay r on r.version = l.version
      where (r.available, r.held, r.sold, r.total) <> (l.available, l.held, l.sold, l.total)
    union all
    select format('Version %s: the rows move %s available, %s held, %s sold; the movement has %s, %s, %s.',
        version, coalesce(m.a, 0), coalesce(m.h, 0), coalesce(m.s, 0), r.available_delta, r.held_delta, r.sold_delta)
      from replay r full join row_moves m using (version)
      where coalesce(r.cause not in ('ADJUSTMENT', 'REPAIR'), true)
        and (coalesce(m.a, 0), coalesce(m.h, 0), coalesce(m.s, 0))
          is distinct from (r.available_delta, r.held_delta, r.sold_delta)
    union all
    select format('Active holds and pending orders sum to %s units, but the stock row has %s held.', c.held, l.held)
      from level l, row_counts c where c.held <> l.held
    union all
    select format('Paid orders sum to %s units, but the stock row has %s sold.', c.sold, l.sold)
      from level l, row_counts c where c.sold <> l.sold)
  select l.product_id as "productId", l.version as versions, l.total, l.available, l.held, l.sold,
    (select coalesce(json_agg(finding), '[]') from findings) as findings
  from level l`;

/** Audits one product's stock; null for a product without a stock row. */
export async function auditStock(
  shop: Pick<Shop, 'database'>,
  productId: number,
): Promise<StockAudit | null> {
  const [audit] = await transact(shop.database, async (tx) => {
    await allowLongStatements(tx);
    return tx.rows<Omit<StockAudit, 'balanced'>>(AUDIT, [productId]);
  });
  return audit === undefined ? null : { ...audit, balanced: audit.findings.length === 0 };
}
