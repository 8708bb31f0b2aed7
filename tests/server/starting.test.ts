import { randomUUID } from 'node:crypto';
import { startTestServer, type TestServerSettings } from '../support/server.ts';
import { createTestDatabase, openSession, type TestDatabase } from '../support/shop.ts';
import { admin, withDatabase } from '../support/test-postgres.ts';

const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** A production server with a valid configuration and the changes of a test. */
const production = (settings: TestServerSettings): TestServerSettings => ({
  NODE_ENV: 'production',
  HOST: '127.0.0.1',
  PAYMENT_WEBHOOK_SECRETS: WEBHOOK_SECRET,
  ...settings,
});

/** Its complaints line by line if it does not start; empty if it starts. */
async function complaintsOf(settings: TestServerSettings): Promise<string[]> {
  try {
    await using _server = await startTestServer(production(settings));
    return [];
  } catch (error) {
    return (error as Error).message.split('\n');
  }
}

let database: TestDatabase;
/** Those of the three settings that are off on the Postgres of this test run. */
let lossy: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  await using session = await openSession(database.url);
  await session.query(
    `do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$`,
  );
  await using after = await openSession(database.url);
  const { rows } = await after.query<{ name: string }>(
    `select name from pg_settings where setting = 'off'
      and name in ('fsync', 'full_page_writes', 'synchronous_commit') order by name`,
  );
  lossy = rows.map(({ name }) => name);
});

afterAll(() => database.drop());

const namesIn = (complaints: readonly string[]) =>
  complaints.map((line) => line.split(' ')[0]!).toSorted();

test('production does not start on a database that can lose committed data', async () => {
  const complaints = await complaintsOf({ DATABASE_URL: database.url });

  expect(lossy).toContain('synchronous_commit');
  expect(namesIn(complaints)).toEqual(lossy);
  for (const line of complaints)
    expect(line).toMatch(/is off in the database.*ALLOW_DATA_LOSS=true\.$/);
});

test('with ALLOW_DATA_LOSS=true it starts, and development does not check', async () => {
  const allowed = { DATABASE_URL: database.url, ALLOW_DATA_LOSS: 'true' };
  const development = { DATABASE_URL: database.url, NODE_ENV: 'development', SERVERS: '1000' };

  expect(await complaintsOf(allowed)).toEqual([]);
  expect(await complaintsOf(development)).toEqual([]);
});

test('production does not start with more connections than the database has', async () => {
  await using session = await openSession(database.url);
  const { rows } = await session.query<{ max: number }>(
    `select current_setting('max_connections')::int as max`,
  );
  const { max } = rows[0]!;
  const allowed = { DATABASE_URL: database.url, ALLOW_DATA_LOSS: 'true' };

  const fitting = await complaintsOf({ ...allowed, DATABASE_POOL_MAX: '2', SERVERS: `${max / 2}` });
  const beyond = await complaintsOf({
    ...allowed,
    DATABASE_POOL_MAX: '2',
    SERVERS: `${max / 2 + 1}`,
  });

  expect(fitting).toEqual([]);
  expect(beyond).toEqual([
    `DATABASE_POOL_MAX × WORKERS × SERVERS = 2 × 1 × ${max / 2 + 1} is more than the database’s max_connections, ${max}.`,
  ]);
});

test('all problems of a database are reported at once, without secrets', async () => {
  const postgres = process.env['TEST_POSTGRES_URL']!;
  const name = `flash_sale_starting_${randomUUID().replaceAll('-', '')}`;
  await admin(postgres, `create database ${name}`);
  await admin(postgres, `alter database ${name} set synchronous_commit = off`);

  const complaints = await complaintsOf({
    DATABASE_URL: withDatabase(postgres, name),
    SERVERS: '1000',
  });
  await admin(postgres, `drop database ${name} with (force)`);

  expect(namesIn(complaints.map((line) => line.replace(/^(All|\d+) /, '')))).toEqual(
    [...lossy, 'DATABASE_POOL_MAX', 'migrations'].toSorted(),
  );
  const said = complaints.join('\n');
  for (const secret of [WEBHOOK_SECRET, new URL(postgres).password || 'no password'])
    expect(said).not.toContain(secret);
});

test.each([
  ['does not exist', (url: URL) => void (url.pathname = '/no_such_database'), /no_such_database/],
  ['does not answer', (url: URL) => void (url.port = '1'), /ECONNREFUSED/],
])('a database that %s is reported in one line', async (_what, change, said) => {
  const url = new URL(process.env['TEST_POSTGRES_URL']!);
  change(url);

  const complaints = await complaintsOf({ DATABASE_URL: url.toString() });

  expect(complaints).toEqual([expect.stringMatching(/^DATABASE_URL cannot be used: .*\.$/)]);
  expect(complaints[0]).toMatch(said);
  if (url.password !== '') expect(complaints[0]).not.toContain(url.password);
});
