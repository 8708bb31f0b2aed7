import { createLog } from '../../src/lib/log.ts';
import {
  AS_ADMIN,
  CANCEL_ORDER,
  CREATE_HOLD,
  CREATE_ORDER,
  HOLD_QUERY,
  PRODUCT_QUERY,
  ask,
  send,
} from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, openSession, until } from '../support/shop.ts';
import { openSocket } from '../support/socket-client.ts';

const ORDER_STATUS = 'query ($token: String!) { order(holdToken: $token) { status } }';
const CREATE_ORDER_AND_REFUNDS = `mutation ($token: String!) { createOrder(holdToken: $token) {
  __typename ... on Order { id refunds { id } } } }`;

let server: TestServer;
let productId: string;
const logged: string[] = [];

beforeAll(async () => {
  const log = createLog('info', { write: (line) => void logged.push(line) });
  server = await startTestServer({ log });
  productId = String(await makeProduct(server.shop, { totalStock: 100 }));
});

afterAll(() => server.stop());

const hold = () => ask(server.url, CREATE_HOLD, { input: { productId } });

/** Locks a table, as a long manual change does. */
async function whileLocked<T>(table: string, work: () => Promise<T>): Promise<T> {
  await using session = await openSession(server.databaseUrl);
  await session.query('begin');
  await session.query(`lock table ${table}`);
  return await work();
}

const OVERLOADED = { extensions: { code: 'OVERLOADED', retryAfterMs: expect.any(Number) } };

test('a query gets a retryable error, not an internal one', async () => {
  const { token } = await hold();
  const looks: [table: string, query: string, variables: object][] = [
    ['holds', HOLD_QUERY, { token }],
    ['products', '{ products { totalCount } }', {}],
    ['orders', '{ orders { totalCount } }', {}],
    ['stock_movements', '{ stockMovements(productId: 1) { totalCount } }', {}],
    ['payment_events', '{ paymentEvents { totalCount } }', {}],
  ];

  for (const [table, query, variables] of looks) {
    const answer = await whileLocked(table, () => send(server.url, query, variables, AS_ADMIN));
    expect(answer.status).toBe(503);
    expect(answer.errors).toMatchObject([OVERLOADED]);
    expect(answer.errors![0]!.message).not.toMatch(/nothing was done/);
  }
}, 30_000);

test('a mutation gets BUSY, and a webhook gets 503', async () => {
  const { token, orderId } = await hold();

  const [ordered, cancelled, delivered] = await whileLocked('holds', () =>
    Promise.all([
      ask(server.url, CREATE_ORDER, { token }),
      ask(server.url, CANCEL_ORDER, { token }),
      deliver(server.url, success(orderId)),
    ]),
  );

  expect([ordered.__typename, cancelled.__typename]).toEqual(['Busy', 'Busy']);
  expect(delivered.status).toBe(503);
  expect((await ask(server.url, CREATE_ORDER, { token })).__typename).toBe('Order');
});

test('a committed change is not reported as undone when its answer cannot be read', async () => {
  const { token } = await hold();

  const answer = await whileLocked('refunds', () =>
    send(server.url, CREATE_ORDER_AND_REFUNDS, { token }),
  );
  const order = await ask(server.url, ORDER_STATUS, {
    token,
  });

  expect(answer.status).toBe(503);
  expect(answer.errors).toMatchObject([OVERLOADED]);
  expect(answer.errors![0]!.message).not.toMatch(/nothing was done/);
  expect(order).toEqual({ status: 'PENDING' });
});

test('a new subscriber gets the state when the table can be read', async () => {
  await using socket = await openSocket(server.socketUrl);
  const received = await whileLocked('stock_levels', async () => {
    const subscribed = socket.subscribe<{ id: string }>(
      'subscription ($ids: [ID!]!) { stockChanged(productIds: $ids) { id } }',
      { ids: [productId] },
    );
    await send(server.url, PRODUCT_QUERY, { id: productId });
    return subscribed;
  });

  await until('the state', () => received.values.length > 0);

  expect(received.errors).toEqual([]);
  expect(received.values).toEqual([{ id: productId }]);
});

test('none of these requests causes an internal error', () => {
  const errors = logged.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);

  expect(errors).toEqual([]);
});
