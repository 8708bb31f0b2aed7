import { readFigures, type ShopFigures } from './read-figures.ts';
import type { Shop } from '../shop.ts';

/** The state of the shop: its database, products, units, open purchases and backlogs. */
export interface Status extends Omit<ShopFigures, 'stock'> {
  readonly database: {
    readonly version: string;
    /** Whether it is a standby and accepts no changes. */
    readonly isStandby: boolean;
    /** Sessions of all clients of this PostgreSQL server, and their maximum. */
    readonly connections: number;
    readonly connectionsMax: number;
    /** The version of TLS, for example TLSv1.3; null without TLS. */
    readonly tls: string | null;
    /** This session's name in pg_stat_activity. */
    readonly applicationName: string;
  };
  /** The database's clock. */
  readonly now: Date;
  readonly products: {
    readonly upcoming: number;
    readonly live: number;
    readonly paused: number;
    readonly ended: number;
  };
  /** Sums over all products. */
  readonly units: {
    readonly total: number;
    readonly available: number;
    readonly held: number;
    readonly sold: number;
  };
  readonly activeHolds: number;
  readonly pendingOrders: number;
}

/** Active holds and pending orders are counted by their partial indexes. */
const COUNTS = `
  with clock as (select shop_clock() as now)
  select now,
    json_build_object('version', current_setting('server_version'), 'isStandby', pg_is_in_recovery(),
      'connections', (select count(*) from pg_stat_activity where backend_type = 'client backend'),
      'connectionsMax', current_setting('max_connections')::int,
      'tls', (select version from pg_stat_ssl where pid = pg_backend_pid()),
      'applicationName', current_setting('application_name')) as database,
    (select json_build_object('upcoming', count(*) filter (where not over and not paused and not begun),
        'live', count(*) filter (where not over and not paused and begun),
        'paused', count(*) filter (where not over and paused), 'ended', count(*) filter (where over))
      from (select coalesce(sale_ends_at <= now, false) as over,
        coalesce(sale_starts_at <= now, true) as begun, sale_paused as paused from products) p) as products,
    (select json_build_object('total', coalesce(sum(total), 0), 'available', coalesce(sum(available), 0),
        'held', coalesce(sum(held), 0), 'sold', coalesce(sum(sold), 0)) from stock_levels) as units,
    (select count(*)::int from holds where status = 'ACTIVE') as "activeHolds",
    (select count(*)::int from orders where status = 'PENDING') as "pendingOrders"
  from clock`;

type Counts = Pick<Status, 'database' | 'products' | 'units' | 'activeHolds' | 'pendingOrders'> & {
  readonly now: string;
};

/** Reads the state of the shop. It changes nothing, so it works on a standby as well. */
export async function readStatus(shop: Pick<Shop, 'database'>): Promise<Status> {
  const [counts] = await shop.database.rows<Counts>(COUNTS, []);
  const { stock: _ofEachProduct, ...waiting } = await readFigures(shop);
  return { ...counts!, now: new Date(counts!.now), ...waiting };
}
