import { request } from 'node:http';
import type { Database } from '../../src/postgres/database.ts';
import { silentLog, type Logger } from '../../src/lib/log.ts';
import { ask, CREATE_HOLD, HOLD_QUERY, send, sendRaw } from '../support/graphql-client.ts';
import { getText, openRawConnection, postText } from '../support/raw-connection.ts';
import { openDatabaseProxy, startTestServer } from '../support/server.ts';
import { makeProduct, moveClock, openSession, stockOf, until } from '../support/shop.ts';

const LOCKED = 'select from stock_levels where product_id = $1 for update';

/** A sweep that does not run while a test does. */
const NEVER = '0 0 0 1 1 *';

/** A log, and the warnings about stops in it. */
function collectLog(): { readonly warnings: string[]; readonly log: Logger } {
  const warnings: string[] = [];
  const warn: Logger['warn'] = (_facts, message) =>
    void (message.includes('grace') && warnings.push(message));
  return { warnings, log: { ...silentLog, warn } };
}

/** The view of a load balancer. */
const readyStatus = async (url: string): Promise<number> => (await fetch(`${url}/readyz`)).status;

/** Whether a session of the shop waits for a lock at this moment. */
const WAITING = `select count(*)::int as sessions from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock'`;

async function isWaiting(database: Database): Promise<boolean> {
  const [row] = await database.rows<{ sessions: number }>(WAITING, []);
  return row!.sessions > 0;
}

/** Requests a hold, and returns the status or the error's code. */
function askForHold(url: string, productId: number): Promise<number | string> {
  const query = `mutation { createHold(input: { productId: "${productId}" }) { __typename } }`;
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const asking = request(
      {
        hostname,
        port,
        path: '/graphql',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      },
      (response) => response.resume().on('end', () => resolve(response.statusCode!)),
    );
    asking.on('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
    asking.end(JSON.stringify({ query }));
  });
}

test('a stop begins with 503 at /readyz; later requests are served with Connection: close', async () => {
  await using server = await startTestServer({ SHUTDOWN_GRACE_SECONDS: '10' });
  const { url, shop, database } = server;
  const stuck = await makeProduct(shop);
  const productId = await makeProduct(shop);
  await ask(url, CREATE_HOLD, { input: { productId: String(stuck) } });
  await using session = await openSession(server.databaseUrl);
  await session.query('begin');
  await session.query(LOCKED, [stuck]);
  await moveClock(database, 121_000);
  // A sweep that hangs on a locked product must not keep the news from the load balancer.
  await until('the sweep to wait', () => isWaiting(database));

  const stopped = server.stopServer();
  const ready = await sendRaw(url, { method: 'GET', path: '/readyz' });
  const alive = await sendRaw(url, { method: 'GET', path: '/healthz' });
  const held = await send(url, CREATE_HOLD, { input: { productId: String(productId) } });
  await session.query('rollback');

  expect([ready.status, alive.status]).toEqual([503, 200]);
  expect(ready.headers.connection).toBe('close');
  expect(held.data.createHold.__typename).toBe('Hold');
  await stopped;
});

test('while requests arrive a stopping server answers, and idle connections stay open', async () => {
  await using server = await startTestServer({ SHUTDOWN_GRACE_SECONDS: '10' });
  using idle = await openRawConnection(server.url);
  idle.write(postText('{ __typename }'));
  const [before] = await idle.heads(1);

  const stopped = server.stopServer();
  const startedAt = performance.now();
  // Longer than the quiet that ends the stop.
  while (performance.now() - startedAt < 2000) await send(server.url, '{ __typename }');
  const wasOpen = idle.isOpen();
  idle.write(postText('{ __typename }'));
  const [, answer] = await idle.heads(2);
  await idle.closed();
  await stopped;

  expect(before).toMatch(/^connection: keep-alive\r$/im);
  expect(wasOpen).toBe(true);
  expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*^connection: close\r$/im);
});

test('a request in flight at a stop is answered as the last of its connection', async () => {
  await using server = await startTestServer({ SHUTDOWN_GRACE_SECONDS: '10', SWEEP_CRON: NEVER });
  const productId = await makeProduct(server.shop);
  await using session = await openSession(server.databaseUrl);
  await session.query('begin');
  await session.query(LOCKED, [productId]);
  using caller = await openRawConnection(server.url);
  caller.write(
    postText(`mutation { createHold(input: { productId: "${productId}" }) { __typename } }`),
  );
  await until('it to wait', () => isWaiting(server.database));

  const stopped = server.stopServer();
  await until('the stop to begin', async () => (await readyStatus(server.url)) === 503);
  await session.query('rollback');
  const [head] = await caller.heads(1);
  await caller.closed();
  await stopped;

  expect(head).toMatch(/^connection: close\r$/im);
  expect(caller.text()).toContain('"Hold"');
});

test('a stopping server answers all pipelined requests, and only the last answer closes the connection', async () => {
  await using server = await startTestServer({ SHUTDOWN_GRACE_SECONDS: '10' });
  using pipelining = await openRawConnection(server.url);
  using old = await openRawConnection(server.url);

  const stopped = server.stopServer();
  await until('the stop to begin', async () => (await readyStatus(server.url)) === 503);
  pipelining.write(postText('{ serverTime }') + getText('/healthz') + postText('{ __typename }'));
  old.write(getText('/healthz', '1.0', 'Connection: keep-alive\r\n'));
  const heads = await pipelining.heads(3);
  const [oldHead] = await old.heads(1);
  await Promise.all([pipelining.closed(), old.closed(), stopped]);

  expect(heads.map((head) => /^connection: (.*)\r$/im.exec(head)?.[1])).toEqual([
    'keep-alive',
    'keep-alive',
    'close',
  ]);
  expect(pipelining.text()).toContain('"Query"');
  expect(oldHead).toMatch(/^connection: close\r$/im);
});

test('a connection without a request does not delay a stop', async () => {
  const { warnings, log } = collectLog();
  await using server = await startTestServer({ SHUTDOWN_GRACE_SECONDS: '5', log });
  using silent = await openRawConnection(server.url);
  using kept = await openRawConnection(server.url);
  kept.write(getText('/healthz'));
  await kept.heads(1);

  await server.stopServer();
  await Promise.all([silent.closed(), kept.closed()]);

  expect(warnings).toEqual([]);
});

test('a request that waits for a lock is aborted after the grace period, and has no effect', async () => {
  await using beside = await startTestServer();
  const productId = await makeProduct(beside.shop);
  const server = await startTestServer({
    DATABASE_URL: beside.databaseUrl,
    SHUTDOWN_GRACE_SECONDS: '0.3',
    SWEEP_CRON: NEVER,
  });
  await using session = await openSession(beside.databaseUrl);
  await session.query('begin');
  await session.query(LOCKED, [productId]);

  const asked = askForHold(server.url, productId);
  await until('it to wait', () => isWaiting(beside.database));
  await server.stop();
  const outcome = await asked;
  await session.query('rollback');
  await until('its session to end', async () => !(await isWaiting(beside.database)));

  expect(outcome).toBe('ECONNRESET');
  expect(await stockOf(beside.shop, productId)).toMatchObject({ held: 0, version: 1 });
});

test('an unresponsive database does not delay a stop', async () => {
  await using beside = await startTestServer();
  const productId = await makeProduct(beside.shop);
  await using line = await openDatabaseProxy(beside.databaseUrl);
  const server = await startTestServer({ DATABASE_URL: line.url, SHUTDOWN_GRACE_SECONDS: '0.5' });
  const { token } = await ask(server.url, CREATE_HOLD, { input: { productId: String(productId) } });

  line.freeze();
  const asked = askForHold(server.url, productId);
  // Answered without the database: by then the request before it is under way.
  await send(server.url, '{ __typename }');
  await server.stopServer();
  const outcome = await asked;
  line.cut();
  await server.stop();

  expect(outcome).toBe('ECONNRESET');
  expect(await ask(beside.url, HOLD_QUERY, { token })).toMatchObject({ status: 'ACTIVE' });
});

test.each(['/healthz', '/readyz'])(
  '%s is answered before operations that wait for their turn',
  async (path) => {
    await using server = await startTestServer();
    const state = { answered: 0 };
    using probe = await openRawConnection(server.url);
    probe.write(getText(path));
    await probe.heads(1);

    const asked = Array.from({ length: 400 }, () =>
      send(server.url, '{ products { totalCount } }').then(() => (state.answered += 1)),
    );
    await until('the first answers', () => state.answered > 0);
    probe.write(getText(path));
    const [, head] = await probe.heads(2);
    const before = state.answered;
    await Promise.all(asked);

    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(before).toBeLessThan(300);
  },
);
