import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ask, CREATE_HOLD } from '../support/graphql-client.ts';
import { ROOT } from '../support/project.ts';
import { buildServer, builtProgram } from '../support/server-process.ts';
import { startTestServer } from '../support/server.ts';
import { makeProduct, openSession, until } from '../support/shop.ts';
import { startTlsPostgres, type TlsPostgres } from '../support/tls-postgres.ts';

let postgres: TlsPostgres;

beforeAll(async () => {
  postgres = await startTlsPostgres();
  // A reload takes effect a moment later: until then clear text is taken.
  await until('clear text to be refused', () =>
    openSession(postgres.url({ sslmode: 'disable' })).then(
      async (session) => {
        await session.end();
        return false;
      },
      () => true,
    ),
  );
}, 120_000);

afterAll(() => postgres[Symbol.asyncDispose]());

/** The reason why a server does not start on this URL; empty if it starts. */
async function complaintsOf(url: string): Promise<string[]> {
  try {
    await using _server = await startTestServer({ DATABASE_URL: url });
    return [];
  } catch (error) {
    return (error as Error).message.split('\n');
  }
}

test('a server migrates, sells and listens over TLS with its own application name', async () => {
  const named = { ...postgres.verified, application_name: 'till 4' };
  await using server = await startTestServer({ DATABASE_URL: postgres.url(named) });
  await using session = await openSession(postgres.url(postgres.verified));
  const productId = await makeProduct(server.shop);

  const held = await ask(server.url, CREATE_HOLD, { input: { productId: String(productId) } });
  const { rows } = await session.query<{ name: string; ssl: boolean; listens: boolean }>(
    `select application_name as name, ssl, query like '%pg_notify%' or query like 'listen%' as listens
      from pg_stat_activity join pg_stat_ssl using (pid)
      where backend_type = 'client backend' and pid <> pg_backend_pid()`,
  );

  expect(held.token).toEqual(expect.any(String));
  expect(rows.length).toBeGreaterThanOrEqual(3);
  expect(rows).toContainEqual({ name: 'till 4', ssl: true, listens: true });
  expect(rows).toContainEqual({ name: 'till 4', ssl: true, listens: false });
  expect(rows.filter(({ name, ssl }) => name !== 'till 4' || !ssl)).toEqual([]);
});

test.each(['prefer', 'require', 'verify-ca', 'verify-full'])(
  'sslmode=%s connects, but not to a server of another authority',
  async (sslmode) => {
    const { verified, strangerCert: sslrootcert } = postgres;

    expect(await complaintsOf(postgres.url({ ...verified, sslmode }))).toEqual([]);
    expect(await complaintsOf(postgres.url({ sslmode, sslrootcert }))).toEqual([
      expect.stringMatching(/^DATABASE_URL cannot be used: .*(certificate|self-signed).*\.$/),
    ]);
  },
);

test('sslmode=verify-full compares the name, also of an address', async () => {
  const { verified } = postgres;

  expect(await complaintsOf(postgres.url(verified, '127.0.0.1'))).toEqual([
    expect.stringMatching(/^DATABASE_URL cannot be used: .*127\.0\.0\.1.*\.$/),
  ]);
  expect(
    await complaintsOf(postgres.url({ ...verified, sslmode: 'no-verify' }, '127.0.0.1')),
  ).toEqual([]);
});

test('NODE_TLS_REJECT_UNAUTHORIZED=0 does not disable verification', async () => {
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  try {
    const { strangerCert: sslrootcert } = postgres;
    const complaints = await complaintsOf(postgres.url({ sslmode: 'verify-full', sslrootcert }));

    expect(complaints).toEqual([expect.stringMatching(/certificate|self-signed/)]);
  } finally {
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  }
});

test('unencrypted connections are refused by the server, and TLS by one without it, in one line', async () => {
  const plain = new URL(process.env['TEST_POSTGRES_URL']!);
  plain.searchParams.set('sslmode', 'verify-full');

  expect(await complaintsOf(postgres.url({ sslmode: 'disable' }))).toEqual([
    expect.stringMatching(/^DATABASE_URL cannot be used: no pg_hba\.conf entry .*no encryption\.$/),
  ]);
  expect(await complaintsOf(plain.toString())).toEqual([
    expect.stringMatching(/^DATABASE_URL cannot be used: .*\.$/),
  ]);
});

test('a role that needs a client certificate uses it', async () => {
  const asTill = (parameters: Readonly<Record<string, string>>) => {
    const url = new URL(postgres.url(parameters));
    [url.username, url.password] = ['till', 'till'];
    return url.toString();
  };
  const { verified, client } = postgres;

  expect(await complaintsOf(asTill(verified))).toEqual([expect.stringMatching(/certificate/)]);
  expect(await complaintsOf(asTill({ ...verified, ...client }))).toEqual([]);
});

test('the command line of the ORM connects as the server does', async () => {
  const { PATH } = process.env;
  const bin = join(ROOT, 'node_modules/@mikro-orm/cli/cli.js');
  const debug = (DATABASE_URL: string) =>
    promisify(execFile)(process.execPath, [bin, 'debug'], {
      cwd: ROOT,
      env: { PATH, MIKRO_ORM_CLI_CONFIG: './mikro-orm.config.ts', DATABASE_URL },
    });

  const verified = await debug(postgres.url(postgres.verified));
  const plain = await debug(postgres.url({ sslmode: 'disable' }));

  expect(verified.stdout).toContain('database connection successful');
  expect(plain.stdout).toContain('database connection failed');
}, 60_000);

test('cli status shows the version of TLS and the application name', async () => {
  const DATABASE_URL = postgres.url({ ...postgres.verified, application_name: 'till 4' });
  buildServer();
  const { path, env } = builtProgram('cli', { DATABASE_URL, DATA_DIR: tmpdir() });

  const { stdout } = await promisify(execFile)(process.execPath, [path, 'status'], {
    cwd: tmpdir(),
    env,
  });

  expect(stdout).toMatch(/^Connection +TLSv1\.[23], application name till 4$/m);
}, 60_000);
