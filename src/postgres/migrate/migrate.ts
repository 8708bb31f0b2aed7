import type { MikroORM } from '@mikro-orm/postgresql';
import '@mikro-orm/migrations';
import type pg from 'pg';
import { clientConfig, DatabaseClient } from '../url/connection.ts';
import type { Database } from '../database.ts';
import { UnavailableFault } from '../../lib/faults.ts';
import { transact } from '../transaction.ts';

/** Any number will do as long as every server uses the same: "flash" in ASCII. */
const START_LOCK = 0x666c617368;

/** How long a migration waits for another one before it names the other session, in milliseconds. */
const QUIET_MS = 5000;

/** SQLSTATE lock_not_available: the lock was not available within lock_timeout. */
const LOCK_NOT_AVAILABLE = '55P03';

/** A role or URL may limit statements to less than the wait for another migration. */
const lockSessionOptions = (quietMs: number): string =>
  `-c statement_timeout=0 -c lock_timeout=${quietMs}`;

/** The session is idle while the migration runs. A version without one of these settings ignores it. */
const NEVER_IDLE_TOO_LONG = `
  select set_config(name, '0', false) from pg_settings
  where name in ('idle_session_timeout', 'transaction_timeout')`;

/** Longest wait for the answer that shows the lock is still held, in milliseconds. */
const HELD_ANSWER_MS_MAX = 3000;

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

/** The session with the migration lock ended while the database was being prepared. */
class StartupLockLost extends UnavailableFault {
  constructor(reason: string) {
    super(`The session with the migration lock was lost: ${reason}. Start again.`);
    this.name = 'StartupLockLost';
  }
}

/** The lock that keeps other servers from preparing the same database. */
export interface StartupLock {
  /** @throws StartupLockLost where the session that holds it is gone */
  requireHeld(): Promise<void>;
}

/**
 * Runs `work` while no other server prepares the same database. The ORM's migrator takes no lock of
 * its own, and of several servers starting on an empty database all but one would fail. The lock
 * lives on a session of its own, so it is gone when this process is.
 *
 * @param onWait called with one sentence when another session has had the lock for `quietMs`, and
 *   again whenever it is another one
 * @throws StartupLockLost where the session ended before `work` was done
 */
export async function withStartupLock<T>(
  { connection }: Database,
  onWait: (message: string) => void,
  work: (lock: StartupLock) => Promise<T>,
  quietMs = QUIET_MS,
): Promise<T> {
  const session = new DatabaseClient(
    clientConfig(connection, {
      applicationName: 'flash-sale migrations',
      options: lockSessionOptions(quietMs),
    }),
  );
  const lock = heldBy(session);
  await session.connect();
  try {
    await session.query(NEVER_IDLE_TOO_LONG);
    await lockStart(session, onWait);
    const result = await work(lock);
    await lock.requireHeld();
    return result;
  } finally {
    await session.end();
  }
}

function heldBy(session: DatabaseClient): StartupLock {
  let loss: Error | undefined;
  // The first error is Postgres' reason; without a listener it would end the process.
  session.on('error', (error) => (loss ??= error));
  return {
    async requireHeld() {
      try {
        await session.query({
          text: 'select',
          query_timeout: HELD_ANSWER_MS_MAX,
        } as pg.QueryConfig);
      } catch (error) {
        const [reason] = (loss ?? (error as Error)).message.split('\n');
        throw new StartupLockLost(reason!);
      }
    },
  };
}

async function lockStart(
  session: DatabaseClient,
  onWait: (message: string) => void,
): Promise<void> {
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

/** A role may limit the length of transactions, from PostgreSQL 17 on. */
const ANY_LENGTH = `
  select set_config(name, '0', true) from pg_settings where name = 'transaction_timeout'`;

/**
 * Runs pending migrations, all or none, while alone; gives their names. A table that is in use is
 * waited for no longer than any lock, for later statements wait behind it.
 *
 * @param lock required to be held still when the migrations are committed
 * @throws BusyFault when a table was locked for too long; nothing was done
 * @throws StartupLockLost when the lock was lost; nothing was done
 */
export function migrate(database: Database, lock?: StartupLock): Promise<string[]> {
  return transact(database, async (tx) => {
    await tx.allow(MIGRATION_MS_MAX);
    await tx.rows(ANY_LENGTH, []);
    const transaction = tx.em.getTransactionContext()!;
    const done = await database.orm.migrator.up({ transaction });
    // Without the lock another server may have begun the same migrations: these are rolled back.
    await lock?.requireHeld();
    return done.map(({ name }) => name);
  });
}

/** The names of migrations that this build has and the database has not. */
export async function pendingMigrations(orm: MikroORM): Promise<string[]> {
  const pending = await orm.migrator.getPending();
  return pending.map(({ name }) => name);
}
