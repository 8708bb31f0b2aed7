import type { MikroORM } from '@mikro-orm/postgresql';
import '@mikro-orm/migrations';
import pg from 'pg';

/** Any number will do as long as every server uses the same: "flash" in ASCII. */
const START_LOCK = 0x666c617368;

/**
 * Runs `work` while no other server prepares the same database. The ORM's migrator takes no lock of
 * its own, and of several servers starting on an empty database all but one would fail. The lock
 * lives on a session of its own, so it is gone when this process is.
 */
export async function whileAlone<T>(url: string, work: () => Promise<T>): Promise<T> {
  const session = new pg.Client({ connectionString: url });
  await session.connect();
  try {
    await session.query('select pg_advisory_lock($1)', [START_LOCK]);
    return await work();
  } finally {
    await session.end();
  }
}

/** Runs pending migrations, while alone; gives their names. */
export async function migrate(orm: MikroORM): Promise<string[]> {
  const done = await orm.migrator.up();
  return done.map(({ name }) => name);
}

/** The names of migrations that this build has and the database has not. */
export async function pendingMigrations(orm: MikroORM): Promise<string[]> {
  const pending = await orm.migrator.getPending();
  return pending.map(({ name }) => name);
}
