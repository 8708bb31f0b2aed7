import { EARLIEST_DEADLINE } from '../purchases/status.rules.ts';
import { countNewestStock } from '../stock/count-stock.ts';
import type { StockCount } from '../stock/stock.rules.ts';
import type { Shop } from '../shop.ts';

/** How many of a kind there are, and for how many seconds the oldest of them: 0 where there is none. */
export interface Waiting {
  readonly count: number;
  readonly oldestSeconds: number;
}

/** What an operator keeps an eye on and only the database knows. */
export interface ShopFigures {
  /** Payment events that wait for their order. */
  readonly parked: Waiting;
  /** Payment events that were given up. */
  readonly dead: Waiting;
  /** Successful payments that name no order, all that ever came: money that nothing matches. */
  readonly withoutOrder: Waiting;
  /** How many of them came in the last 24 hours. */
  readonly withoutOrderLastDay: number;
  /** Money that must still go back. */
  readonly openRefunds: Waiting;
  /** For how many seconds the oldest due hold or order has been due without being ended. */
  readonly sweepLagSeconds: number;
  /** For how many seconds anyone's oldest transaction on this database has been open. */
  readonly oldestTransactionSeconds: number;
  /** The newest products' units. */
  readonly stock: readonly StockCount[];
}

/** Most products whose units are told: each is three lines of every scrape. */
const PRODUCTS_MAX = 200;

/**
 * All figures of one moment. The earliest deadline of each kind is the first entry of its index, so
 * the sweep's lag costs the same however many holds there are.
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

const NONE: Waiting = { count: 0, oldestSeconds: 0 };

interface Row {
  readonly waiting: { readonly [Kind in 'PARKED' | 'DEAD' | 'REFUND' | 'WITHOUT_ORDER']?: Waiting };
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
