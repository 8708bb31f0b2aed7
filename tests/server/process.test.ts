import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ask, CREATE_HOLD, HOLD_QUERY, PRODUCT_QUERY, send } from '../support/graphql-client.ts';
import {
  auditAt,
  buildServer,
  complainedOf,
  freePort,
  makeDemoData,
  makeProductAt,
  ServerProcesses,
  statusOf,
  worksIn,
  type Running,
} from '../support/server-process.ts';
import { ROOT, textOf } from '../support/project.ts';
import { admin, withDatabase } from '../support/test-postgres.ts';
import { openSession, until } from '../support/shop.ts';
import { openSilentSocket, openRawSocket } from '../support/socket-client.ts';

const WAIT_MS = 90_000;

const { version: VERSION } = JSON.parse(textOf('package.json')) as { readonly version: string };

let demo: ServerProcesses;
let servers: ServerProcesses;
const start = (settings?: Record<string, string>, filesMax?: number): Running =>
  servers.start(settings, filesMax);

/** Starts a server whose embedded database exists, with the demo sale. */
const startDemo = (settings?: Record<string, string>, filesMax?: number): Running => {
  servers.copyDataOf(demo);
  return start(settings, filesMax);
};

beforeAll(async () => {
  buildServer();
  demo = await makeDemoData();
}, WAIT_MS);

afterAll(() => demo.clear(), WAIT_MS);

beforeEach(() => {
  servers = new ServerProcesses();
});

afterEach(() => servers.clear(), WAIT_MS);

/** Buyers who request holds until the server has exited; returns the tokens of their holds. */
function buyersOf(
  url: string,
  productId: string,
): { readonly tokens: string[]; stop(): Promise<void> } {
  const tokens: string[] = [];
  let stopped = false;
  const buyer = async (): Promise<void> => {
    while (!stopped) {
      try {
        const { data } = await send(url, CREATE_HOLD, { input: { productId } });
        if (data?.createHold?.token) tokens.push(data.createHold.token);
      } catch {
        // Reset or refused: unknown, and no promise was made.
        return;
      }
    }
  };
  const buyers = Array.from({ length: 20 }, buyer);
  return {
    tokens,
    async stop() {
      stopped = true;
      await Promise.all(buyers);
    },
  };
}

test(
  'without settings it starts with its own database and the demo sale',
  async () => {
    const server = start({ ADMIN_TOKEN: '' });
    const url = await server.ready();

    const shown = await Promise.all(['1', '2', '3'].map((id) => ask(url, PRODUCT_QUERY, { id })));
    const page = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } });
    const html = await page.text();

    expect(shown).toMatchObject([
      {
        name: 'Flash Sale Widget',
        price: { amount: '29.99', currency: 'USD' },
        totalStock: 100,
        saleStatus: 'LIVE',
        maxPerHold: 10,
        maxPerCustomer: null,
      },
      {
        name: 'Midnight Sneaker',
        price: { amount: '149.00', currency: 'EUR' },
        totalStock: 25,
        saleStatus: 'LIVE',
        maxPerCustomer: 2,
      },
      {
        name: "Tomorrow's Console",
        price: { amount: '49900', currency: 'JPY' },
        totalStock: 500,
        saleStatus: 'UPCOMING',
      },
    ]);
    const opensIn = Date.parse(shown[2].saleStartsAt) - Date.parse(shown[2].createdAt);
    expect(Math.abs(opensIn - 86_400_000)).toBeLessThan(10_000);
    expect(await statusOf(`${url}/healthz`)).toBe(200);
    expect(await statusOf(`${url}/readyz`)).toBe(200);
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    expect(html).toMatch(/graphiql/i);
    expect(html).not.toMatch(/(src|href)="?https?:/);
    // The ready line is the last of the start; the token is shown beside the log, never in it.
    expect(server.out().trim().split('\n').at(-1)).toMatch(/"msg":"Ready\./);
    const token = /Admin token, shown this once: (\S+)/.exec(server.err())![1]!;
    expect(server.out()).not.toContain(token);

    server.child.kill('SIGTERM');
    expect(await server.exited).toBe(0);
    expect(servers.others()).toEqual([]);
    const again = start({ ADMIN_TOKEN: '' });
    const secondUrl = await again.ready();
    expect(again.err()).not.toContain('Admin token');
    const asAdmin = { authorization: `Bearer ${token}` };
    expect(await ask(secondUrl, '{ stockAudit(productId: 1) { balanced } }', {}, asAdmin)).toEqual({
      balanced: true,
    });
  },
  WAIT_MS,
);

test(
  'a server limited to 280 files accepts fewer connections, and leaves files for its database',
  async () => {
    const server = startDemo({ DATABASE_POOL_MAX: '20' }, 280);
    const url = await server.ready();
    const { id } = await makeProductAt(url, 100_000);
    const { hostname, port } = new URL(url);
    const buyers = buyersOf(url, id);
    const { tokens } = buyers;
    await until('the sale to begin', () => tokens.length > 0);

    const silent = Array.from({ length: 400 }, () => connect(Number(port), hostname));
    for (const socket of silent) socket.on('error', () => {}).resume();
    const open = () => silent.filter(({ destroyed }) => !destroyed);
    await until('all but 60 to be closed, the buyers’ among these', () => open().length < 60);
    const before = tokens.length;
    await until('the sale to go on', () => tokens.length > before + 100);
    await buyers.stop();
    for (const socket of silent) socket.destroy();

    expect(server.out()).toContain(
      'CONNECTIONS_MAX=18000 exceeds the open-file limit of 280; using 60.',
    );
    expect(await auditAt(url, id)).toEqual({ balanced: true, findings: [], held: tokens.length });
    server.child.kill('SIGTERM');
    expect(await server.exited).toBe(0);
  },
  WAIT_MS,
);

test(
  'stopped during a sale it exits with 0, and every answered hold exists afterwards',
  async () => {
    const first = startDemo();
    const url = await first.ready();
    const { id } = await makeProductAt(url, 1_000_000);
    const buyers = buyersOf(url, id);
    await until('a hundred holds', () => buyers.tokens.length >= 100);

    first.child.kill('SIGTERM');
    const code = await first.exited;
    await buyers.stop();
    const left = servers.others();
    const second = await start().ready();

    expect(code).toBe(0);
    expect(left).toEqual([]);
    for (const token of buyers.tokens) {
      expect(await ask(second, HOLD_QUERY, { token })).toMatchObject({ token, status: 'ACTIVE' });
    }
    const { balanced, findings, held } = await auditAt(second, id);
    expect([balanced, findings]).toEqual([true, []]);
    expect(held).toBeGreaterThanOrEqual(buyers.tokens.length);
  },
  WAIT_MS,
);

test(
  'killed during a sale it leaves no database running, and the next start has every hold',
  async () => {
    const first = startDemo();
    const url = await first.ready();
    const { id } = await makeProductAt(url, 1_000_000);
    const buyers = buyersOf(url, id);
    await until('a hundred holds', () => buyers.tokens.length >= 100);

    first.child.kill('SIGKILL');
    await first.exited;
    await buyers.stop();
    await until('the database to be gone', () => servers.others().length === 0, 10_000);
    const second = await start().ready();

    for (const token of buyers.tokens) {
      expect(await ask(second, HOLD_QUERY, { token })).toMatchObject({ token, status: 'ACTIVE' });
    }
    expect(await auditAt(second, id)).toMatchObject({ balanced: true, findings: [] });
  },
  WAIT_MS,
);

test(
  'restarted right after a kill, it waits for the old database and has its data',
  async () => {
    const first = startDemo();
    const url = await first.ready();
    const { token } = await ask(url, CREATE_HOLD, { input: { productId: '1' } });

    first.child.kill('SIGKILL');
    const second = await start().ready();

    expect(await ask(second, HOLD_QUERY, { token })).toMatchObject({ status: 'ACTIVE' });
  },
  WAIT_MS,
);

test(
  'a second server on the same folder reports it and exits with 1, and the first continues',
  async () => {
    const first = startDemo();
    const url = await first.ready();

    const second = start();
    const code = await second.exited;

    expect(code).toBe(1);
    expect(second.err()).toMatch(
      new RegExp(`in use by another server, process ${first.child.pid}.*DATA_DIR`),
    );
    expect(second.err().trim().split('\n')).toHaveLength(1);
    expect(await statusOf(`${url}/readyz`)).toBe(200);
  },
  WAIT_MS,
);

test(
  'three servers started at once on an empty database make one schema and one demo sale',
  async () => {
    const postgres = process.env['TEST_POSTGRES_URL']!;
    const name = `flash_sale_empty_${process.pid}_${Date.now()}`;
    await admin(postgres, `create database ${name}`);
    const DATABASE_URL = withDatabase(postgres, name);

    const three = [1, 2, 3].map(() => start({ DATABASE_URL, HOLD_TOKEN_SECRETS: 'shared' }));
    const urls = await Promise.all(three.map((server) => server.ready()));
    const { token } = await ask(urls[0]!, CREATE_HOLD, { input: { productId: '1' } });

    for (const url of urls) {
      const { totalCount } = await ask(url, '{ products { totalCount } }');
      expect(totalCount).toBe(3);
      expect(await ask(url, HOLD_QUERY, { token })).toMatchObject({ status: 'ACTIVE' });
    }
    {
      await using session = await openSession(DATABASE_URL);
      const { rows } = await session.query('select name from mikro_orm_migrations');
      expect(new Set(rows.map((row: { name: string }) => row.name)).size).toBe(rows.length);
    }
    const migrated = three.filter((server) => /Migrated the database/.test(server.out()));
    expect(migrated).toHaveLength(1);
    for (const { child } of three) child.kill('SIGTERM');
    expect(await Promise.all(three.map(({ exited }) => exited))).toEqual([0, 0, 0]);
    expect(existsSync(join(servers.dataDir, 'data', 'pg'))).toBe(false);
    await admin(postgres, `drop database ${name} with (force)`);
  },
  WAIT_MS,
);

test(
  'malformed settings are refused with all complaints at once, one line each',
  async () => {
    writeFileSync(
      join(servers.dataDir, '.env'),
      'HOLD_TTL_SECOND=3\nSEED_DEMO=perhaps\nLOG_LEVEL=\n',
    );

    const server = start({
      PORT: '70000',
      DATABASE_URL: 'mysql://x',
      HOLD_TTL_SECONDS: '0.1',
      HOLD_BATCH_MAX: '0',
      HOLD_QUEUE_MAX: 'abc',
      WORKERS: '-1',
      SWEEP_CRON: '* * * * *',
      PAYMENT_WEBHOOK_SECRETS: 'secret',
      NODE_ENV: 'staging',
      WEBHOOK_REQUIRE_AMOUNT: 'yes',
    });

    expect(await server.exited).toBe(1);
    expect(complainedOf(server)).toEqual([
      'DATABASE_URL',
      'HOLD_BATCH_MAX',
      'HOLD_QUEUE_MAX',
      'HOLD_TTL_SECOND',
      'HOLD_TTL_SECONDS',
      'NODE_ENV',
      'PAYMENT_WEBHOOK_SECRETS',
      'PORT',
      'SEED_DEMO',
      'SWEEP_CRON',
      'WEBHOOK_REQUIRE_AMOUNT',
      'WORKERS',
    ]);
    expect(server.out()).toBe('');
    expect(existsSync(join(servers.dataDir, 'data'))).toBe(false);
  },
  WAIT_MS,
);

test(
  'production without its secrets, and an unsigned webhook on a public address, do not start',
  async () => {
    const bare = start({ NODE_ENV: 'production', ADMIN_TOKEN: '' });
    const short = start({
      NODE_ENV: 'production',
      DATABASE_URL: 'postgres://127.0.0.1:1/x',
      ADMIN_TOKEN: 'short',
      HOLD_TOKEN_SECRETS: 'short',
      PAYMENT_WEBHOOK_SECRETS: 'whsec_c2hvcnQ=',
    });
    const open = start({ HOST: '0.0.0.0' });

    const codes = await Promise.all([bare, short, open].map(({ exited }) => exited));

    expect(codes).toEqual([1, 1, 1]);
    expect(complainedOf(bare)).toEqual([
      'ADMIN_TOKEN',
      'DATABASE_URL',
      'HOLD_TOKEN_SECRETS',
      'PAYMENT_WEBHOOK_SECRETS',
    ]);
    expect(complainedOf(short)).toEqual([
      'ADMIN_TOKEN',
      'HOLD_TOKEN_SECRETS',
      'PAYMENT_WEBHOOK_SECRETS',
    ]);
    expect(complainedOf(open)).toEqual(['PAYMENT_WEBHOOK_SECRETS']);
  },
  WAIT_MS,
);

test(
  'production does not migrate automatically, and names the command',
  async () => {
    const postgres = process.env['TEST_POSTGRES_URL']!;
    const name = `flash_sale_bare_${process.pid}_${Date.now()}`;
    await admin(postgres, `create database ${name}`);

    const server = start({
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      ALLOW_DATA_LOSS: 'true',
      DATABASE_URL: withDatabase(postgres, name),
      HOLD_TOKEN_SECRETS: 'a hold token secret of more than 24 bytes',
      PAYMENT_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    });
    const code = await server.exited;
    await admin(postgres, `drop database ${name} with (force)`);

    expect(code).toBe(1);
    expect(server.err()).toMatch(/migrations are pending.*migrate/);
  },
  WAIT_MS,
);

test(
  'a stop ends within its grace period with idle, half-sent, subscribed and unresponsive connections',
  async () => {
    const server = startDemo({ SHUTDOWN_GRACE_SECONDS: '0.5' });
    const url = await server.ready();
    const { port, hostname } = new URL(url);
    const sockets = [connect(Number(port), hostname), connect(Number(port), hostname)];
    for (const socket of sockets) socket.on('error', () => {});
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    sockets[1]!.write(
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    using _deaf = await openSilentSocket(`${url.replace('http', 'ws')}/graphql`);
    using live = await openRawSocket(`${url.replace('http', 'ws')}/graphql`, { init: true });

    server.child.kill('SIGTERM');
    const code = await server.exited;
    for (const socket of sockets) socket.destroy();

    expect(code).toBe(0);
    expect(await live.closed()).toBe(1001);
    expect(servers.others()).toEqual([]);
  },
  // A deaf socket alone would hold a stop up for thirty seconds.
  20_000,
);

test(
  'a second signal ends a stop at once',
  async () => {
    const server = startDemo({ SHUTDOWN_GRACE_SECONDS: '60' });
    const url = await server.ready();
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    // Answered on another connection: by then the half request is being read.
    await statusOf(`${url}/healthz`);

    server.child.kill('SIGINT');
    await until('the stop to begin', () => /Stopping/.test(server.out()));
    server.child.kill('SIGINT');
    const code = await server.exited;
    socket.destroy();

    expect(code).not.toBe(0);
    await until('the database to be gone', () => servers.others().length === 0);
  },
  WAIT_MS,
);

test(
  'a closed log does not end the sale',
  async () => {
    const server = startDemo();
    const url = await server.ready();

    server.child.stdout!.destroy();
    server.child.stderr!.destroy();
    for (let count = 0; count < 5; count += 1) {
      const answer = await ask(url, CREATE_HOLD, { input: { productId: '1' } });
      expect(answer.__typename).toBe('Hold');
      await send(url, '{ unknown }');
      await fetch(`${url}/api/payments/webhook`, { method: 'POST', body: '{}' });
    }

    expect(await statusOf(`${url}/readyz`)).toBe(200);
    server.child.kill('SIGTERM');
    expect(await server.exited).toBe(0);
  },
  WAIT_MS,
);

test(
  'a port in use ends the start with 1, and the database with it',
  async () => {
    const first = startDemo();
    const { port } = new URL(await first.ready());

    const second = start({ PORT: port, DATA_DIR: join(servers.dataDir, 'other') });

    expect(await second.exited).toBe(1);
    expect(second.err()).toBe(
      `PORT ${port} on 127.0.0.1 is in use by another process: stop it, or set another PORT.\n`,
    );
    await until('its database to be gone', () =>
      servers.others().every((pid) => !worksIn(pid, join(servers.dataDir, 'other'))),
    );
  },
  WAIT_MS,
);

test.each([
  ['203.0.113.7', /^HOST 203\.0\.113\.7 is not an address of this machine\.\n$/],
  [
    'no-such-host.invalid',
    /^HOST no-such-host\.invalid cannot be resolved to an address \(E\w+\)\.\n$/,
  ],
])(
  'a HOST that cannot be bound (%s) is reported in one line with exit code 1, with workers too',
  async (HOST, line) => {
    const PAYMENT_WEBHOOK_SECRETS = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const alone = start({ HOST, PAYMENT_WEBHOOK_SECRETS });
    expect(await alone.exited).toBe(1);
    const workers = start({ HOST, PAYMENT_WEBHOOK_SECRETS, WORKERS: '2' });
    expect(await workers.exited).toBe(1);

    for (const { err } of [alone, workers]) expect(err()).toMatch(line);
    expect(existsSync(join(servers.dataDir, 'data', 'pg'))).toBe(false);
  },
  WAIT_MS,
);

test(
  'a port in use is reported in one line, with workers too',
  async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;

    const server = start({ PORT: String(port), WORKERS: '2' });
    const code = await server.exited;
    taken.close();

    expect(code).toBe(1);
    expect(server.err()).toMatch(/^PORT \d+ on 127\.0\.0\.1 is in use by another process: .*\n$/);
  },
  WAIT_MS,
);

test(
  'on HOST=[::1] it serves at http://[::1], and accepts unsigned events as on any loopback address',
  async () => {
    const server = startDemo({ HOST: '[::1]' });
    const url = await server.ready();

    const delivered = await fetch(`${url}/api/payments/webhook`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });

    expect(url).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect(await statusOf(`${url}/readyz`)).toBe(200);
    expect(delivered.status).toBe(422);
    expect(server.out()).toContain(`webhook ${url}/api/payments/webhook (version `);
  },
  WAIT_MS,
);

/**
 * A Node as it was before: by its own version, and it fails on what needs a newer one. Static imports
 * of a file are loaded before its first line runs.
 */
const OLD_NODE = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });
  registerHooks({
    resolve(specifier, context, next) {
      if (/mikro-orm|commander|graphql|pino|zod/.test(specifier)) throw new SyntaxError(specifier);
      return next(specifier, context);
    },
  });
`)}`;

test.each(['main.js', 'cli.js'])(
  '%s on an old Node reports it in one line and exits with 1; --version works on any',
  (file) => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, ['--import', OLD_NODE, join(ROOT, 'dist/src', file), ...args], {
        cwd: servers.dataDir,
        encoding: 'utf8',
      });

    expect(run()).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'This is Node 20.20.2; start with Node 22.17 or newer.\n',
    });
    expect(run('--version')).toMatchObject({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
  },
);

test(
  '--version needs no settings, and the ready line has the version too',
  async () => {
    writeFileSync(join(servers.dataDir, '.env'), 'NONSENSE\n');
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [join(ROOT, 'dist/src', args[0]!), ...args.slice(1)], {
        cwd: servers.dataDir,
        encoding: 'utf8',
      });

    expect(run('main.js', '--version').stdout).toBe(`${VERSION}\n`);
    expect(run('cli.js', '--version').stdout).toBe(`${VERSION}\n`);
    expect(run('cli.js', '-V').stdout).toBe(`${VERSION}\n`);
    rmSync(join(servers.dataDir, '.env'));
    const server = startDemo();
    await server.ready();

    const ready = JSON.parse(server.out().trim().split('\n').at(-1)!) as Record<string, string>;
    expect(ready['version']).toBe(VERSION);
    expect(ready['msg']).toContain(`(version ${VERSION}, Node ${process.versions.node})`);
  },
  WAIT_MS,
);

test(
  'the log is readable at a terminal, and JSON in production',
  async () => {
    const postgres = process.env['TEST_POSTGRES_URL']!;
    const name = `flash_sale_terminal_${process.pid}`;
    await admin(postgres, `create database ${name}`);
    /** Runs the server at a terminal of its own until it wrote this, then stops it by Ctrl-C. */
    const atTerminal = async (settings: Record<string, string>, wanted: RegExp) => {
      const command = `exec ${process.execPath} ${join(ROOT, 'dist/src/main.js')}`;
      const child = spawn('script', ['-qec', command, '/dev/null'], {
        cwd: servers.dataDir,
        env: {
          PATH: process.env['PATH'],
          PORT: '0',
          DATABASE_URL: withDatabase(postgres, name),
          ADMIN_TOKEN: 'an admin token of more than 24 bytes',
          HOLD_TOKEN_SECRETS: 'a hold token secret of more than 24 bytes',
          PAYMENT_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
          HOST: '127.0.0.1',
          ALLOW_DATA_LOSS: 'true',
          NO_COLOR: '1',
          ...settings,
        },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      const closed = once(child, 'close');
      await until('the line', () => wanted.test(out), 30_000);
      child.stdin.write('\u0003');
      await closed;
      return out;
    };

    const ours = await atTerminal({}, /^\[[\d:.]+\] INFO: Ready\. GraphQL http:\S+\/graphql/m);
    const theirs = await atTerminal({ NODE_ENV: 'production' }, /"level":"info".*"msg":"Ready\./);
    await admin(postgres, `drop database ${name} with (force)`);

    expect(ours).not.toContain('{"level"');
    expect(ours).toContain('INFO: Stopping');
    expect(theirs).not.toContain('INFO: Ready');
  },
  WAIT_MS,
);

test(
  'during the start /healthz is 200 and every other path 503, and a stop exits with 0',
  async () => {
    const name = `flash_sale_starting_${process.pid}`;
    const postgres = process.env['TEST_POSTGRES_URL']!;
    await admin(postgres, `create database ${name}`);
    const databaseUrl = withDatabase(postgres, name);
    const port = await freePort();
    await using preparing = await openSession(databaseUrl);
    await preparing.query(`select pg_advisory_lock(${0x666c617368})`);

    const server = start({ DATABASE_URL: databaseUrl, PORT: String(port) });
    const url = `http://127.0.0.1:${port}`;
    const alive = await until(
      'it to live',
      () => statusOf(`${url}/healthz`).catch(() => null),
      60_000,
    );
    const ready = await statusOf(`${url}/readyz`);
    const asked = await send(url, '{ serverTime }');
    const delivered = await fetch(`${url}/api/payments/webhook`, { method: 'POST', body: '{}' });
    server.child.kill('SIGTERM');
    await until('the stop', () => server.out().includes('Stopping'));
    await preparing.query(`select pg_advisory_unlock(${0x666c617368})`);

    expect([alive, ready, asked.status, delivered.status]).toEqual([200, 503, 503, 503]);
    expect(asked.errors).toMatchObject([{ extensions: { code: 'OVERLOADED' } }]);
    expect(await delivered.json()).toMatchObject({ error: 'unavailable' });
    expect(delivered.headers.get('retry-after')).toBe('1');
    expect(await server.exited).toBe(0);
    await preparing.end();
    await admin(postgres, `drop database ${name} with (force)`);
  },
  WAIT_MS,
);
