import { randomUUID } from 'node:crypto';
import { tables } from '../../mikro-orm.config.ts';
import { connectDatabase } from '../../src/platform/database.ts';
import { silentLog } from '../../src/platform/log.ts';
import { migrate, pendingMigrations } from '../../src/platform/migrate.ts';
import { openSession } from '../support/shop.ts';
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
