import { LockMode, type EntitySchema, type FilterQuery } from '@mikro-orm/core';
import { readClock } from './clock.ts';
import type { RowOf } from './row.ts';
import type { Transaction } from './transaction.ts';

/**
 * Takes the pessimistic lock on one row until the transaction ends and gives the row as it stands
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

/**
 * Takes the lock on an id that may have no row yet, until the transaction ends. Whatever touches an
 * order or its payment events takes it first, so that two who would miss each other's uncommitted
 * row cannot both commit.
 */
export async function lockId(tx: Transaction, id: string): Promise<void> {
  await tx.rows('select pg_advisory_xact_lock(hashtextextended($1, 0))', [id]);
}
