import { decimalText } from '../../lib/money.ts';
import { allowLongStatements, transact } from '../../postgres/transaction.ts';
import { badUserInput, type BadUserInput } from '../refusal.ts';
import type { Shop } from '../shop.ts';

/** Most points of one timeline. */
const POINTS_MAX = 1000;

/** Shortest step. Instants are stored in milliseconds. */
const STEP_MS_MIN = 1;

/** Which part of a product's sale to show, and in steps of which length. */
export interface TimelineQuery {
  readonly productId: number;
  readonly from: Date;
  /** The end, which is not part of the timeline. */
  readonly to: Date;
  readonly stepSeconds: number;
}

/** One step of a sale: the counters at its end, and what moved in it. */
export interface TimelinePoint {
  /** The end of the step. What moved exactly then belongs to the next step. */
  readonly at: Date;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
  readonly unitsHeld: number;
  /** Units of holds released and of pending orders cancelled. */
  readonly unitsReleased: number;
  /** Units of holds and orders past their deadline. */
  readonly unitsExpired: number;
  readonly unitsSold: number;
  /** Total of the orders paid in the step, decimal text in the product's currency. */
  readonly revenue: string;
}

/** What moved in one step; step -1 is everything before the first. */
interface StepRow {
  readonly step: number;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
  readonly unitsHeld: number;
  readonly unitsReleased: number;
  readonly unitsExpired: number;
  readonly unitsSold: number;
  readonly revenueMinor: string;
  readonly currency: string;
}

/**
 * The movements of a product, summed by step. Each paid order has the version of its movement, which
 * gives the revenue. Only steps in which something moved are returned, at most one more than the points.
 */
const STEPS = `
  with paid as (
    select sold_version as version, sum(quantity * unit_price_minor) as minor from orders
    where product_id = $1 and sold_version is not null group by 1)
  select case when m.at < $2::timestamptz then -1
      else floor(extract(epoch from m.at - $2::timestamptz) * 1000 / $4::numeric)::int end as step,
    sum(m.available_delta)::int as available, sum(m.held_delta)::int as held, sum(m.sold_delta)::int as sold,
    coalesce(sum(m.held_delta) filter (where m.cause = 'HOLD'), 0)::int as "unitsHeld",
    coalesce(-sum(m.held_delta) filter (where m.cause in ('RELEASE', 'CANCELLATION')), 0)::int as "unitsReleased",
    coalesce(-sum(m.held_delta) filter (where m.cause in ('EXPIRY', 'RECLAIM')), 0)::int as "unitsExpired",
    coalesce(sum(m.sold_delta) filter (where m.cause = 'SALE'), 0)::int as "unitsSold",
    coalesce(sum(paid.minor), 0)::text as "revenueMinor", p.currency
  from products p join stock_movements m on m.product_id = p.id
    left join paid on paid.version = m.version
  where p.id = $1 and m.at < $3::timestamptz
  group by 1, p.currency order by 1`;

/**
 * The course of a product's sale, from the stock movements: every step of the range, quiet ones included.
 * Empty for an unknown product, and for one without a movement before `to`.
 */
export async function saleTimeline(
  shop: Pick<Shop, 'database'>,
  query: TimelineQuery,
): Promise<readonly TimelinePoint[] | BadUserInput> {
  const { productId, from, to, stepSeconds } = query;
  const stepMs = Math.round(stepSeconds * 1000);
  const wrong = wrongWithRange(query, stepMs);
  if (wrong !== undefined) return badUserInput(wrong);
  const rows = await transact(shop.database, async (tx) => {
    await allowLongStatements(tx);
    return tx.rows<StepRow>(STEPS, [productId, from, to, stepMs]);
  });
  return rows.length === 0 ? [] : pointsOf(query, stepMs, rows);
}

function wrongWithRange({ from, to, stepSeconds }: TimelineQuery, stepMs: number) {
  if (from >= to) return 'to must be after from.';
  if (!(stepMs >= STEP_MS_MIN)) return `stepSeconds is ${stepSeconds}; it must be 0.001 or more.`;
  const points = Math.ceil((to.getTime() - from.getTime()) / stepMs);
  return points > POINTS_MAX
    ? `The range has ${points} steps; a timeline has at most ${POINTS_MAX} points.`
    : undefined;
}

/** A step in which nothing moved. */
const QUIET = {
  available: 0,
  held: 0,
  sold: 0,
  unitsHeld: 0,
  unitsReleased: 0,
  unitsExpired: 0,
  unitsSold: 0,
  revenueMinor: '0',
};

function pointsOf(
  { from, to }: TimelineQuery,
  stepMs: number,
  rows: readonly StepRow[],
): TimelinePoint[] {
  const byStep = new Map(rows.map((row) => [row.step, row]));
  const { currency } = rows[0]!;
  let { available, held, sold } = byStep.get(-1) ?? QUIET;
  const points: TimelinePoint[] = [];
  for (let start = from.getTime(), step = 0; start < to.getTime(); start += stepMs, step += 1) {
    const moved = byStep.get(step) ?? QUIET;
    available += moved.available;
    held += moved.held;
    sold += moved.sold;
    const { unitsHeld, unitsReleased, unitsExpired, unitsSold, revenueMinor } = moved;
    const at = new Date(Math.min(start + stepMs, to.getTime()));
    const revenue = decimalText({ minor: BigInt(revenueMinor), currency });
    const units = { unitsHeld, unitsReleased, unitsExpired, unitsSold };
    points.push({ at, available, held, sold, ...units, revenue });
  }
  return points;
}
