import { LockMode, type EntitySchema, type FilterQuery } from '@mikro-orm/core';
import { readClock } from './clock.ts';
import type { RowOf } from './database.ts';
import type { Transaction } from './transaction.ts';

/**
 * Takes the pessimistic lock on one row until the transaction ends and returns the row as it is
 * after the wait, with `readAt` from the clock after the wait; null where there is none.
 */
export async function lockRow<Entity extends { id: string; readAt: Date }>(
  tx: Transaction,
  table: EntitySchema<Entity>,
  id: string,
): Promise<RowOf<EntitySchema<Entity>> | null> {
  const row = await tx.em.findOne(table, { id } as FilterQuery<Entity>, {
    lockMode: LockMode.PESSIMISTIC_WRITE,
    disableIdentityMap: true,
  });
  if (row === null) return null;
  return { ...row, readAt: await readClock(tx) } as unknown as RowOf<EntitySchema<Entity>>;
}

const LOCK_IDS =
  'select pg_advisory_xact_lock(hashtextextended(id, 0)) from unnest($1::text[]) as ids(id)';

/**
 * Locks ids that may have no row yet, until the transaction ends, in the order of the ids. Every
 * change of an order or of its payment events takes this lock first: two transactions that cannot see each
 * other's uncommitted row then cannot both commit. Sent at once.
 */
export async function lockIds(tx: Transaction, ids: readonly string[]): Promise<void> {
  await tx.rows(LOCK_IDS, [ids.toSorted()]);
}
