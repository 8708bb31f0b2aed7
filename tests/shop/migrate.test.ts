import { randomUUID } from 'node:crypto';
import { tables } from '../../mikro-orm.config.ts';
import { connectDatabase, type Database } from '../../src/postgres/database.ts';
import { silentLog } from '../../src/lib/log.ts';
import { migrate, pendingMigrations, withStartupLock } from '../../src/postgres/migrate/migrate.ts';
import { createTestDatabase, openSession, openTestShop, until } from '../support/shop.ts';
import { admin, connectionTo, withDatabase } from '../support/test-postgres.ts';

/** Longer than the statement timeout of the role in a test. */
const QUIET_MS = 500;

/** The first trigger takes as long to make as an index on a table of millions. */
const SLOW_AT_FIRST = `
  create sequence changes;
  create function take_long() returns event_trigger language plpgsql as $$
    begin if nextval('changes') = 1 then perform pg_sleep(3.2); end if; end $$;
  create event trigger slow_at_first on ddl_command_start
    when tag in ('CREATE TRIGGER') execute function take_long();`;

test('a migration may take longer than the statement timeout', async () => {
  const server = process.env['TEST_POSTGRES_URL']!;
  const name = `flash_sale_bare_${randomUUID().replaceAll('-', '')}`;
  await admin(server, `create database ${name}`);
  const url = withDatabase(server, name);
  {
    await using session = await openSession(url);
    await session.query(SLOW_AT_FIRST);
  }
  const database = await connectDatabase(tables, {
    connection: connectionTo(url),
    poolMax: 2,
    log: silentLog,
  });

  const pending = await pendingMigrations(database.orm);
  const applied = await migrate(database);
  const again = await migrate(database);

  expect(applied.length).toBeGreaterThan(0);
  expect([applied, again]).toEqual([pending, []]);
  await database.close();
  await admin(server, `drop database ${name} with (force)`);
}, 20_000);

test('a migration that waits long for another reports which session has the lock', async () => {
  const database = await createTestDatabase();
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const said: string[] = [];
  const hasLock = Promise.withResolvers<void>();

  const shop = await openTestShop(database.url);
  const ahead = withStartupLock(
    shop.database,
    () => {},
    async () => {
      hasLock.resolve();
      await first.promise;
      order.push('first');
    },
  );
  await hasLock.promise;
  const behind = withStartupLock(
    shop.database,
    (message) => said.push(message),
    async () => void order.push('second'),
    QUIET_MS,
  );
  await until('the message', () => said.length > 0);
  const pid = await holderOf(database.url);
  first.resolve();
  await Promise.all([ahead, behind]);

  expect(said).toEqual([
    `Waiting for another migration: session ${pid} (flash-sale migrations, from 127.0.0.1) has the lock.`,
  ]);
  expect(order).toEqual(['first', 'second']);
  await shop[Symbol.asyncDispose]();
  await database.drop();
}, 20_000);

/** Runs `work` with a database whose sessions have these settings by their role. */
async function withRoleSettings(
  settings: readonly string[],
  work: (database: Database, url: string) => Promise<void>,
): Promise<void> {
  const database = await createTestDatabase();
  const role = `migrator_${randomUUID().slice(0, 8)}`;
  await admin(database.url, `create role ${role} superuser login password 'migrator'`);
  for (const setting of settings) await admin(database.url, `alter role ${role} set ${setting}`);
  const url = new URL(database.url);
  [url.username, url.password] = [role, 'migrator'];
  const shop = await openTestShop(url.toString());
  try {
    await work(shop.database, database.url);
  } finally {
    await shop[Symbol.asyncDispose]();
    await database.drop();
    await admin(process.env['TEST_POSTGRES_URL']!, `drop role ${role}`);
  }
}

test('a role’s short statement timeout does not end the wait for another migration', async () => {
  await withRoleSettings(['statement_timeout = 300'], async (database, url) => {
    await using ahead = await openSession(url);
    await ahead.query('select pg_advisory_lock($1)', [0x666c617368]);
    const said: string[] = [];

    const behind = withStartupLock(
      database,
      (message) => said.push(message),
      async () => 'done',
      QUIET_MS,
    );
    const ended = behind.catch((error: Error) => error);
    await until('the message', () => said.length > 0);
    await ahead.query('select pg_advisory_unlock_all()');

    expect(await ended).toBe('done');
  });
}, 20_000);

test('a role’s limits on idle sessions and long transactions do not end the session with the lock', async () => {
  const limits = ['idle_session_timeout = 100', 'transaction_timeout = 200'];
  await withRoleSettings(limits, async (database, url) => {
    const work = withStartupLock(
      database,
      () => {},
      async () => {
        await using clock = await openSession(url);
        await clock.query('select pg_sleep(0.5)');
        return holderOf(url);
      },
    );

    expect(await work).toBeGreaterThan(0);
  });
}, 20_000);

test('a role’s limit on transactions does not end a migration', async () => {
  await withRoleSettings(['transaction_timeout = 1500'], async (database, url) => {
    await admin(url, 'drop schema public cascade; create schema public');
    await admin(url, SLOW_AT_FIRST);

    expect(await migrate(database)).not.toEqual([]);
  });
}, 20_000);

test('a migration that loses its lock is rolled back, and the error states it', async () => {
  const database = await createTestDatabase();
  const shop = await openTestShop(database.url);
  await admin(database.url, 'drop schema public cascade; create schema public');

  const migration = withStartupLock(
    shop.database,
    () => {},
    async (lock) => {
      const pid = await holderOf(database.url);
      await admin(database.url, `select pg_terminate_backend(${pid}, 5000)`);
      return migrate(shop.database, lock);
    },
  );
  const error = await migration.catch((reason: Error) => reason);
  const pending = await pendingMigrations(shop.database.orm);

  expect(error).toMatchObject({
    name: 'StartupLockLost',
    message: expect.stringMatching(
      /^The session with the migration lock was lost: terminating connection .*\. Start again\.$/,
    ),
  });
  expect(pending).toContain('Migration20261123000000_initial');
  await shop[Symbol.asyncDispose]();
  await database.drop();
}, 20_000);

test('work without a transaction fails too when the lock is lost', async () => {
  const database = await createTestDatabase();
  const shop = await openTestShop(database.url);

  const work = withStartupLock(
    shop.database,
    () => {},
    async () => {
      const pid = await holderOf(database.url);
      await admin(database.url, `select pg_terminate_backend(${pid}, 5000)`);
    },
  );

  await expect(work).rejects.toThrow('The session with the migration lock was lost');
  await shop[Symbol.asyncDispose]();
  await database.drop();
}, 20_000);

/** The session that has the lock of migrations. */
async function holderOf(url: string): Promise<number> {
  await using session = await openSession(url);
  const { rows } = await session.query<{ pid: number }>(
    `select pid from pg_locks where locktype = 'advisory' and granted
       and database = (select oid from pg_database where datname = current_database())`,
  );
  return rows[0]!.pid;
}
