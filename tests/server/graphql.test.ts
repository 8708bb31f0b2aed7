import { randomUUID } from 'node:crypto';
import {
  AS_ADMIN,
  ask,
  CANCEL_ORDER,
  CREATE_HOLD,
  CREATE_ORDER,
  HOLD_QUERY,
  ORDER_QUERY,
  PRODUCT_QUERY,
  RELEASE_HOLD,
  send,
} from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { openDatabaseProxy, startTestServer, type TestServer } from '../support/server.ts';
import {
  findingsOf,
  makeProduct,
  moveClock,
  openSession,
  stockOf,
  until,
} from '../support/shop.ts';
import { sentStatements } from '../support/statement-log.ts';

let server: TestServer;

beforeAll(async () => {
  // The sweep runs once a year, so that holds and orders expire by the clock alone.
  server = await startTestServer({ SWEEP_CRON: '0 0 0 1 1 *' });
});

afterEach(() => moveClock(server.database, 0));

afterAll(() => server.stop());

const product = (wanted = {}) => makeProduct(server.shop, wanted);

const hold = (productId: number, wish = {}) =>
  ask(server.url, CREATE_HOLD, { input: { productId: String(productId), ...wish } });

const withToken = (mutation: string, token: string) => ask(server.url, mutation, { token });

/** A paid order of a new product with this number of units, and its hold's token. */
async function paid(totalStock = 1) {
  const productId = await product({ totalStock });
  const { token, orderId } = await hold(productId);
  await withToken(CREATE_ORDER, token);
  await deliver(server.url, success(orderId));
  return { productId, token, orderId };
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('a purchase', () => {
  test('a buyer gets from the product to a paid order by HTTP alone', async () => {
    const productId = await product({ totalStock: 5, name: 'Widget' });

    const shown = await ask(server.url, PRODUCT_QUERY, { id: String(productId) });
    const held = await hold(productId, { quantity: 2, customerId: 'anna' });
    const whileHeld = await ask(server.url, HOLD_QUERY, { token: held.token });
    const noOrderYet = await ask(server.url, ORDER_QUERY, { token: held.token });
    const ordered = await withToken(CREATE_ORDER, held.token);
    const answer = await deliver(
      server.url,
      success(held.orderId, { payment_id: 'pay_first', amount: 59.98, currency: 'usd' }),
    );
    const bought = await ask(server.url, ORDER_QUERY, { token: held.token });
    const holdAfter = await ask(server.url, HOLD_QUERY, { token: held.token });
    const left = await ask(server.url, PRODUCT_QUERY, { id: String(productId) });

    expect(shown).toMatchObject({
      id: String(productId),
      name: 'Widget',
      price: { amount: '29.99', currency: 'USD' },
      totalStock: 5,
      availableStock: 5,
      stockStatus: 'AVAILABLE',
      saleStatus: 'LIVE',
      createdAt: expect.stringMatching(ISO),
    });
    expect(held).toMatchObject({
      __typename: 'Hold',
      id: expect.stringMatching(UUID_V7),
      orderId: expect.stringMatching(UUID_V7),
      quantity: 2,
      status: 'ACTIVE',
      unitPrice: { amount: '29.99', currency: 'USD' },
      totalAmount: { amount: '59.98', currency: 'USD' },
      expiresAt: expect.stringMatching(ISO),
    });
    expect(Date.parse(held.expiresAt) - Date.parse(held.createdAt)).toBe(120_000);
    expect(held.remainingMs).toBe(120_000);
    expect(whileHeld).toMatchObject({
      token: held.token,
      status: 'ACTIVE',
      order: null,
      product: { id: String(productId), name: 'Widget' },
    });
    expect(noOrderYet).toBeNull();
    expect(ordered).toMatchObject({
      __typename: 'Order',
      id: held.orderId,
      status: 'PENDING',
      quantity: 2,
      totalAmount: { amount: '59.98', currency: 'USD' },
      paymentId: null,
      paidAt: null,
      refunds: [],
    });
    expect(ordered.remainingMs).toBeGreaterThan(590_000);
    expect(ordered.remainingMs).toBeLessThanOrEqual(600_000);
    expect(Date.parse(ordered.paymentExpiresAt) - Date.parse(ordered.createdAt)).toBe(600_000);
    expect(answer.body).toMatchObject({ outcome: 'applied', order_status: 'paid' });
    expect(bought).toMatchObject({
      id: held.orderId,
      status: 'PAID',
      paymentId: 'pay_first',
      paidAt: expect.stringMatching(ISO),
      remainingMs: 0,
      product: { id: String(productId) },
    });
    expect(holdAfter).toMatchObject({
      status: 'CONVERTED',
      remainingMs: 0,
      order: { id: held.orderId, status: 'PAID' },
    });
    expect(left).toMatchObject({ availableStock: 3, heldStock: 0, soldStock: 2, stockVersion: 3 });
    expect(await findingsOf(server.shop, productId)).toEqual([]);
  });

  test('a released hold and a cancelled order return their units, and a repeated call changes nothing', async () => {
    const productId = await product({ totalStock: 3 });
    const released = await hold(productId);
    const cancelled = await hold(productId);
    await withToken(CREATE_ORDER, cancelled.token);

    const releases = [
      await withToken(RELEASE_HOLD, released.token),
      await withToken(RELEASE_HOLD, released.token),
    ];
    const cancels = [
      await withToken(CANCEL_ORDER, cancelled.token),
      await withToken(CANCEL_ORDER, cancelled.token),
    ];

    expect(releases).toEqual(
      Array(2).fill(
        expect.objectContaining({ __typename: 'Hold', id: released.id, status: 'RELEASED' }),
      ),
    );
    expect(cancels).toEqual(
      Array(2).fill(
        expect.objectContaining({
          __typename: 'Order',
          id: cancelled.orderId,
          status: 'CANCELLED',
          remainingMs: 0,
        }),
      ),
    );
    expect(await stockOf(server.shop, productId)).toMatchObject({ available: 3, held: 0 });
  });

  test('an open refund is shown with its order', async () => {
    const { token, orderId } = await paid(1);

    await deliver(server.url, success(orderId, { payment_id: 'pay_again', amount: '29.99' }));
    const order = await ask(server.url, ORDER_QUERY, { token });

    expect(order).toMatchObject({
      status: 'PAID',
      refunds: [
        {
          orderId,
          paymentId: 'pay_again',
          reason: 'DUPLICATE_PAYMENT',
          status: 'OPEN',
          amount: { amount: '29.99', currency: 'USD' },
          resolvedAt: null,
        },
      ],
    });
  });

  test('a hold and its order keep the price of the creation', async () => {
    const productId = await product({ price: '1500', currency: 'JPY' });
    const before = await hold(productId, { quantity: 3 });

    await server.database.rows('update products set price_minor = 9900 where id = $1', [productId]);
    const shown = await ask(server.url, HOLD_QUERY, { token: before.token });
    const ordered = await withToken(CREATE_ORDER, before.token);
    const after = await hold(productId);

    for (const frozen of [shown, ordered]) {
      expect(frozen).toMatchObject({
        unitPrice: { amount: '1500', currency: 'JPY' },
        totalAmount: { amount: '4500', currency: 'JPY' },
      });
    }
    expect(after.unitPrice).toEqual({ amount: '9900', currency: 'JPY' });
  });

  test('serverTime is the clock of the database, and moves with it', async () => {
    await moveClock(server.database, 3_600_000);

    const time = await ask(server.url, '{ serverTime }');

    const ahead = Date.parse(time) - Date.now();
    expect(ahead).toBeGreaterThan(3_500_000);
    expect(ahead).toBeLessThan(3_700_000);
  });
});

describe('idempotency', () => {
  test('one key used 50 times at once over two servers is one hold with one token', async () => {
    await using second = await startTestServer({ DATABASE_URL: server.databaseUrl });
    const productId = await product({ totalStock: 10 });
    const input = { productId: String(productId), quantity: 2, idempotencyKey: randomUUID() };

    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, position) =>
        ask(position % 2 === 0 ? server.url : second.url, CREATE_HOLD, { input }),
      ),
    );

    expect(new Set(answers.map(({ token }) => token)).size).toBe(1);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers[0].__typename).toBe('Hold');
    expect(await stockOf(server.shop, productId)).toMatchObject({ available: 8, held: 2 });
  });

  test('a key with other arguments is refused, and the first hold does not change', async () => {
    const productId = await product();
    const other = await product();
    const idempotencyKey = randomUUID();
    const first = await hold(productId, { quantity: 2, idempotencyKey });

    const answers = [
      await hold(productId, { quantity: 3, idempotencyKey }),
      await hold(productId, { quantity: 2, idempotencyKey, customerId: 'anna' }),
      await hold(other, { quantity: 2, idempotencyKey }),
    ];

    for (const answer of answers) {
      expect(answer).toMatchObject({
        __typename: 'IdempotencyKeyReused',
        code: 'IDEMPOTENCY_KEY_REUSED',
        retryable: false,
      });
    }
    expect((await hold(productId, { quantity: 2, idempotencyKey })).token).toBe(first.token);
    expect(await stockOf(server.shop, other)).toMatchObject({ held: 0 });
  });

  test('20 simultaneous createOrder calls make one order', async () => {
    const productId = await product();
    const { token, orderId } = await hold(productId);

    const orders = await Promise.all(
      Array.from({ length: 20 }, () => withToken(CREATE_ORDER, token)),
    );

    expect(orders.map(({ id }) => id)).toEqual(Array(20).fill(orderId));
    expect(await findingsOf(server.shop, productId)).toEqual([]);
  });

  test('createOrder repeated after the deadline returns the existing order', async () => {
    const productId = await product();
    const { token, orderId } = await hold(productId);
    await withToken(CREATE_ORDER, token);

    await moveClock(server.database, 121_000);
    const again = await withToken(CREATE_ORDER, token);

    expect(again).toMatchObject({ __typename: 'Order', id: orderId, status: 'PENDING' });
  });
});

describe('refusals', () => {
  test('an unknown product cannot be held', async () => {
    const answer = await hold(2_000_000_000);

    expect(answer).toEqual({
      __typename: 'ProductNotFound',
      code: 'PRODUCT_NOT_FOUND',
      message: 'No product has this id.',
      retryable: false,
    });
  });

  test('held units may become available again, sold units never', async () => {
    const held = await product({ totalStock: 1 });
    await hold(held);
    const { productId: sold } = await paid(1);
    const scarce = await product({ totalStock: 2 });

    expect(await hold(held)).toEqual({
      __typename: 'InsufficientStock',
      code: 'INSUFFICIENT_STOCK',
      message: '1 requested, 0 available.',
      retryable: true,
      availableStock: 0,
      stockStatus: 'ALL_HELD',
    });
    expect(await hold(sold)).toMatchObject({
      __typename: 'InsufficientStock',
      retryable: false,
      availableStock: 0,
      stockStatus: 'SOLD_OUT',
    });
    expect(await hold(scarce, { quantity: 3 })).toMatchObject({
      __typename: 'InsufficientStock',
      message: '3 requested, 2 available.',
      availableStock: 2,
      stockStatus: 'AVAILABLE',
    });
  });

  test('a sale is closed before its start and from its end on', async () => {
    const startsAt = new Date(Date.now() + 3_600_000);
    const endsAt = new Date(Date.now() - 3_600_000);
    const upcoming = await product({ saleStartsAt: startsAt });
    const ended = await product({ saleEndsAt: endsAt });

    const [early, late] = [await hold(upcoming), await hold(ended)];
    await moveClock(server.database, 3_600_001);
    const opened = await hold(upcoming);

    expect(early).toMatchObject({
      __typename: 'SaleNotOpen',
      code: 'SALE_NOT_OPEN',
      retryable: true,
      saleStatus: 'UPCOMING',
      startsAt: startsAt.toISOString(),
      endsAt: null,
    });
    expect(early.opensInMs).toBeGreaterThan(3_500_000);
    expect(early.opensInMs).toBeLessThanOrEqual(3_600_000);
    expect(late).toMatchObject({
      __typename: 'SaleNotOpen',
      retryable: false,
      saleStatus: 'ENDED',
      startsAt: null,
      endsAt: endsAt.toISOString(),
      opensInMs: null,
    });
    expect(opened.__typename).toBe('Hold');
  });

  test('a countdown of more than 24 days is the largest Int', async () => {
    const upcoming = await product({ saleStartsAt: new Date(Date.now() + 60 * 86_400_000) });

    expect((await hold(upcoming)).opensInMs).toBe(2_147_483_647);
  });

  test('a customer at the limit is refused, and the refusal states how many are left', async () => {
    const productId = await product({ maxPerCustomer: 3 });
    await hold(productId, { quantity: 2, customerId: 'ben' });

    const refused = await hold(productId, { quantity: 2, customerId: 'ben' });
    const other = await hold(productId, { quantity: 2, customerId: 'cleo' });
    const empty = await send(server.url, CREATE_HOLD, {
      input: { productId: String(productId) },
    });

    expect(refused).toMatchObject({
      __typename: 'PurchaseLimitExceeded',
      code: 'PURCHASE_LIMIT_EXCEEDED',
      retryable: true,
      limit: 3,
      remaining: 1,
    });
    expect(other.__typename).toBe('Hold');
    expect(empty.errors![0]!.extensions.code).toBe('BAD_USER_INPUT');
  });

  test('an invalid token finds no hold and no order', async () => {
    const stranger = `${randomUUID()}.${'x'.repeat(43)}`;
    const { token } = await hold(await product());

    expect(await withToken(RELEASE_HOLD, stranger)).toMatchObject({
      __typename: 'HoldNotFound',
      code: 'HOLD_NOT_FOUND',
      retryable: false,
    });
    expect(await withToken(CREATE_ORDER, stranger)).toMatchObject({ __typename: 'HoldNotFound' });
    expect(await withToken(CANCEL_ORDER, stranger)).toMatchObject({
      __typename: 'OrderNotFound',
      code: 'ORDER_NOT_FOUND',
      retryable: false,
    });
    expect(await withToken(CANCEL_ORDER, token)).toMatchObject({ __typename: 'OrderNotFound' });
    expect(await ask(server.url, HOLD_QUERY, { token: stranger })).toBeNull();
    expect(await ask(server.url, ORDER_QUERY, { token: stranger })).toBeNull();
  });

  test('the code of a refused hold is the way it ended: expired, released or converted', async () => {
    const productId = await product();
    const [released, converted, expired] = [
      await hold(productId),
      await hold(productId),
      await hold(productId),
    ];
    await withToken(RELEASE_HOLD, released.token);
    await withToken(CREATE_ORDER, converted.token);

    const orderOfReleased = await withToken(CREATE_ORDER, released.token);
    const releaseOfConverted = await withToken(RELEASE_HOLD, converted.token);
    await moveClock(server.database, 120_001);
    const orderOfExpired = await withToken(CREATE_ORDER, expired.token);
    const releaseOfExpired = await withToken(RELEASE_HOLD, expired.token);
    const shown = await ask(server.url, HOLD_QUERY, { token: expired.token });

    expect(orderOfReleased).toMatchObject({
      __typename: 'HoldNotActive',
      code: 'HOLD_RELEASED',
      holdStatus: 'RELEASED',
      retryable: false,
    });
    expect(releaseOfConverted).toMatchObject({
      __typename: 'HoldNotActive',
      code: 'HOLD_CONVERTED',
      status: 'CONVERTED',
    });
    expect(orderOfExpired).toMatchObject({
      __typename: 'HoldNotActive',
      code: 'HOLD_EXPIRED',
      holdStatus: 'EXPIRED',
    });
    expect(releaseOfExpired).toMatchObject({
      __typename: 'HoldNotActive',
      code: 'HOLD_EXPIRED',
      status: 'EXPIRED',
    });
    expect(shown).toMatchObject({ status: 'EXPIRED', remainingMs: 0, order: null });
  });

  test('a paid or expired order is final, and is returned with its state', async () => {
    const { token: paidToken } = await paid();
    const last = await product({ totalStock: 1 });
    const late = await hold(last);
    await withToken(CREATE_ORDER, late.token);

    const ofPaid = await withToken(CANCEL_ORDER, paidToken);
    await moveClock(server.database, 601_000);
    // The next buyer reclaims the due order's unit, which ends it.
    await hold(last);
    const ofExpired = await withToken(CANCEL_ORDER, late.token);

    expect(ofPaid).toMatchObject({
      __typename: 'OrderFinal',
      code: 'ORDER_FINAL',
      retryable: false,
      order: { status: 'PAID', refunds: [] },
    });
    expect(ofExpired).toMatchObject({
      __typename: 'OrderFinal',
      code: 'ORDER_FINAL',
      order: { id: late.orderId, status: 'EXPIRED' },
    });
  });

  test('one fragment reads every kind of refusal', async () => {
    const productId = await product({ totalStock: 1 });
    await hold(productId);
    const document = `mutation ($input: CreateHoldInput!) { createHold(input: $input) {
      ... on CheckoutError { code message retryable } } }`;

    const answers = [
      await ask(server.url, document, { input: { productId: 'nothing' } }),
      await ask(server.url, document, { input: { productId: String(productId) } }),
    ];

    expect(answers).toEqual([
      { code: 'PRODUCT_NOT_FOUND', message: expect.any(String), retryable: false },
      { code: 'INSUFFICIENT_STOCK', message: expect.any(String), retryable: true },
    ]);
  });
});

describe('when the shop is busy or unavailable', () => {
  test('a locked stock row is BUSY, and nothing changes', async () => {
    const productId = await product();
    const { token } = await hold(productId);
    await using session = await openSession(server.databaseUrl);
    await session.query('begin');
    await session.query('select * from stock_levels where product_id = $1 for update', [productId]);

    const [held, released] = await Promise.all([hold(productId), withToken(RELEASE_HOLD, token)]);
    await session.query('rollback');

    for (const busy of [held, released]) {
      expect(busy).toMatchObject({ __typename: 'Busy', code: 'BUSY', retryable: true });
      expect(busy.retryAfterMs).toBeGreaterThan(0);
    }
    expect(await stockOf(server.shop, productId)).toMatchObject({ held: 1, version: 2 });
    expect((await hold(productId)).__typename).toBe('Hold');
  });

  test('with a queue of one, the third simultaneous buyer gets BUSY', async () => {
    await using small = await startTestServer({
      DATABASE_URL: server.databaseUrl,
      HOLD_QUEUE_MAX: '1',
    });
    const productId = await product();
    await using session = await openSession(server.databaseUrl);
    await session.query('begin');
    await session.query('select * from stock_levels where product_id = $1 for update', [productId]);
    const holdThere = () =>
      ask(small.url, CREATE_HOLD, { input: { productId: String(productId) } });

    const first = holdThere();
    await until('the first to wait for the lock', () => isAnyoneWaiting());
    // One of the next two requests takes the only place in the queue.
    const others = [holdThere(), holdThere()];
    const refused = await Promise.race(others);
    await session.query('rollback');
    const served = await Promise.all([first, ...others]);

    expect(refused).toMatchObject({ __typename: 'Busy', code: 'BUSY', retryable: true });
    expect(served.filter(({ __typename }) => __typename === 'Hold')).toHaveLength(2);

    async function isAnyoneWaiting(): Promise<boolean> {
      const { rows } = await session.query(
        `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      );
      return rows.length > 0;
    }
  });

  test('without its database the server answers OVERLOADED and 503, is not ready, and recovers', async () => {
    await using line = await openDatabaseProxy(server.databaseUrl);
    await using cutOff = await startTestServer({ DATABASE_URL: line.url });
    const productId = String(await product());
    const readiness = async () => (await fetch(`${cutOff.url}/readyz`)).status;
    const before = await readiness();

    line.cut();
    const answers = [
      await send(cutOff.url, PRODUCT_QUERY, { id: productId }),
      await send(cutOff.url, CREATE_HOLD, { input: { productId } }),
      await send(cutOff.url, '{ serverTime }'),
    ];
    const away = await until('it to be unready', async () => {
      const status = await readiness();
      return status !== 200 && status;
    });
    const alive = await fetch(`${cutOff.url}/healthz`);
    line.restore();
    await until('the server to be ready again', async () => (await readiness()) === 200);
    const after = await send(cutOff.url, CREATE_HOLD, { input: { productId } });

    expect([before, away, alive.status]).toEqual([200, 503, 200]);
    for (const answer of answers) {
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(answer.errors).toMatchObject([{ extensions: { code: 'OVERLOADED' } }]);
    }
    expect(after.data.createHold.__typename).toBe('Hold');
  });
});

describe('the catalogue', () => {
  const PRODUCTS = `query ($first: Int, $after: String, $saleStatus: SaleStatus) {
    products(first: $first, after: $after, saleStatus: $saleStatus) {
      totalCount edges { cursor node { id } } nodes { id }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
  let catalogue: TestServer;
  let ids: string[];

  beforeAll(async () => {
    // Without sweeps, whose statements would be counted with those of a page.
    catalogue = await startTestServer({ SWEEP_CRON: '0 0 0 1 1 *' });
    const past = new Date(Date.now() - 3_600_000);
    const future = new Date(Date.now() + 3_600_000);
    const windows = [{}, { saleStartsAt: future }, { saleEndsAt: past }, { saleStartsAt: past }];
    ids = [];
    for (let position = 0; position < 23; position += 1) {
      ids.push(String(await makeProduct(catalogue.shop, windows[position % 4])));
    }
  });

  afterAll(() => catalogue.stop());

  const page = (variables = {}) => ask(catalogue.url, PRODUCTS, variables);
  const idsOf = ({ nodes }: { nodes: { id: string }[] }) => nodes.map(({ id }) => id);

  test('pages contain each product once, newest first', async () => {
    const seen: string[] = [];
    let after: string | null = null;
    const pages = [];
    do {
      const next: Awaited<ReturnType<typeof page>> = await page({ first: 10, after });
      pages.push(next);
      seen.push(...idsOf(next));
      after = next.pageInfo.hasNextPage ? next.pageInfo.endCursor : null;
    } while (after !== null);

    expect(seen).toEqual(ids.toReversed());
    expect(pages.map(({ totalCount }) => totalCount)).toEqual([23, 23, 23]);
    expect(pages.map(({ pageInfo }) => pageInfo.hasPreviousPage)).toEqual([false, true, true]);
    for (const { edges, nodes, pageInfo } of pages) {
      expect(edges.map(({ node }: { node: object }) => node)).toEqual(nodes);
      expect(pageInfo.startCursor).toBe(edges[0].cursor);
      expect(pageInfo.endCursor).toBe(edges.at(-1).cursor);
    }
  });

  test('a page has 20 products by default, and the last page may be empty', async () => {
    const first = await page();
    const last = await page({ after: Buffer.from(`product:${ids[0]}`).toString('base64url') });

    expect(first.nodes).toHaveLength(20);
    expect(last).toMatchObject({
      nodes: [],
      totalCount: 23,
      pageInfo: { hasNextPage: false, startCursor: null, endCursor: null },
    });
  });

  test('only products with the given sale status are listed and counted', async () => {
    const [live, upcoming, ended] = [
      await page({ saleStatus: 'LIVE', first: 5 }),
      await page({ saleStatus: 'UPCOMING' }),
      await page({ saleStatus: 'ENDED' }),
    ];

    expect([live.totalCount, upcoming.totalCount, ended.totalCount]).toEqual([11, 6, 6]);
    expect(live.nodes).toHaveLength(5);
    expect(idsOf(ended)).toEqual(ids.filter((_, position) => position % 4 === 2).toReversed());
  });

  test('a cursor of another list and a page of size 0 are refused', async () => {
    const after = Buffer.from('order:1').toString('base64url');
    const wrong = [
      { after },
      { after: '' },
      { after: 'a'.repeat(1000) },
      { after: Buffer.from('product:99999999999').toString('base64url') },
      { first: 0 },
      { first: -1 },
      { first: 101 },
    ];

    for (const variables of wrong) {
      const { errors, status } = await send(catalogue.url, PRODUCTS, variables);
      expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
      expect(status).toBeLessThan(500);
    }
  });

  test('a page with stock takes as many statements for 20 products as for one', async () => {
    const document = `query ($first: Int!) { products(first: $first) { totalCount nodes {
      id name availableStock heldStock soldStock totalStock stockStatus stockVersion saleStatus price { amount } } } }`;
    // The server's sweeps send statements too: of many equal requests, most are alone.
    const statements = async (first: number) => {
      const sent: number[] = [];
      for (let turn = 0; turn < 20; turn += 1)
        sent.push((await sentStatements(() => ask(catalogue.url, document, { first }))).length);
      return Math.min(...sent);
    };

    const [one, twenty] = [await statements(1), await statements(20)];

    expect(twenty).toBe(one);
    expect(one).toBeLessThanOrEqual(3);
  });
});

describe('credentials', () => {
  test('the admin operations refuse buyers with any token', async () => {
    const productId = String(await product());
    const { token } = await hold(Number(productId));
    const document = 'query ($id: ID!) { stockAudit(productId: $id) { balanced } }';

    const strangers: Record<string, string>[] = [
      {},
      { authorization: 'Bearer wrong' },
      { authorization: `Bearer ${token}` },
    ];
    for (const headers of strangers) {
      const { errors, data } = await send(server.url, document, { id: productId }, headers);
      expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
      expect(data?.stockAudit ?? null).toBeNull();
    }
    expect(await ask(server.url, document, { id: productId }, AS_ADMIN)).toEqual({
      balanced: true,
    });
  });

  test('a token gives access to its own hold and order only', async () => {
    const productId = await product();
    const [mine, yours] = [await hold(productId), await hold(productId)];
    const forged = `${yours.id}.${mine.token.split('.')[1]}`;

    expect(await ask(server.url, HOLD_QUERY, { token: forged })).toBeNull();
    expect(await withToken(RELEASE_HOLD, forged)).toMatchObject({ code: 'HOLD_NOT_FOUND' });
    expect(await ask(server.url, HOLD_QUERY, { token: yours.token })).toMatchObject({
      status: 'ACTIVE',
    });
  });

  test('tokens signed with an older listed secret are accepted, those of an unknown secret are not', async () => {
    const { token, id } = await hold(await product());
    const older = 'a hold token secret for test servers and long enough';
    const settings = { DATABASE_URL: server.databaseUrl };
    await using rotated = await startTestServer({
      ...settings,
      HOLD_TOKEN_SECRETS: `a newer hold token secret,${older}`,
    });
    await using stranger = await startTestServer({
      ...settings,
      HOLD_TOKEN_SECRETS: 'a newer hold token secret',
    });

    const opened = await ask(rotated.url, HOLD_QUERY, { token });

    expect(opened).toMatchObject({ id });
    expect(opened.token).not.toBe(token);
    expect(await ask(stranger.url, HOLD_QUERY, { token })).toBeNull();
  });
});
