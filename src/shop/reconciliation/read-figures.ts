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
  /** Refunds that are not resolved: open, or sent without a confirmation. */
  readonly openRefunds: Backlog;
  /** Open refunds that their provider refused. */
  readonly refusedRefunds: number;
  /** Deliveries that enabled endpoints have not taken yet, by the age of their event. */
  readonly deliveries: Backlog;
  /** Seconds for which the oldest due delivery has been due; 0 if none is due. */
  readonly deliveryLagSeconds: number;
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
    select 'REFUND', count(*)::int, min(created_at) from (
      select created_at from refunds where status = 'OPEN'
      union all
      select created_at from refunds where next_attempt_at is not null and status = 'SENT') as unresolved
    union all
    select 'WITHOUT_ORDER', count(*)::int, min(received_at) from payment_events
    where order_id is null and reported_status = 'success'
    union all
    select 'DELIVERY', count(*)::int, min(e.at)
    from webhook_deliveries d join webhook_endpoints w on w.id = d.endpoint_id and w.enabled
      join shop_events e on e.id = d.event_id
    where d.status = 'PENDING')
  select
    (select greatest(0, coalesce(extract(epoch from clock.now - min(d.next_attempt_at)), 0))::float8
      from webhook_endpoints w cross join lateral (
        select next_attempt_at from webhook_deliveries d
        where d.endpoint_id = w.id and d.status = 'PENDING' order by next_attempt_at limit 1) as d
      where w.enabled) as "deliveryLag",
    (select count(*)::int from refunds where status = 'OPEN' and failure_reason is not null) as "refusedRefunds",
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
  readonly waiting: {
    readonly [Kind in 'PARKED' | 'DEAD' | 'REFUND' | 'WITHOUT_ORDER' | 'DELIVERY']?: Backlog;
  };
  readonly withoutOrderLastDay: number;
  readonly refusedRefunds: number;
  readonly deliveryLag: number;
  readonly lag: number | null;
  readonly oldest: number;
}

/** Reads the figures, in two queries. */
export async function readFigures(shop: Pick<Shop, 'database'>): Promise<ShopFigures> {
  const [row] = await shop.database.rows<Row>(FIGURES, []);
  const { waiting, withoutOrderLastDay, refusedRefunds, deliveryLag, lag, oldest } = row!;
  return {
    parked: waiting.PARKED ?? NONE,
    dead: waiting.DEAD ?? NONE,
    withoutOrder: waiting.WITHOUT_ORDER ?? NONE,
    withoutOrderLastDay,
    openRefunds: waiting.REFUND ?? NONE,
    refusedRefunds,
    deliveries: waiting.DELIVERY ?? NONE,
    deliveryLagSeconds: deliveryLag,
    sweepLagSeconds: lag ?? 0,
    oldestTransactionSeconds: oldest,
    stock: await countNewestStock(shop, PRODUCTS_MAX),
  };
}
