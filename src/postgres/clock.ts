import type { Database } from './database.ts';
import type { Transaction } from './transaction.ts';

const CLOCK = 'select shop_clock() as now';

/**
 * The one clock: the database's, through its function `shop_clock()` (milliseconds, so that an
 * instant is the same in SQL and in JavaScript). Read it in a statement of its own AFTER the lock
 * was had: `now()` is the transaction's start, and in the select list of a `FOR UPDATE` even
 * `clock_timestamp()` is read before the wait (PostgreSQL manual, 9.9.5).
 */
export async function readClock(tx: Transaction): Promise<Date> {
  const [row] = await tx.rows<{ now: string }>(CLOCK, []);
  return new Date(row!.now);
}

/** The database's clock, outside a transaction. */
export async function now(database: Pick<Database, 'rows'>): Promise<Date> {
  const [row] = await database.rows<{ now: string }>(CLOCK, []);
  return new Date(row!.now);
}
