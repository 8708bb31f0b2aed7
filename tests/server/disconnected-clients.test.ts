import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import type { Logger } from '../../src/lib/log.ts';
import { ask, CREATE_HOLD } from '../support/graphql-client.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  findingsOf,
  makeProduct,
  moveClock,
  openSession,
  stockOf,
  until,
} from '../support/shop.ts';

/* A client may disconnect before its answer: its hold is created as a whole or not at all, and expires. */

const QUEUE_MAX = 10;

const complaints: { facts: object; message: string }[] = [];
const log: Logger = {
  debug() {},
  info() {},
  warn: (facts, message) => void complaints.push({ facts, message }),
  error: (facts, message) => void complaints.push({ facts, message }),
};

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({
    log,
    SWEEP_CRON: '0 0 0 1 1 *',
    HOLD_QUEUE_MAX: String(QUEUE_MAX),
  });
  complaints.length = 0;
});

afterEach(async () => {
  await moveClock(server.database, 0);
  expect(complaints.splice(0)).toEqual([]);
});

afterAll(() => server.stop());

/** One buyer's request under way, on a connection of its own. */
interface Buyer {
  readonly key: string;
  readonly request: ClientRequest;
  /** The answer; undefined if the client disconnected first. */
  readonly answer: Promise<string | undefined>;
}

function sendHold(productId: number): Buyer {
  const key = randomUUID();
  const { hostname, port } = new URL(server.url);
  const request = httpRequest({
    hostname,
    port,
    path: '/graphql',
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json' },
  });
  const answer = answerTo(request);
  const input = { productId: String(productId), quantity: 2, idempotencyKey: key };
  request.end(JSON.stringify({ query: CREATE_HOLD, variables: { input } }));
  return { key, request, answer };
}

async function answerTo(request: ClientRequest): Promise<string | undefined> {
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const body = Buffer.concat(await response.toArray()).toString();
    return JSON.parse(body).data.createHold.__typename as string;
  } catch {
    return undefined;
  }
}

type Session = Awaited<ReturnType<typeof openSession>>;

/** Has a product's row locked until the session's rollback: requests for holds wait. */
async function lockStock(productId: number): Promise<Session> {
  const session = await openSession(server.databaseUrl);
  await session.query('begin');
  await session.query('select * from stock_levels where product_id = $1 for update', [productId]);
  return session;
}

async function untilWaiting(session: Session): Promise<void> {
  await until('the first batch to wait for the lock', async () => {
    const { rows } = await session.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    );
    return rows.length > 0;
  });
}

async function activeHolds(productId: number): Promise<number> {
  const [row] = await server.database.rows<{ count: number }>(
    `select count(*)::int from holds where product_id = $1 and status = 'ACTIVE'`,
    [productId],
  );
  return row!.count;
}

test('a client that disconnects while its hold is queued leaves a whole hold or nothing, and the others are served', async () => {
  const productId = await makeProduct(server.shop, { totalStock: 100 });
  await using session = await lockStock(productId);
  const inFlight = sendHold(productId);
  await untilWaiting(session);
  const buyers = Array.from({ length: QUEUE_MAX + 1 }, () => sendHold(productId));
  // When one is refused because the queue is full, all others are in the queue.
  const full = await Promise.race(buyers.map(async (buyer) => ({ buyer, is: await buyer.answer })));
  const queued = buyers.filter((buyer) => buyer !== full.buyer);

  const gone = [inFlight, ...queued.filter((_, position) => position % 2 === 0)];
  const stayed = queued.filter((buyer) => !gone.includes(buyer));
  for (const { request } of gone) request.destroy();
  await session.query('rollback');

  expect(full.is).toBe('Busy');
  expect(await Promise.all(gone.map(({ answer }) => answer))).toEqual(gone.map(() => undefined));
  expect(await Promise.all(stayed.map(({ answer }) => answer))).toEqual(stayed.map(() => 'Hold'));
  const made = await activeHolds(productId);
  expect(made).toBeGreaterThanOrEqual(stayed.length);
  expect(await stockOf(server.shop, productId)).toMatchObject({ held: 2 * made });
  // A client that repeats its key has one hold, whether it was created before or now.
  const input = { productId: String(productId), quantity: 2 };
  const returned = await Promise.all(
    gone.map(({ key: idempotencyKey }) =>
      ask(server.url, CREATE_HOLD, { input: { ...input, idempotencyKey } }),
    ),
  );
  expect(new Set(returned.map(({ id }) => id)).size).toBe(gone.length);
  expect(await activeHolds(productId)).toBe(gone.length + stayed.length);
  expect(await findingsOf(server.shop, productId)).toEqual([]);
});

test('a hold whose client got no answer expires at its deadline, and its units are available', async () => {
  const productId = await makeProduct(server.shop, { totalStock: 2 });
  await using session = await lockStock(productId);
  const buyer = sendHold(productId);
  await untilWaiting(session);

  buyer.request.destroy();
  await session.query('rollback');
  await until('the hold to be made', async () => (await activeHolds(productId)) === 1);
  await moveClock(server.database, 120_000);
  await sweepDue(server.shop);

  expect(await buyer.answer).toBeUndefined();
  expect(await stockOf(server.shop, productId)).toMatchObject({ available: 2, held: 0 });
  expect(await findingsOf(server.shop, productId)).toEqual([]);
});

test('a request with an incomplete body has no effect', async () => {
  const productId = await makeProduct(server.shop);
  const { hostname, port } = new URL(server.url);
  const body = JSON.stringify({
    query: CREATE_HOLD,
    variables: { input: { productId: String(productId) } },
  });

  const socket = connect(Number(port), hostname);
  await new Promise((resolve) => {
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: ${body.length + 1}\r\n\r\n${body}`,
      resolve,
    );
  });
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.resetAndDestroy();
  await closed;

  // After the answer to the next request the server has processed the end of that connection.
  expect(await ask(server.url, '{ __typename }')).toBe('Query');
  expect(await activeHolds(productId)).toBe(0);
});
