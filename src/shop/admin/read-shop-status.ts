import { readStatus, type Status } from '../reconciliation/read-status.ts';
import type { Shop } from '../shop.ts';
import { listAuditLog } from './audit/list-audit-log.ts';

/** The last recorded reconciliation. */
export interface LastReconciliation {
  readonly at: Date;
  readonly balanced: boolean;
  /** Number of discrepancies that it found, the repaired ones included. */
  readonly findings: number;
}

/** The state of the shop for the admin's console. */
export interface ShopStatus extends Status {
  /** Age in seconds of the oldest transaction of another session that may lock stock rows; 0 if none. */
  readonly stockLockSeconds: number;
  /** Null if none was ever recorded. */
  readonly lastReconciliation: LastReconciliation | null;
}

/** `select … for update` takes RowShareLock on the table, a change RowExclusiveLock, both until the end. */
const STOCK_LOCK = `
  select coalesce(max(extract(epoch from clock_timestamp() - a.xact_start)), 0)::float8 as seconds
  from pg_locks l join pg_stat_activity a on a.pid = l.pid
  where l.relation = 'stock_levels'::regclass and l.granted and a.pid <> pg_backend_pid()
    and l.mode in ('RowShareLock', 'RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`;

/** Reads the state of the shop, with locks on stock and the last reconciliation. */
export async function readShopStatus(shop: Pick<Shop, 'database'>): Promise<ShopStatus> {
  const status = await readStatus(shop);
  const [lock] = await shop.database.rows<{ seconds: number }>(STOCK_LOCK, []);
  const lastReconciliation = await readLastReconciliation(shop);
  return { ...status, stockLockSeconds: lock!.seconds, lastReconciliation };
}

/** A repair of one product writes an entry of its own, before the one of the whole run. */
async function readLastReconciliation(
  shop: Pick<Shop, 'database'>,
): Promise<LastReconciliation | null> {
  const page = { first: 1, after: null, action: 'reconcile', outcome: 'DONE' };
  const [entry] = (await listAuditLog(shop, page)).rows;
  if (entry === undefined) return null;
  const { balanced, findings } = entry.after as { balanced: boolean; findings: number };
  return { at: entry.at, balanced, findings };
}
