import type { MikroORM } from '@mikro-orm/postgresql';
import '@mikro-orm/migrations';
import { clientConfig, DatabaseClient } from './connection.ts';
import type { Database } from './database.ts';
import { transact } from './transaction.ts';

/** Any number will do as long as every server uses the same: "flash" in ASCII. */
const START_LOCK = 0x666c617368;

/**
 * Runs `work` while no other server prepares the same database. The ORM's migrator takes no lock of
 * its own, and of several servers starting on an empty database all but one would fail. The lock
 * lives on a session of its own, so it is gone when this process is.
 */
export async function whileAlone<T>({ connection }: Database, work: () => Promise<T>): Promise<T> {
  const session = new DatabaseClient(
    clientConfig(connection, { applicationName: 'flash-sale migrations' }),
  );
  await session.connect();
  try {
    await session.query('select pg_advisory_lock($1)', [START_LOCK]);
    return await work();
  } finally {
    await session.end();
  }
}

/** Longest statement of a migration, in milliseconds: an index on a full table takes its time. */
const MIGRATION_MS_MAX = 3_600_000;

/**
 * Runs pending migrations, all or none, while alone; gives their names. A table that is in use is
 * waited for no longer than any lock, for whoever comes later waits behind it.
 *
 * @throws BusyFault when a lock was not had; nothing was done
 */
export function migrate(database: Database): Promise<string[]> {
  return transact(database, async (tx) => {
    await tx.allow(MIGRATION_MS_MAX);
    const transaction = tx.em.getTransactionContext()!;
    const done = await database.orm.migrator.up({ transaction });
    return done.map(({ name }) => name);
  });
}

/** The names of migrations that this build has and the database has not. */
export async function pendingMigrations(orm: MikroORM): Promise<string[]> {
  const pending = await orm.migrator.getPending();
  return pending.map(({ name }) => name);
}
