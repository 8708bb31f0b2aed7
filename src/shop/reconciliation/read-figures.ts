import { EARLIEST_DEADLINE } from '../purchases/status.rules.ts';
import { countNewestStock } from '../stock/count-stock.ts';
import type { StockCount } from '../stock/stock.rules.ts';
import type { Shop } from '../shop.ts';

/** How many rows of a kind there are, and the age of the oldest in seconds; 0 if there is none. */
export interface Backlog {
  readonly count: number;
  readonly oldestSeconds: number;
}

/** Figures for monitoring that only the database has. */
export interface ShopFigures {
  /** Payment events that wait for their order. */
  readonly parked: Backlog;
  /** Dead letters. */
  readonly dead: Backlog;
  /** All successful payments that name no order. */
  readonly withoutOrder: Backlog;
  /** Those of the last 24 hours. */
  readonly withoutOrderLastDay: number;
  readonly openRefunds: Backlog;
  /** Seconds for which the oldest due hold or order has been due; 0 if nothing is due. */
  readonly sweepLagSeconds: number;
  /** Age of the oldest open transaction on this database, of any client. */
  readonly oldestTransactionSeconds: number;
  /** Counters of the newest products. */
  readonly stock: readonly StockCount[];
}

/** Maximum products with counters: each adds three lines to every scrape. */
const PRODUCTS_MAX = 200;

/**
 * All figures of one moment. The earliest deadlines are the first entries of their indexes, so the
 * sweep's lag costs the same for any number of holds.
 */
const FIGURES = `
  with clock as (select shop_clock() as now),
  waiting as (
    select status as kind, count(*)::int as count, min(received_at) as since
    from payment_events where status in ('PARKED', 'DEAD') group by status
    union all
    select 'REFUND', count(*)::int, min(created_at) from refunds where status = 'OPEN'
    union all
    select 'WITHOUT_ORDER', count(*)::int, min(received_at) from payment_events
    where order_id is null and reported_status = 'success')
  select
    (select count(*)::int from payment_events where order_id is null and reported_status = 'success'
      and received_at > clock.now - interval '24 hours') as "withoutOrderLastDay",
    coalesce((select json_object_agg(kind, json_build_object('count', count,
      'oldestSeconds', greatest(0, coalesce(extract(epoch from clock.now - since), 0))))
      from waiting), '{}') as waiting,
    greatest(0, extract(epoch from clock.now - ${EARLIEST_DEADLINE}))::float8 as lag,
    (select coalesce(extract(epoch from clock_timestamp() - min(xact_start)), 0)::float8
      from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()) as oldest
  from clock`;

const NONE: Backlog = { count: 0, oldestSeconds: 0 };

interface Row {
  readonly waiting: { readonly [Kind in 'PARKED' | 'DEAD' | 'REFUND' | 'WITHOUT_ORDER']?: Backlog };
  readonly withoutOrderLastDay: number;
  readonly lag: number | null;
  readonly oldest: number;
}

/** Reads the figures, in two queries. */
export async function readFigures(shop: Pick<Shop, 'database'>): Promise<ShopFigures> {
  const [row] = await shop.database.rows<Row>(FIGURES, []);
  const { waiting, withoutOrderLastDay, lag, oldest } = row!;
  return {
    parked: waiting.PARKED ?? NONE,
    dead: waiting.DEAD ?? NONE,
    withoutOrder: waiting.WITHOUT_ORDER ?? NONE,
    withoutOrderLastDay,
    openRefunds: waiting.REFUND ?? NONE,
    sweepLagSeconds: lag ?? 0,
    oldestTransactionSeconds: oldest,
    stock: await countNewestStock(shop, PRODUCTS_MAX),
  };
}
