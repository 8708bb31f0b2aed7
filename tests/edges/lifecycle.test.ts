import { request } from 'node:http';
import type { Database } from '../../src/platform/database.ts';
import { ask, CREATE_HOLD, HOLD_QUERY, send, sendRaw } from '../support/graphql-client.ts';
import { openDatabaseLine, startTestServer } from '../support/server.ts';
import { makeProduct, moveClock, openSession, stockOf, until } from '../support/shop.ts';

const LOCKED = 'select from stock_levels where product_id = $1 for update';

/** Whether a session of the shop waits for a lock at this moment. */
const WAITING = `select count(*)::int as sessions from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock'`;

async function isWaiting(database: Database): Promise<boolean> {
  const [row] = await database.rows<{ sessions: number }>(WAITING, []);
  return row!.sessions > 0;
}

/** Asks for a hold and tells what came of it: the status, or the error's code. */
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

test('a stop begins with 503 at /readyz; who still comes is served, and told to leave', async () => {
  await using server = await startTestServer({ SHUTDOWN_GRACE_SECONDS: '20' });
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

test('a request stuck behind a lock is cut when the grace is over, and nothing of it stays', async () => {
  await using beside = await startTestServer();
  const productId = await makeProduct(beside.shop);
  const server = await startTestServer({
    DATABASE_URL: beside.databaseUrl,
    SHUTDOWN_GRACE_SECONDS: '0.3',
    SWEEP_CRON: '0 0 0 1 1 *',
  });
  await using session = await openSession(beside.databaseUrl);
  await session.query('begin');
  await session.query(LOCKED, [productId]);

  const asked = askForHold(server.url, productId);
  await until('it to wait', () => isWaiting(beside.database));
  await server.stop();
  const told = await asked;
  await session.query('rollback');
  await until('its session to end', async () => !(await isWaiting(beside.database)));

  expect(told).toBe('ECONNRESET');
  expect(await stockOf(beside.shop, productId)).toMatchObject({ held: 0, version: 1 });
});

test('a database that answers nothing any more holds no stop up', async () => {
  await using beside = await startTestServer();
  const productId = await makeProduct(beside.shop);
  await using line = await openDatabaseLine(beside.databaseUrl);
  const server = await startTestServer({ DATABASE_URL: line.url, SHUTDOWN_GRACE_SECONDS: '0.5' });
  const { token } = await ask(server.url, CREATE_HOLD, { input: { productId: String(productId) } });

  line.freeze();
  const asked = askForHold(server.url, productId);
  // Answered without the database: by then the request before it is under way.
  await send(server.url, '{ __typename }');
  await server.stopServer();
  const told = await asked;
  line.cut();
  await server.stop();

  expect(told).toBe('ECONNRESET');
  expect(await ask(beside.url, HOLD_QUERY, { token })).toMatchObject({ status: 'ACTIVE' });
});
