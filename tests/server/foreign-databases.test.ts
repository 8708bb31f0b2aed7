import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { connectDatabase } from '../../src/postgres/database.ts';
import { silentLog } from '../../src/lib/log.ts';
import { NotReadyToStart, requireMigratable } from '../../src/prepare-database.ts';
import { tables } from '../../mikro-orm.config.ts';
import { startTestServer } from '../support/server.ts';
import { createTestDatabase, openSession } from '../support/shop.ts';
import { admin, connectionTo, withDatabase } from '../support/test-postgres.ts';

const POSTGRES = process.env['TEST_POSTGRES_URL']!;
const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const made: string[] = [];

/** An empty database with a name of its own. */
async function makeDatabase(how = '', ...statements: readonly string[]): Promise<string> {
  const name = `flash_sale_foreign_${randomUUID().replaceAll('-', '')}`;
  await admin(POSTGRES, `create database ${name} ${how}`);
  made.push(name);
  const url = withDatabase(POSTGRES, name);
  for (const statement of statements) await admin(url, statement);
  return url;
}

afterAll(async () => {
  for (const name of made) await admin(POSTGRES, `drop database ${name} with (force)`);
});

/** The complaints of a server, and of the command `migrate`, about a database. */
async function complaintsOf(url: string, settings = {}) {
  const saidAtStart = startTestServer({ DATABASE_URL: url, ...settings }).then(
    async (server) => {
      await server.stop();
      return undefined;
    },
    (error: Error) => error.message.split('\n'),
  );
  const database = await connectDatabase(tables, {
    connection: connectionTo(url),
    poolMax: 1,
    log: silentLog,
  });
  try {
    const saidByCommand = await requireMigratable(database).catch((error: Error) => {
      expect(error).toBeInstanceOf(NotReadyToStart);
      return error.message.split('\n');
    });
    return { saidAtStart: await saidAtStart, saidByCommand };
  } finally {
    await database.close();
  }
}

/** Relations in a database that are not the system's. */
async function relationsIn(url: string): Promise<number> {
  await using session = await openSession(url);
  const { rows } = await session.query<{ count: number }>(
    "select count(*)::int from pg_class where relnamespace = (select oid from pg_namespace where nspname = 'public')",
  );
  return rows[0]!.count;
}

test.each([
  [
    'of another encoding',
    "template template0 encoding 'LATIN1' locale_provider libc locale 'C'",
    [],
    /^DATABASE_URL names a database with the encoding LATIN1: .* UTF8\.$/,
  ],
  [
    'without an encoding',
    "template template0 encoding 'SQL_ASCII' locale_provider libc locale 'C'",
    [],
    /the encoding SQL_ASCII: /,
  ],
  [
    'with another application’s tables',
    '',
    ['create table orders (id int)', 'create table holds (id int)', 'create table users (id int)'],
    /another application has holds, orders: /,
  ],
  ['with another application’s view', '', ['create view refunds as select 1'], /has refunds: /],
  ['with another application’s type', '', ["create type orders as enum ('a')"], /has orders: /],
  [
    'with tables beside another application’s migrations',
    '',
    [
      'create table mikro_orm_migrations (id serial primary key, name text, executed_at timestamptz)',
      "insert into mikro_orm_migrations (name) values ('Migration20200101000000_initial')",
      'create table products (id int)',
    ],
    /another application has mikro_orm_migrations, products: /,
  ],
  [
    'with another application’s migrations alone',
    '',
    [
      'create table mikro_orm_migrations (id serial primary key, name text, executed_at timestamptz)',
      "insert into mikro_orm_migrations (name) values ('Migration20200101000000_initial')",
    ],
    /another application has mikro_orm_migrations: /,
  ],
  ['without a schema', '', ['drop schema public'], /without a schema on the search path/],
  [
    'of an older server',
    '',
    [
      // No such server is available here: a function replaces it.
      `create function current_setting(name text) returns text language sql as $$
        select case name when 'server_version_num' then '140012' else pg_catalog.current_setting(name) end $$`,
      `do $$ begin execute format('alter database %I set search_path = public, pg_catalog', current_database()); end $$`,
    ],
    /^DATABASE_URL names an older PostgreSQL; 15 or newer is needed\.$/,
  ],
])(
  'a database %s is refused in one line and does not change',
  async (_what, how, statements, said) => {
    const url = await makeDatabase(how, ...statements);
    const before = await relationsIn(url);

    const { saidAtStart, saidByCommand } = await complaintsOf(url);

    expect(saidAtStart).toEqual([expect.stringMatching(said)]);
    expect(saidByCommand).toEqual(saidAtStart);
    expect(await relationsIn(url)).toBe(before);
  },
);

test('a role without the right to create tables is refused in one line with the missing grant', async () => {
  const url = await makeDatabase();
  const role = `till_${randomUUID().slice(0, 8)}`;
  await admin(POSTGRES, `create role ${role} login password 'till'`);
  await admin(url, 'revoke create on schema public from public');
  const asRole = new URL(url);
  [asRole.username, asRole.password] = [role, 'till'];
  try {
    const { saidAtStart, saidByCommand } = await complaintsOf(asRole.toString());

    expect(saidAtStart).toEqual([
      `DATABASE_URL names a role that may not create tables: grant create on schema public to ${role}.`,
    ]);
    expect(saidByCommand).toEqual(saidAtStart);
  } finally {
    await admin(POSTGRES, `drop role ${role}`);
  }
});

/** Runs `work` with the URL of a role of its own, and the role's name. */
async function withRole(
  url: string,
  options: string,
  work: (url: string, role: string) => Promise<void>,
): Promise<void> {
  const role = `till_${randomUUID().slice(0, 8)}`;
  await admin(POSTGRES, `create role ${role} login password 'till' ${options}`);
  const asRole = new URL(url);
  [asRole.username, asRole.password] = [role, 'till'];
  try {
    await work(asRole.toString(), role);
  } finally {
    await admin(url, `drop owned by ${role}`);
    await admin(POSTGRES, `drop role ${role}`);
  }
}

/** The error of a server that does not start on a database. */
const errorAtStart = (url: string, settings = {}): Promise<Error | undefined> =>
  startTestServer({ DATABASE_URL: url, ...settings }).then(
    async (server) => {
      await server.stop();
      return undefined;
    },
    (error: Error) => error,
  );

test('a role limited to one session is refused in one line', async () => {
  const url = await makeDatabase();
  await withRole(url, 'connection limit 1', async (asRole, role) => {
    await admin(url, `grant create on schema public to ${role}`);

    const error = await errorAtStart(asRole);

    expect(error).toBeInstanceOf(NotReadyToStart);
    expect(error!.message).toBe(
      `The database cannot be prepared: too many connections for role "${role}" (53300).`,
    );
  });
});

test.each([
  [
    'the migrations',
    '',
    /^DATABASE_URL names a role that may not read mikro_orm_migrations: grant select on it to till_\w+\.$/,
  ],
  [
    'the products',
    'grant select on mikro_orm_migrations to',
    /^The database cannot be prepared: .*permission denied for table products \(42501\)\.$/,
  ],
])('a role without the right to read %s is refused in one line', async (_what, grant, said) => {
  const database = await createTestDatabase();
  await withRole(database.url, '', async (asRole, role) => {
    if (grant !== '') await admin(database.url, `${grant} ${role}`);

    const error = await errorAtStart(asRole, { SEED_DEMO: 'true' });

    expect(error).toBeInstanceOf(NotReadyToStart);
    expect(error!.message.split('\n')).toEqual([expect.stringMatching(said)]);
  });
  await database.drop();
});

/** A server that refuses each session as PostgreSQL 11 does. */
async function startOldPostgres(): Promise<{ readonly url: string; close(): void }> {
  const fields = [
    'SFATAL',
    'VFATAL',
    'C42704',
    'Munrecognized configuration parameter "plan_cache_mode"',
  ];
  const body = Buffer.from(`${fields.join('\0')}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(body.length + 4, 1);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.concat([head, body])));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `postgres://u:p@127.0.0.1:${port}/shop`, close: () => void server.close() };
}

test('a server without the options of a session is refused as an older PostgreSQL', async () => {
  const old = await startOldPostgres();

  const error = await errorAtStart(old.url);
  const database = await connectDatabase(tables, {
    connection: connectionTo(old.url),
    poolMax: 1,
    log: silentLog,
  });
  const saidByCommand = await requireMigratable(database).catch((reason: Error) => reason.message);
  await database.close();
  old.close();

  expect(error).toBeInstanceOf(NotReadyToStart);
  expect(error!.message).toBe(
    'DATABASE_URL cannot be used: this PostgreSQL is older; 15 or newer is needed.',
  );
  expect(saidByCommand).toBe(error!.message);
});

test('production reports tables of another application and the pending migrations', async () => {
  const url = await makeDatabase('', 'create table orders (id int)');

  const { saidAtStart } = await complaintsOf(url, {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PAYMENT_WEBHOOK_SECRETS: WEBHOOK_SECRET,
    ALLOW_DATA_LOSS: 'true',
  });

  expect(saidAtStart).toEqual([
    expect.stringMatching(/another application has orders: /),
    'All migrations are pending: run npm run cli -- migrate first.',
  ]);
  expect(await relationsIn(url)).toBe(1);
});

test('an empty table of migrations is no other application’s', async () => {
  const url = await makeDatabase(
    '',
    'create table mikro_orm_migrations (id serial primary key, name text, executed_at timestamptz)',
  );

  const { saidAtStart, saidByCommand } = await complaintsOf(url);

  expect([saidAtStart, saidByCommand]).toEqual([undefined, undefined]);
});

test('a migrated database is accepted', async () => {
  const database = await createTestDatabase();

  const { saidAtStart, saidByCommand } = await complaintsOf(database.url);
  await database.drop();

  expect([saidAtStart, saidByCommand]).toEqual([undefined, undefined]);
});
