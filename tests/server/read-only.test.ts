import { createLog } from '../../src/lib/log.ts';
import {
  AS_ADMIN,
  CREATE_HOLD,
  CREATE_ORDER,
  PRODUCT_QUERY,
  send,
} from '../support/graphql-client.ts';
import { OwnPostgres } from '../support/own-postgres.ts';
import { deliver, success } from '../support/provider.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, openSession, stockOf, until } from '../support/shop.ts';
import { openSocket, type SocketClient } from '../support/socket-client.ts';
import { admin } from '../support/test-postgres.ts';

const READ_ONLY = 'default_transaction_read_only';

const ADJUST = `mutation ($productId: ID!) { adjustStock(input: { productId: $productId, delta: 1, reason: "test" }) {
  __typename } }`;

let postgres: OwnPostgres;
let server: TestServer;
let productId: string;
const written: string[] = [];

beforeAll(async () => {
  postgres = await OwnPostgres.start();
  const log = createLog('warn', { write: (line) => void written.push(line) });
  server = await startTestServer({ DATABASE_URL: postgres.url, log });
  productId = String(await makeProduct(server.shop));
}, 30_000);

afterAll(async () => {
  await server.stop();
  await postgres[Symbol.asyncDispose]();
});

beforeEach(() => void (written.length = 0));

const readiness = async () => {
  const { status, headers } = await fetch(`${server.url}/readyz`);
  return { status, retryAfter: Number(headers.get('retry-after')) };
};

const untilReady = (wanted: 200 | 503) =>
  until(`/readyz to answer ${wanted}`, async () => (await readiness()).status === wanted);

const hold = () => send(server.url, CREATE_HOLD, { input: { productId } });

const watch = (socket: SocketClient, fields = 'id') =>
  socket.subscribe<{ id: string }>(
    `subscription ($ids: [ID!]!) { stockChanged(productIds: $ids) { ${fields} } }`,
    { ids: [productId] },
  );

/** A hold that was made while the database took writes, for requests that need one. */
async function heldBefore() {
  const { token, orderId } = (await hold()).data.createHold;
  return { token: token as string, orderId: orderId as string };
}

/** One request of every kind. */
async function askEverything({ token, orderId }: { token: string; orderId: string }) {
  const { url } = server;
  return {
    operations: [
      await hold(),
      await send(url, CREATE_ORDER, { token }),
      await send(url, PRODUCT_QUERY, { id: productId }),
      await send(url, '{ serverTime }'),
      await send(url, ADJUST, { productId }, AS_ADMIN),
    ],
    delivery: await deliver(url, success(orderId)),
    ready: await readiness(),
  };
}

function expectAway({ operations, delivery, ready }: Awaited<ReturnType<typeof askEverything>>) {
  for (const { status, headers, errors } of operations) {
    expect(errors).toMatchObject([{ extensions: { code: 'OVERLOADED' } }]);
    expect(status).toBe(503);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(delivery).toMatchObject({ status: 503, body: { error: 'unavailable' } });
  expect(Number(delivery.headers['retry-after'])).toBeGreaterThan(0);
  expect(ready.status).toBe(503);
  expect(ready.retryAfter).toBeGreaterThan(0);
}

/** The log lines about the database at warn. */
const logged = () => written.map((line) => JSON.parse(line) as { sqlState?: string; msg: string });

test('a database that becomes read-only is unavailable on every path, and serves again without a restart', async () => {
  const before = await heldBefore();
  await using socket = await openSocket(server.socketUrl);
  const watching = watch(socket);
  await until('the first state', () => watching.values.length > 0);

  await postgres.set(READ_ONLY, 'on');
  await untilReady(503);
  const away = await askEverything(before);
  const refused = watch(socket, 'id name');
  await until('the refusal', () => refused.ended);
  const bought = await stockOf(server.shop, Number(productId)).catch((error: Error) => error.name);
  await postgres.set(READ_ONLY, null);
  await untilReady(200);
  const after = await hold();
  await until('the change', () => watching.values.length > 1);

  expectAway(away);
  expect(bought).toBe('UnavailableFault');
  expect(after.data.createHold.__typename).toBe('Hold');
  expect([watching.errors, watching.ended]).toEqual([[], false]);
  expect(refused.errors).toMatchObject([{ extensions: { code: 'OVERLOADED' } }]);
  expect(logged()).toContainEqual(expect.objectContaining({ sqlState: '25006' }));
  expect(written.join('')).not.toContain('failed unexpectedly');
});

test('a write in a read-only session is refused as unavailable, and that session is dropped', async () => {
  // A pooler, or a function of a role, may change a session without a message to the client.
  await using session = await openSession(postgres.url);
  await session.query(`create function turn_read_only() returns trigger language plpgsql as
    $$ begin set transaction_read_only = on; return new; end $$`);
  await session.query(`create trigger read_only before insert on holds for each row
    execute function turn_read_only()`);

  const refused = await hold();
  await session.query('drop function turn_read_only cascade');
  const after = await hold();

  expect(refused).toMatchObject({ status: 503, errors: [{ extensions: { code: 'OVERLOADED' } }] });
  expect(after.data.createHold.__typename).toBe('Hold');
});

test.each([
  ['the database', 'alter database shop'],
  ['the role', 'alter role postgres'],
])('sessions that %s makes read-only from their start are refused', async (_what, alter) => {
  const before = await heldBefore();

  await admin(postgres.url, `${alter} set ${READ_ONLY} = on`);
  await cutSessions();
  await untilReady(503);
  const away = await askEverything(before);
  await admin(postgres.url, `begin read write; ${alter} reset ${READ_ONLY}; commit`);
  await untilReady(200);
  const after = await hold();

  expectAway(away);
  expect(after.data.createHold.__typename).toBe('Hold');
});

test('a primary that returns as a standby is unavailable until it is promoted', async () => {
  const before = await heldBefore();

  await postgres.restartAsStandby();
  await untilReady(503);
  const away = await askEverything(before);
  await admin(postgres.url, 'select pg_promote()');
  await untilReady(200);
  const after = await hold();

  expectAway(away);
  expect(after.data.createHold.__typename).toBe('Hold');
  expect(
    logged()
      .map(({ msg }) => msg)
      .join('\n'),
  ).toContain('a standby in recovery');
}, 30_000);

/** Ends all sessions on the database except its own. */
async function cutSessions(): Promise<void> {
  await using session = await openSession(postgres.url);
  await session.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`);
}
