import { randomUUID } from 'node:crypto';
import { AS_ADMIN, ask, CREATE_ORDER, send } from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, moveClock } from '../support/shop.ts';

/*
 * Who bought, and what the client attached: on the hold, on its order and in the admin's lists.
 */

let server: TestServer;
let productId: string;

beforeAll(async () => {
  server = await startTestServer({ SWEEP_CRON: '0 0 0 1 1 *' });
  productId = String(await makeProduct(server.shop, { totalStock: 100 }));
});

afterAll(() => server.stop());

const CREATE = `mutation ($input: CreateHoldInput!) { createHold(input: $input) { __typename
  ... on CheckoutError { code } ... on Hold { id orderId token customerId metadata } } }`;

const create = (input: object) => ask(server.url, CREATE, { input: { productId, ...input } });

const purchases = () =>
  server.database.rows('select count(*)::int as holds from holds', []).then(([row]) => row);

test('a hold and its order have the customer and the notes of the client', async () => {
  const metadata = { gift: 'yes', 'ref.no-1': 'ünïcödé 𝄞' };

  const hold = await create({ customerId: 'ada', metadata });
  await ask(server.url, CREATE_ORDER, { token: hold.token });
  const read = await ask(
    server.url,
    'query ($token: String!) { hold(token: $token) { customerId metadata order { customerId metadata } } }',
    { token: hold.token },
  );
  const seen = await ask(
    server.url,
    'query ($id: ID!) { adminOrder(id: $id) { customerId metadata } }',
    { id: hold.orderId },
    AS_ADMIN,
  );

  expect(hold).toMatchObject({ customerId: 'ada', metadata });
  expect(read).toEqual({ customerId: 'ada', metadata, order: { customerId: 'ada', metadata } });
  expect(seen).toEqual({ customerId: 'ada', metadata });
});

test('a free order and an order with an early payment have the notes, too', async () => {
  const free = String(await makeProduct(server.shop, { price: '0' }));
  const metadata = { gift: 'yes' };
  const givenAway = await create({ productId: free, metadata });
  const early = await create({ metadata });
  await deliver(server.url, success(early.orderId));

  for (const { token, orderId } of [givenAway, early]) {
    await ask(server.url, CREATE_ORDER, { token });
    const order = await ask(
      server.url,
      'query ($token: String!) { order(holdToken: $token) { id status metadata } }',
      { token },
    );
    expect(order).toEqual({ id: orderId, status: 'PAID', metadata });
  }
});

test('without a customer and notes, there are null and an empty object', async () => {
  expect(await create({})).toMatchObject({ customerId: null, metadata: {} });
  expect(await create({ customerId: null, metadata: null })).toMatchObject({
    customerId: null,
    metadata: {},
  });
});

test('the notes belong to the arguments of an idempotency key', async () => {
  const idempotencyKey = randomUUID();
  const first = await create({ idempotencyKey, metadata: { a: '1', b: '2' } });

  const again = await create({ idempotencyKey, metadata: { b: '2', a: '1' } });
  const other = await create({ idempotencyKey, metadata: { a: '1' } });
  const [one, two] = await Promise.all(
    [{ a: '1' }, { a: '2' }].map((metadata) =>
      create({ idempotencyKey: `${idempotencyKey}-2`, metadata }),
    ),
  );

  expect(again).toEqual(first);
  expect(other).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  expect(new Set([one.__typename, two.__typename])).toEqual(
    new Set(['Hold', 'IdempotencyKeyReused']),
  );
});

test.each([
  ['21 entries', Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`k${n}`, 'v']))],
  ['nested values', { a: { b: 'c' } }],
  ['a list', { a: ['b'] }],
  ['a number', { a: 1 }],
  ['a boolean', { a: true }],
  ['null as a value', { a: null }],
  ['the key __proto__', JSON.parse('{"__proto__":"x"}')],
  ['a key of 41 characters', { ['k'.repeat(41)]: 'v' }],
  ['a value of 501 characters', { a: 'x'.repeat(501) }],
  ['NUL', { a: 'a\0b' }],
  ['text in its place', 'a=b'],
  ['a list in its place', [{ a: 'b' }]],
])('metadata with %s is malformed and makes no hold', async (_what, metadata) => {
  const before = await purchases();

  const { data, errors } = await send(server.url, CREATE, { input: { productId, metadata } });

  expect(data ?? null).toBeNull();
  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  expect(errors![0]!.message).toMatch(/metadata/i);
  expect(await purchases()).toEqual(before);
});

const holdWith = (notes: string) => {
  const variables = notes.includes('$gift') ? '($gift: String)' : '';
  return `mutation ${variables} { createHold(input: { productId: "${productId}", metadata: ${notes} }) { ... on Hold { metadata } } }`;
};

test('metadata may be a literal of strings', async () => {
  expect(await ask(server.url, holdWith('{ gift: "yes", size: "M" }'))).toEqual({
    metadata: { gift: 'yes', size: 'M' },
  });
});

test.each([['{ gift: 1 }'], ['{ gift: $gift }'], ['{ gift: { a: "b" } }'], ['["yes"]'], ['"yes"']])(
  'the literal %s is no metadata',
  async (notes) => {
    const { status, errors } = await send(server.url, holdWith(notes), { gift: 'yes' });

    expect(status).toBe(400);
    expect(errors![0]).toMatchObject({
      message: 'Metadata is a flat object of strings: { "gift": "yes" }.',
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    });
  },
);

test('the admin finds orders by customer, payment and time, half-open', async () => {
  const own = String(await makeProduct(server.shop, { totalStock: 10 }));
  const orders: string[] = [];
  for (const [index, customerId] of ['finn', 'gwen', 'finn'].entries()) {
    await moveClock(server.database, index * 60_000);
    const hold = await create({ productId: own, customerId });
    await ask(server.url, CREATE_ORDER, { token: hold.token });
    orders.push(hold.orderId);
  }
  const paymentId = randomUUID();
  await deliver(server.url, { ...success(orders[1]!), payment_id: paymentId });
  await moveClock(server.database, 0);
  const find = async (filter: string) => {
    const { nodes } = await ask(
      server.url,
      `{ orders(productId: "${own}", ${filter}) { nodes { id createdAt } } }`,
      {},
      AS_ADMIN,
    );
    return nodes as { readonly id: string; readonly createdAt: string }[];
  };
  const ids = async (filter: string) => (await find(filter)).map(({ id }) => id);
  const [, middle] = await find('first: 3');

  expect(await ids('customerId: "finn"')).toEqual([orders[2], orders[0]]);
  expect(await ids('customerId: ""')).toEqual([]);
  expect(await ids(`paymentId: "${paymentId}"`)).toEqual([orders[1]]);
  expect(await ids(`createdAfter: "${middle!.createdAt}"`)).toEqual([orders[2], orders[1]]);
  expect(await ids(`createdBefore: "${middle!.createdAt}"`)).toEqual([orders[0]]);
  expect(
    await ids(`createdAfter: "${middle!.createdAt}", createdBefore: "${middle!.createdAt}"`),
  ).toEqual([]);
});

test('a filter with NUL is malformed', async () => {
  for (const field of ['customerId', 'paymentId']) {
    const { errors } = await send(
      server.url,
      `query ($text: String) { orders(${field}: $text) { totalCount } }`,
      { text: 'a\0b' },
      AS_ADMIN,
    );
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  }
});
