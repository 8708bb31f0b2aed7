import { randomUUID } from 'node:crypto';
import { tables } from '../../mikro-orm.config.ts';
import { connectDatabase } from '../../src/postgres/database.ts';
import { silentLog } from '../../src/lib/log.ts';
import { migrate, pendingMigrations, withStartupLock } from '../../src/postgres/migrate.ts';
import { createTestDatabase, openSession, openTestShop, until } from '../support/shop.ts';
import { admin, connectionTo, withDatabase } from '../support/test-postgres.ts';

/** The first trigger takes as long to make as an index on a table of millions. */
const SLOW_AT_FIRST = `
  create sequence changes;
  create function take_long() returns event_trigger language plpgsql as $$
    begin if nextval('changes') = 1 then perform pg_sleep(3.2); end if; end $$;
  create event trigger slow_at_first on ddl_command_start
    when tag in ('CREATE TRIGGER') execute function take_long();`;

test('a migration may take longer than any statement of a sale', async () => {
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

test('who waits for another migration is told after five seconds which session has the lock', async () => {
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

/** The session that has the lock of migrations. */
async function holderOf(url: string): Promise<number> {
  await using session = await openSession(url);
  const { rows } = await session.query<{ pid: number }>(
    `select pid from pg_locks where locktype = 'advisory' and granted
       and database = (select oid from pg_database where datname = current_database())`,
  );
  return rows[0]!.pid;
}
