import { randomUUID } from 'node:crypto';
import {
  AS_ADMIN,
  ask,
  CANCEL_ORDER,
  CREATE_HOLD,
  CREATE_ORDER,
  ORDER,
  PRODUCT_QUERY,
  REFUSAL,
  send,
} from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { findingsOf, makeProduct, moveClock, openSession, until } from '../support/shop.ts';

const UPDATE = `mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { __typename ${REFUSAL}
  ... on Product { id name description price { amount currency } maxPerHold maxPerCustomer saleStatus
    saleStartsAt saleEndsAt availableStock updatedAt } } }`;
const CANCEL = `mutation ($orderId: ID!, $reason: String!, $restock: Boolean! = false) {
  adminCancelOrder(orderId: $orderId, reason: $reason, restock: $restock) { __typename ${REFUSAL}
    ... on Order { ${ORDER} } ... on OrderFinal { order { id status } } ... on Busy { retryAfterMs } } }`;
const EVENT = `id provider idempotencyKey paymentId orderId reportedStatus amount currency status reason
  attempts duplicates receivedAt settledAt payload`;
const REPLAY = `mutation ($id: ID!) { replayPaymentEvent(id: $id) { __typename ${REFUSAL}
  ... on PaymentEvent { ${EVENT} } } }`;
const RESOLVE = `mutation ($id: ID!, $note: String!) { resolveRefund(id: $id, note: $note) { __typename ${REFUSAL}
  ... on Refund { id status resolvedAt reason amount { amount currency } } } }`;
const RECONCILE = `mutation ($fix: Boolean! = false) { reconcile(fix: $fix) { balanced findings repaired } }`;
const REFUNDS = `query ($status: RefundStatus) { refunds(first: 100, status: $status) {
  nodes { id orderId paymentId reason status amount { amount currency } } totalCount } }`;
const EVENTS = `query ($orderId: ID) { paymentEvents(orderId: $orderId) { nodes { ${EVENT} } totalCount } }`;

const UNKNOWN_IDS = [
  randomUUID(),
  '00000000-0000-0000-0000-000000000000',
  '1',
  '',
  'x'.repeat(10_000),
  'order\u0000id',
  "1'; drop table orders; --",
];

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterEach(() => moveClock(server.database, 0));

afterAll(() => server.stop());

const as = (query: string, variables: object = {}) => ask(server.url, query, variables, AS_ADMIN);

/** A hold of a new product, and the order of it. */
async function pending(quantity = 2) {
  const productId = await makeProduct(server.shop, { totalStock: 10 });
  const { orderId, token } = await ask(server.url, CREATE_HOLD, {
    input: { productId: String(productId), quantity },
  });
  await ask(server.url, CREATE_ORDER, { token });
  return { productId, orderId: orderId as string, token: token as string };
}

async function paid(quantity = 2) {
  const made = await pending(quantity);
  await deliver(server.url, success(made.orderId, { amount: '59.98', currency: 'USD' }));
  return made;
}

const product = (id: number) => ask(server.url, PRODUCT_QUERY, { id: String(id) });

/** The rows of the audit log about one order or product, oldest first. */
const acts = (name: string) =>
  server.database.rows<Record<string, unknown>>(
    'select actor, address, request_id, act, outcome, asked, before, after, times from operator_acts where act = $1 order by id',
    [name],
  );

/** The message of an operation that must be refused as malformed, and must leave no trace. */
async function complaint(query: string, variables: object): Promise<string> {
  const sizes = () =>
    server.database.rows(
      `select (select count(*) from operator_acts) as acts, (select count(*) from stock_movements) as movements,
        (select max(updated_at) from products) as changed`,
      [],
    );
  const before = await sizes();
  const { status, data, errors } = await send(server.url, query, variables, AS_ADMIN);
  expect(status).toBeLessThan(500);
  expect(data ?? null).toBeNull();
  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  expect(await sizes()).toEqual(before);
  return errors![0]!.message;
}

describe('a changed product', () => {
  test('omitted fields are unchanged, and null clears a field', async () => {
    const id = String(
      await makeProduct(server.shop, {
        description: 'a widget',
        maxPerCustomer: 3,
        saleEndsAt: new Date('2099-01-01'),
      }),
    );

    const renamed = await as(UPDATE, { input: { id, name: 'Renamed' } });
    const cleared = await as(UPDATE, {
      input: { id, description: null, maxPerCustomer: null, saleEndsAt: null, saleStartsAt: null },
    });
    const unchanged = await as(UPDATE, { input: { id } });

    expect(renamed).toMatchObject({
      name: 'Renamed',
      description: 'a widget',
      price: { amount: '29.99', currency: 'USD' },
      maxPerCustomer: 3,
      saleEndsAt: '2099-01-01T00:00:00.000Z',
    });
    expect(cleared).toMatchObject({ description: null, maxPerCustomer: null, saleEndsAt: null });
    expect(cleared).toMatchObject({ name: 'Renamed', maxPerHold: 10 });
    expect(unchanged).toEqual(cleared);
  });

  test('its server shows it in the next answer, also when a read is in flight', async () => {
    const id = await makeProduct(server.shop);

    for (let turn = 1; turn <= 30; turn += 1) {
      await Promise.all([
        product(id),
        as(UPDATE, { input: { id: String(id), name: `Turn ${turn}` } }),
        product(id),
      ]);
      expect((await product(id)).name).toBe(`Turn ${turn}`);
    }
  });

  test('another server shows it within a second', async () => {
    await using other = await startTestServer({ DATABASE_URL: server.databaseUrl });
    const id = await makeProduct(server.shop);
    await ask(other.url, PRODUCT_QUERY, { id: String(id) });

    await as(UPDATE, { input: { id: String(id), price: '31.00' } });

    await until('the other server to show the price', async () => {
      const shown = await ask(other.url, PRODUCT_QUERY, { id: String(id) });
      return shown.price.amount === '31.00';
    });
  });

  test('its new price applies to new holds only', async () => {
    const { productId, orderId, token } = await pending();
    const held = await ask(server.url, CREATE_HOLD, { input: { productId: String(productId) } });

    await as(UPDATE, { input: { id: String(productId), price: '50.00' } });
    const repeated = await ask(server.url, CREATE_ORDER, { token });
    const ordered = await ask(server.url, CREATE_ORDER, { token: held.token });
    const next = await ask(server.url, CREATE_HOLD, { input: { productId: String(productId) } });
    const { body } = await deliver(server.url, success(orderId, { amount: '59.98' }));

    expect(repeated.totalAmount.amount).toBe('59.98');
    expect(ordered.totalAmount.amount).toBe('29.99');
    expect(next.totalAmount.amount).toBe('50.00');
    expect(body).toMatchObject({ outcome: 'applied', order_status: 'paid' });
  });

  test('two simultaneous changes both take effect', async () => {
    const id = String(await makeProduct(server.shop));

    await Promise.all([
      as(UPDATE, { input: { id, name: 'Both' } }),
      as(UPDATE, { input: { id, price: '1.00' } }),
      as(UPDATE, { input: { id, maxPerHold: 3 } }),
    ]);

    expect(await product(Number(id))).toMatchObject({
      name: 'Both',
      price: { amount: '1.00' },
      maxPerHold: 3,
    });
  });

  test('a product that does not exist cannot be changed', async () => {
    for (const id of ['2000000000', '0', '-1', '1.5', '١', ...UNKNOWN_IDS.slice(3)]) {
      expect(await as(UPDATE, { input: { id, name: 'x' } })).toMatchObject({
        __typename: 'ProductNotFound',
        code: 'PRODUCT_NOT_FOUND',
        retryable: false,
      });
    }
  });

  test.each([
    ['a name of null', { name: null }],
    ['an empty name', { name: '' }],
    ['a name of spaces', { name: '  ' }],
    ['a name of characters without width', { name: '\u200b\u3164\u2800' }],
    ['a name of 201 characters', { name: 'x'.repeat(201) }],
    ['a name with NUL', { name: 'a\u0000b' }],
    ['a name with half a pair', { name: 'a\ud800b' }],
    ['a description of 5,001 characters', { description: 'x'.repeat(5001) }],
    ['a description with NUL', { description: '\u0000' }],
    ['a price of null', { price: null }],
    ['an empty price', { price: '' }],
    ['a negative price', { price: '-1.00' }],
    ['a price that is not a number', { price: 'NaN' }],
    ['a price that is a number', { price: 12.5 }],
    ['a price of more digits than the currency has', { price: '1.005' }],
    ['a price that makes a hold of sixteen digits', { price: '99999999999999.99' }],
    ['a hold of null', { maxPerHold: null }],
    ['a hold of 0', { maxPerHold: 0 }],
    ['a negative hold', { maxPerHold: -1 }],
    ['a hold of a fraction', { maxPerHold: 1.5 }],
    ['a hold beyond an integer', { maxPerHold: 2_147_483_648 }],
    ['a hold whose total is too long', { price: '9999999999.99', maxPerHold: 2_147_483_647 }],
    ['a customer limit of 0', { maxPerCustomer: 0 }],
    [
      'an end before the start',
      { saleStartsAt: '2030-01-02T00:00:00Z', saleEndsAt: '2030-01-01T00:00:00Z' },
    ],
    ['an end before the current start', { saleEndsAt: '2019-01-01T00:00:00Z' }],
    ['a start at the current end', { saleStartsAt: '2090-01-01T00:00:00Z' }],
    ['a day that does not exist', { saleStartsAt: '2030-02-30T00:00:00Z' }],
    ['another currency', { currency: 'EUR' }],
    ['another stock', { totalStock: 5 }],
  ])('%s is refused and changes nothing', async (_what, wrong) => {
    const id = await makeProduct(server.shop, {
      saleStartsAt: new Date('2020-01-01'),
      saleEndsAt: new Date('2090-01-01'),
    });
    const before = await product(id);

    const message = await complaint(UPDATE, { input: { id: String(id), ...wrong } });

    expect(message).not.toMatch(/node_modules|constraint|\.(ts|js)\b|select|update /);
    expect(await product(id)).toEqual(before);
  });
});

describe('an order that the admin cancels', () => {
  test('the units of a pending order become available, and a late payment is refunded', async () => {
    const { productId, orderId } = await pending();

    const cancelled = await as(CANCEL, { orderId, reason: 'fraud' });
    const { body } = await deliver(server.url, success(orderId, { amount: '59.98' }));

    expect(cancelled).toMatchObject({
      __typename: 'Order',
      status: 'CANCELLED',
      paymentId: null,
      remainingMs: 0,
      refunds: [],
    });
    expect(body).toMatchObject({ outcome: 'refund_required', order_status: 'cancelled' });
    expect(await product(productId)).toMatchObject({ availableStock: 10, heldStock: 0 });
    expect(await as(`{ adminOrder(id: "${orderId}") { refunds { reason status } } }`)).toEqual({
      refunds: [{ reason: 'ORDER_CANCELLED', status: 'OPEN' }],
    });
  });

  test.each([
    [true, { totalStock: 10, availableStock: 10, soldStock: 0 }],
    [false, { totalStock: 8, availableStock: 8, soldStock: 0 }],
  ])(
    'a paid order is refunded, and with restock %p its units become available or are removed',
    async (restock, stock) => {
      const { productId, orderId } = await paid();

      const cancelled = await as(CANCEL, { orderId, reason: 'returned', restock });

      expect(cancelled).toMatchObject({
        status: 'CANCELLED',
        paymentId: expect.stringMatching(/^pay_/),
        paidAt: expect.any(String),
        refunds: [
          {
            orderId,
            paymentId: cancelled.paymentId,
            reason: 'ORDER_CANCELLED',
            status: 'OPEN',
            amount: { amount: '59.98', currency: 'USD' },
          },
        ],
      });
      expect(await product(productId)).toMatchObject(stock);
      expect(await findingsOf(server.shop, productId)).toEqual([]);
      const { nodes } = await as(
        `{ stockMovements(productId: "${productId}", first: 1) { nodes { cause reason soldDelta totalDelta availableDelta } } }`,
      );
      expect(nodes).toEqual([
        {
          cause: 'CANCELLATION',
          reason: 'returned',
          soldDelta: -2,
          totalDelta: restock ? 0 : -2,
          availableDelta: restock ? 2 : 0,
        },
      ]);
    },
  );

  test('a second cancellation returns it unchanged, and its payment is refunded once', async () => {
    const { productId, orderId } = await paid();
    const first = await as(CANCEL, { orderId, reason: 'returned', restock: true });

    const again = await as(CANCEL, { orderId: orderId.toUpperCase(), reason: 'again' });
    const redelivered = await deliver(
      server.url,
      success(orderId, { payment_id: first.paymentId, amount: '59.98' }),
    );
    const second = await deliver(server.url, success(orderId, { amount: '59.98' }));

    expect(again).toEqual(first);
    expect(redelivered.body.outcome).toBe('ignored');
    expect(second.body.outcome).toBe('refund_required');
    const { refunds } = await as(`{ adminOrder(id: "${orderId}") { refunds { reason } } }`);
    expect(refunds).toEqual([{ reason: 'ORDER_CANCELLED' }, { reason: 'ORDER_CANCELLED' }]);
    expect(await product(productId)).toMatchObject({ totalStock: 10, availableStock: 10 });
    expect(await as(RECONCILE)).toMatchObject({ balanced: true, findings: [] });
  });

  test('after an admin cancel of an order that the buyer cancelled, a late payment is refunded', async () => {
    const { productId, orderId, token } = await pending();
    await ask(server.url, CANCEL_ORDER, { token });

    const again = await as(CANCEL, { orderId, reason: 'late' });
    const { body } = await deliver(server.url, success(orderId));

    expect(again).toMatchObject({ __typename: 'Order', status: 'CANCELLED' });
    expect(body).toMatchObject({ outcome: 'refund_required', order_status: 'cancelled' });
    expect(await product(productId)).toMatchObject({ availableStock: 10, heldStock: 0 });
  });

  test('an expired order is final', async () => {
    const { productId, orderId } = await pending();
    await moveClock(server.database, 601_000);
    await until('the order to expire', async () => (await product(productId)).heldStock === 0);

    const refused = await as(CANCEL, { orderId, reason: 'late' });

    expect(refused).toMatchObject({
      __typename: 'OrderFinal',
      code: 'ORDER_FINAL',
      retryable: false,
      order: { id: orderId, status: 'EXPIRED' },
    });
  });

  test('an unknown order id is ORDER_NOT_FOUND', async () => {
    for (const orderId of UNKNOWN_IDS) {
      expect(await as(CANCEL, { orderId, reason: 'x' })).toEqual({
        __typename: 'OrderNotFound',
        code: 'ORDER_NOT_FOUND',
        message: 'No order has this id.',
        retryable: false,
      });
      expect(
        await as('query ($id: ID!) { adminOrder(id: $id) { id } }', { id: orderId }),
      ).toBeNull();
    }
  });

  test('an order whose product is locked is BUSY, and nothing changes', async () => {
    const { productId, orderId } = await paid();
    await using session = await openSession(server.databaseUrl);
    await session.query('begin');
    await session.query('select from stock_levels where product_id = $1 for update', [productId]);

    const busy = await as(CANCEL, { orderId, reason: 'x' });
    await session.query('rollback');

    expect(busy).toMatchObject({ __typename: 'Busy', code: 'BUSY', retryable: true });
    expect(await as(`{ adminOrder(id: "${orderId}") { status refunds { id } } }`)).toEqual({
      status: 'PAID',
      refunds: [],
    });
  });

  test.each([
    ['no reason', { reason: '' }],
    ['a reason of null', { reason: null }],
    ['a reason of 10 KB', { reason: 'x'.repeat(10_240) }],
    ['a reason with NUL', { reason: 'a\u0000b' }],
    ['a reason with half a pair', { reason: '\udc00' }],
    ['a restock of null', { reason: 'x', restock: null }],
    ['a restock that is text', { reason: 'x', restock: 'true' }],
  ])('%s is no way to cancel', async (_what, wrong) => {
    const { orderId } = await pending(1);

    await complaint(CANCEL, { orderId, ...wrong });

    expect(await as(`{ adminOrder(id: "${orderId}") { status } }`)).toEqual({ status: 'PENDING' });
  });
});

describe('a replayed event', () => {
  test('a dead event is settled when its cause is repaired', async () => {
    const { orderId, productId } = await pending();
    await server.database.rows(
      `insert into payment_events (id, provider, idempotency_key, payment_id, order_id, reported_status, amount,
        currency, status, counted, reason, attempts, duplicates, received_at, payload, headers, answer_status, answer_body)
       values (gen_random_uuid(), 'payments', $1, 'pay_dead', $2, 'success', 59.980, 'USD', 'DEAD', false, 'it broke', 10, 0,
        shop_clock(), '{"raw": true}', '{}', 202, '{}')`,
      [randomUUID(), orderId],
    );
    const { nodes } = await as(EVENTS, { orderId });
    const [dead] = nodes;

    const replayed = await as(REPLAY, { id: dead.id.toUpperCase() });
    const again = await as(REPLAY, { id: dead.id });

    expect(dead).toMatchObject({
      status: 'DEAD',
      reason: 'it broke',
      amount: '59.980',
      payload: '{"raw": true}',
    });
    expect(replayed).toMatchObject({
      __typename: 'PaymentEvent',
      status: 'APPLIED',
      attempts: 10,
      settledAt: expect.any(String),
    });
    expect(again).toEqual(replayed);
    expect(await product(productId)).toMatchObject({ soldStock: 2, heldStock: 0 });
  });

  test('a parked event without its order stays parked', async () => {
    const orderId = randomUUID();
    await deliver(server.url, success(orderId));
    const { nodes } = await as(EVENTS, { orderId });

    const replayed = await as(REPLAY, { id: nodes[0].id });

    expect(replayed).toMatchObject({ status: 'PARKED', attempts: 0, settledAt: null });
  });

  test('applied, ignored and refunded events do not change', async () => {
    const { orderId } = await paid();
    await deliver(server.url, success(orderId));
    await deliver(server.url, success(orderId, { status: 'failed' }));
    const { nodes } = await as(EVENTS, { orderId });

    for (const event of nodes) {
      expect(await as(REPLAY, { id: event.id })).toEqual({ __typename: 'PaymentEvent', ...event });
    }
    expect(nodes.map(({ status }: { status: string }) => status)).toEqual([
      'IGNORED',
      'REFUND_REQUIRED',
      'APPLIED',
    ]);
  });

  test('an unknown event id is PAYMENT_EVENT_NOT_FOUND', async () => {
    for (const id of UNKNOWN_IDS) {
      expect(await as(REPLAY, { id })).toEqual({
        __typename: 'PaymentEventNotFound',
        code: 'PAYMENT_EVENT_NOT_FOUND',
        message: 'No payment event has this id.',
        retryable: false,
      });
    }
  });
});

describe('a resolved refund', () => {
  test('a second resolution returns it unchanged, with its first note', async () => {
    const { orderId } = await paid();
    await deliver(server.url, success(orderId, { amount: '59.98' }));
    const { nodes } = await as(REFUNDS, { status: 'OPEN' });
    const open = nodes.find((refund: { orderId: string }) => refund.orderId === orderId);

    const resolved = await as(RESOLVE, { id: open.id, note: 'wired back' });
    const again = await as(RESOLVE, { id: open.id, note: 'another note' });

    expect(open).toMatchObject({ reason: 'DUPLICATE_PAYMENT', status: 'OPEN' });
    expect(resolved).toMatchObject({
      __typename: 'Refund',
      status: 'RESOLVED',
      resolvedAt: expect.any(String),
      amount: { amount: '59.98', currency: 'USD' },
    });
    expect(again).toEqual(resolved);
    const [row] = await server.database.rows<{ note: string }>(
      'select note from refunds where id = $1',
      [open.id],
    );
    expect(row!.note).toBe('wired back');
    expect((await acts('resolveRefund')).map(({ before, after }) => [before, after])).toMatchObject(
      [
        [{ status: 'OPEN' }, { status: 'RESOLVED', note: 'wired back' }],
        [{ status: 'RESOLVED' }, { status: 'RESOLVED', note: 'wired back' }],
      ],
    );
  });

  test('an unknown refund id is REFUND_NOT_FOUND', async () => {
    for (const id of UNKNOWN_IDS) {
      expect(await as(RESOLVE, { id, note: 'x' })).toMatchObject({
        __typename: 'RefundNotFound',
        code: 'REFUND_NOT_FOUND',
        retryable: false,
      });
    }
  });

  test.each([
    ['no note', ''],
    ['a note of null', null],
    ['a note of 10 KB', 'x'.repeat(10_240)],
    ['a note with NUL', 'a\u0000b'],
  ])('%s resolves nothing', async (_what, note) => {
    await complaint(RESOLVE, { id: randomUUID(), note });
  });
});

test('every admin operation is in the audit log with request and address, without the token', async () => {
  const { orderId, productId } = await paid();
  await as(CANCEL, { orderId, reason: 'on record', restock: true });
  await as(CANCEL, { orderId: randomUUID(), reason: 'never was' });
  await as(UPDATE, { input: { id: String(productId), price: '1.00' } });
  await as(RECONCILE);

  const [cancelled] = (await acts('adminCancelOrder')).filter(
    ({ asked }) => (asked as { reason: string }).reason === 'on record',
  );
  const missed = (await acts('adminCancelOrder')).at(-1);
  const [[updated], [reconciled]] = [
    (await acts('updateProduct')).slice(-1),
    (await acts('reconcile')).slice(-1),
  ];

  expect(cancelled).toEqual({
    actor: 'admin token',
    address: expect.stringContaining('127.0.0.1'),
    request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    act: 'adminCancelOrder',
    outcome: 'DONE',
    asked: { orderId, reason: 'on record', restock: true },
    before: expect.objectContaining({ status: 'PAID', cancelledBy: null }),
    after: expect.objectContaining({
      status: 'CANCELLED',
      cancelledBy: 'OPERATOR',
      restocked: true,
    }),
    times: 1,
  });
  expect(missed).toMatchObject({ outcome: 'ORDER_NOT_FOUND', before: null, after: null });
  expect(updated).toMatchObject({ before: { price: '29.99' }, after: { price: '1.00' } });
  expect(reconciled).toMatchObject({ asked: { fix: false }, outcome: 'DONE' });
  const [dump] = await server.database.rows<{ text: string }>(
    'select string_agg(a::text, $1) as text from operator_acts a',
    ['\n'],
  );
  expect(dump!.text).not.toContain(AS_ADMIN.authorization.slice('Bearer '.length));
});
