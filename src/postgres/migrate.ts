import type { MikroORM } from '@mikro-orm/postgresql';
import '@mikro-orm/migrations';
import { clientConfig, DatabaseClient } from './connection.ts';
import type { Database } from './database.ts';
import { transact } from './transaction.ts';

/** Any number will do as long as every server uses the same: "flash" in ASCII. */
const START_LOCK = 0x666c617368;

/** How long another migration is waited for before its session is named, in milliseconds. */
const QUIET_MS = 5000;

/** SQLSTATE lock_not_available: the lock was not had within lock_timeout. */
const LOCK_NOT_AVAILABLE = '55P03';

/** The session that has the lock; its upper and lower half are two columns. */
const HOLDER = `
  select a.pid, coalesce(nullif(a.application_name, ''), 'unnamed') as name,
    coalesce(host(a.client_addr), 'a local socket') as address
  from pg_locks l join pg_stat_activity a using (pid)
  where l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and l.database = (select oid from pg_database where datname = current_database())
    and l.classid = ($1::bigint >> 32)::oid and l.objid = ($1::bigint & 4294967295)::oid`;

interface Holder {
  readonly pid: number;
  readonly name: string;
  readonly address: string;
}

/**
 * Runs `work` while no other server prepares the same database. The ORM's migrator takes no lock of
 * its own, and of several servers starting on an empty database all but one would fail. The lock
 * lives on a session of its own, so it is gone when this process is.
 *
 * @param onWait called with one sentence when another session has had the lock for five seconds, and
 *   again whenever it is another one
 */
export async function withStartupLock<T>(
  { connection }: Database,
  onWait: (message: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const session = new DatabaseClient(
    clientConfig(connection, { applicationName: 'flash-sale migrations' }),
  );
  // A lost session fails the next statement; without a listener it would end the process.
  session.on('error', () => {});
  await session.connect();
  try {
    await lockStart(session, onWait);
    return await work();
  } finally {
    await session.end();
  }
}

async function lockStart(
  session: DatabaseClient,
  onWait: (message: string) => void,
): Promise<void> {
  await session.query(`set lock_timeout = ${QUIET_MS}`);
  let named: number | undefined;
  for (;;) {
    try {
      await session.query('select pg_advisory_lock($1)', [START_LOCK]);
      return;
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== LOCK_NOT_AVAILABLE) throw error;
    }
    const { rows } = await session.query<Holder>(HOLDER, [START_LOCK]);
    const [holder] = rows;
    if (holder === undefined || holder.pid === named) continue;
    named = holder.pid;
    onWait(
      `Waiting for another migration: session ${holder.pid} (${holder.name}, from ${holder.address}) has the lock.`,
    );
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
