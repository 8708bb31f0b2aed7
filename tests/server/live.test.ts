import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { SharedStreams } from '../../src/server/graphql/ws/shared-streams.ts';
import { releaseHold } from '../../src/shop/purchases/release-hold.ts';
import { PurchaseFeed } from '../../src/live/purchase-feed.ts';
import { StockFeed } from '../../src/live/stock-feed.ts';
import {
  AS_ADMIN,
  ask,
  CANCEL_ORDER,
  CREATE_HOLD,
  CREATE_ORDER,
  ORDER_QUERY,
  RELEASE_HOLD,
} from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, moveClock, stockOf, until } from '../support/shop.ts';
import {
  openSilentSocket,
  openRawSocket,
  openSocket,
  type SocketClient,
} from '../support/socket-client.ts';

const STOCK = `subscription ($ids: [ID!]!) { stockChanged(productIds: $ids) {
  id name availableStock heldStock soldStock totalStock stockVersion stockStatus saleStatus price { amount } } }`;
const HOLD = `subscription ($token: String!) { holdChanged(token: $token) {
  id status remainingMs expiresAt quantity order { id status } product { id } } }`;
const ORDER = `subscription ($token: String!) { orderChanged(holdToken: $token) {
  id status paymentId remainingMs refunds { reason } } }`;

interface Stock {
  readonly id: string;
  readonly availableStock: number;
  readonly heldStock: number;
  readonly soldStock: number;
  readonly totalStock: number;
  readonly stockVersion: number;
}

interface PurchaseState {
  readonly id: string;
  readonly status: string;
  readonly remainingMs: number;
}

let server: TestServer;
let second: TestServer;
let client: SocketClient;

/** Every feed of this process, and how many listen to the purchases' ones. */
const stockFeeds = new Set<StockFeed>();
let purchaseListeners = 0;

// Called with its feed as `this` below.
// oxlint-disable-next-line typescript/unbound-method
const subscribeStock = StockFeed.prototype.subscribe;
StockFeed.prototype.subscribe = function (this: StockFeed, ...args) {
  stockFeeds.add(this);
  return subscribeStock.apply(this, args);
};
// Called with its feed as `this` below.
// oxlint-disable-next-line typescript/unbound-method
const subscribePurchase = PurchaseFeed.prototype.subscribe;
PurchaseFeed.prototype.subscribe = function (this: PurchaseFeed, ...args) {
  const unsubscribe = subscribePurchase.apply(this, args);
  purchaseListeners += 1;
  return () => {
    purchaseListeners -= 1;
    unsubscribe();
  };
};

/** The shared streams of every endpoint. */
const hubs = new Set<SharedStreams>();
// Called with its hub as `this` below.
// oxlint-disable-next-line typescript/unbound-method
const subscribeShared = SharedStreams.prototype.subscribe;
SharedStreams.prototype.subscribe = function (this: SharedStreams, ...args) {
  hubs.add(this);
  return subscribeShared.apply(this, args);
};

const hasNoSubscribers = (): boolean =>
  purchaseListeners === 0 &&
  [...hubs].every(({ size }) => size === 0) &&
  [...stockFeeds].every((feed) => feed.watched().length === 0);

beforeAll(async () => {
  // The sweep runs once a year, so that the clock alone ends what is due.
  const settings = { SWEEP_CRON: '0 0 0 1 1 *' };
  server = await startTestServer(settings);
  second = await startTestServer({ ...settings, DATABASE_URL: server.databaseUrl });
});

beforeEach(async () => {
  client = await openSocket(server.socketUrl);
});

afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await moveClock(server.database, 0);
  await until('every listener to be gone', hasNoSubscribers);
});

afterAll(async () => {
  await second.stop();
  await server.stop();
});

const product = async (wanted = {}) => String(await makeProduct(server.shop, wanted));

const hold = (productId: string, url = server.url) =>
  ask(url, CREATE_HOLD, { input: { productId } });

const adjust = (productId: string, delta: number) =>
  ask(
    server.url,
    ADJUST,
    { input: { productId, delta, reason: 'test', idempotencyKey: randomUUID() } },
    AS_ADMIN,
  );

const withToken = (mutation: string, token: string, url = server.url) =>
  ask(url, mutation, { token });

const versionsOf = (values: readonly Stock[]) => values.map(({ stockVersion }) => stockVersion);

const risesOnly = (versions: readonly number[]): boolean =>
  versions.every((version, position) => position === 0 || version > versions[position - 1]!);

const last = <T>(values: readonly T[]): T | undefined => values.at(-1);

const UPDATE = `mutation ($input: UpdateProductInput!) { updateProduct(input: $input) {
  __typename ... on Product { updatedAt } } }`;
const ADJUST = `mutation ($input: AdjustStockInput!) { adjustStock(input: $input) { __typename } }`;
const WHOLE = `subscription ($ids: [ID!]!) { stockChanged(productIds: $ids) {
  id name description price { amount } maxPerHold maxPerCustomer saleStatus saleStartsAt saleEndsAt
  stockVersion updatedAt availableStock heldStock soldStock totalStock } }`;

interface Whole extends Stock {
  readonly name: string;
  readonly updatedAt: string;
  readonly saleStatus: string;
  readonly price: { readonly amount: string };
}

const update = (input: object, url = server.url) => ask(url, UPDATE, { input }, AS_ADMIN);

describe('live products', () => {
  test.each<[string, object, object]>([
    ['name', { name: 'Renamed' }, { name: 'Renamed' }],
    ['description', { description: 'New' }, { description: 'New' }],
    ['price', { price: '0.99' }, { price: { amount: '0.99' } }],
    ['limits', { maxPerHold: 2, maxPerCustomer: 2 }, { maxPerHold: 2, maxPerCustomer: 2 }],
    [
      'sale window',
      { saleStartsAt: '2020-01-01T00:00:00Z', saleEndsAt: '2021-01-01T00:00:00Z' },
      { saleEndsAt: '2021-01-01T00:00:00.000Z', saleStatus: 'ENDED' },
    ],
  ])('a change of %s on another server is pushed to both', async (_what, wanted, shown) => {
    const id = await product();
    await using far = await openSocket(second.socketUrl);
    const streams = [client, far].map((at) => at.subscribe<Whole>(WHOLE, { ids: [id] }));
    await until('both states', () => streams.every(({ values }) => values.length === 1));

    await update({ id, ...wanted }, second.url);
    await until('both changes', () => streams.every(({ values }) => values.length === 2));

    for (const { values } of streams)
      expect(values[1]).toMatchObject({ ...shown, stockVersion: 1 });
  });

  test('a change of stock contains the changed product, at any time after the start of the subscription', async () => {
    const id = await product();
    const received = client.subscribe<Whole>(WHOLE, { ids: [id] });
    await until('the state', () => received.values.length === 1);

    await update({ id, name: 'Renamed', price: '5.00', saleEndsAt: '2021-01-01T00:00:00Z' });
    await adjust(id, 1);
    await until('the change of stock', () => last(received.values)!.stockVersion === 2);

    expect(last(received.values)).toMatchObject({
      name: 'Renamed',
      price: { amount: '5.00' },
      saleStatus: 'ENDED',
    });
  });

  test('simultaneous changes of price and stock on two servers are sent in order and end on the newest', async () => {
    const id = await product({ totalStock: 1000 });
    await using far = await openSocket(second.socketUrl);
    const streams = [client, far].map((at) => at.subscribe<Whole>(WHOLE, { ids: [id] }));
    await until('both states', () => streams.every(({ values }) => values.length === 1));

    for (let round = 1; round <= 20; round += 1)
      await Promise.all([
        update({ id, price: `${round}.00` }, [server.url, second.url][round % 2]),
        hold(id, server.url),
        hold(id, second.url),
      ]);
    await until('the newest', () =>
      streams.every(({ values }) => {
        const { stockVersion, price } = last(values)!;
        return stockVersion === 41 && price.amount === '20.00';
      }),
    );

    for (const { values } of streams) {
      const keys = values.map(({ stockVersion, updatedAt }) => [stockVersion, updatedAt] as const);
      for (const [position, [version, updatedAt]] of keys.slice(1).entries()) {
        expect(version).toBeGreaterThanOrEqual(keys[position]![0]);
        expect(updatedAt >= keys[position]![1]).toBe(true);
      }
    }
  });

  test('the product in a stream of a hold is the committed one, not the cached one', async () => {
    const id = await product();
    const { token } = await hold(id);
    const query = `subscription ($token: String!) { holdChanged(token: $token) {
      status product { name stockVersion } } }`;
    const received = client.subscribe<{ readonly product: object }>(query, { token });
    await until('the state', () => received.values.length === 1);

    // Without updateProduct, so that no server drops its cached product.
    await server.database.rows('update products set name = $1 where id = $2', ['Renamed', id]);
    await withToken(RELEASE_HOLD, token);
    await until('the end', () => received.ended);

    expect(last(received.values)).toMatchObject({
      status: 'RELEASED',
      product: { name: 'Renamed', stockVersion: 3 },
    });
  });
});

describe('live stock', () => {
  test('it begins with the current state of each product and then sends each change', async () => {
    const [one, other] = [await product({ totalStock: 3 }), await product({ totalStock: 7 })];
    await hold(other);

    const received = client.subscribe<Stock>(STOCK, { ids: [one, other, one] });
    await until('both products', () => received.values.length === 2);
    const { token, orderId } = await hold(one);
    await until('the hold', () => last(received.values)!.heldStock === 1);
    await withToken(CREATE_ORDER, token);
    await deliver(server.url, success(orderId));
    await until('the sale', () => last(received.values)!.soldStock === 1);

    expect(received.values.slice(0, 2)).toMatchObject([
      {
        id: one,
        availableStock: 3,
        stockVersion: 1,
        saleStatus: 'LIVE',
        price: { amount: '29.99' },
      },
      { id: other, availableStock: 6, heldStock: 1, stockVersion: 2 },
    ]);
    expect(received.values.slice(2)).toMatchObject([
      { id: one, availableStock: 2, heldStock: 1, soldStock: 0, stockVersion: 2 },
      { id: one, availableStock: 2, heldStock: 0, soldStock: 1, stockVersion: 3 },
    ]);
    expect(received.errors).toEqual([]);
  });

  test('of 300 quick changes at most 20 a second are sent, and the newest always', async () => {
    const productId = await product({ totalStock: 1000 });
    const received = client.subscribe<Stock>(STOCK, { ids: [productId] });
    await until('the first state', () => received.values.length === 1);

    const startedAt = performance.now();
    for (let round = 0; round < 30; round += 1) {
      await Promise.all(Array.from({ length: 10 }, () => hold(productId)));
    }
    const { version } = await stockOf(server.shop, Number(productId));
    await until('the newest', () => last(received.values)!.stockVersion === version);
    const seconds = (performance.now() - startedAt) / 1000;

    expect(version).toBeGreaterThan(25);
    expect(risesOnly(versionsOf(received.values))).toBe(true);
    expect(last(received.values)).toMatchObject({ availableStock: 700, heldStock: 300 });
    // One for the first state, one for the change that is sent at once.
    expect(received.values.length).toBeLessThanOrEqual(2 + Math.ceil(20 * seconds));
    for (const { availableStock, heldStock, soldStock, totalStock } of received.values)
      expect(availableStock + heldStock + soldStock).toBe(totalStock);
  });

  test('a change on another server arrives too, and both end on the same state', async () => {
    const productId = await product({ totalStock: 100 });
    await using there = await openSocket(second.socketUrl);
    const [here, elsewhere] = [
      client.subscribe<Stock>(STOCK, { ids: [productId] }),
      there.subscribe<Stock>(STOCK, { ids: [productId] }),
    ];
    await until(
      'the first state on both',
      () => here.values.length + elsewhere.values.length === 2,
    );

    await Promise.all(
      Array.from({ length: 40 }, (_, position) =>
        hold(productId, position % 2 === 0 ? server.url : second.url),
      ),
    );
    const { version } = await stockOf(server.shop, Number(productId));
    for (const { values } of [here, elsewhere])
      await until('the newest', () => last(values)!.stockVersion === version);

    expect(last(here.values)).toEqual(last(elsewhere.values));
    expect(last(here.values)).toMatchObject({ availableStock: 60, heldStock: 40 });
    expect(risesOnly(versionsOf(here.values))).toBe(true);
    expect(risesOnly(versionsOf(elsewhere.values))).toBe(true);
  });

  test('a change without a notification arrives within a second or two', async () => {
    const productId = await product({ totalStock: 5 });
    const received = client.subscribe<Stock>(STOCK, { ids: [productId] });
    await until('the first state', () => received.values.length === 1);

    await server.database.rows(
      'update stock_levels set version = version + 1, held = held + 1, available = available - 1 where product_id = $1',
      [productId],
    );
    await until('the change', () => received.values.length === 2);

    expect(last(received.values)).toMatchObject({ heldStock: 1, stockVersion: 2 });
  });

  test('while notification connections are frozen, subscribers still get the sales of other servers, and the connections are replaced', async () => {
    const productId = await product();
    await using there = await openSocket(second.socketUrl);
    const received = there.subscribe<Stock>(STOCK, { ids: [productId] });
    await until('the first state', () => received.values.length === 1);
    const listeners = async () =>
      (
        await server.database.rows<{ pid: number }>(
          `select pid from pg_stat_activity where application_name = 'flash-sale notices'
             and datname = current_database() and query like 'select pg_notify%' order by pid`,
          [],
        )
      ).map(({ pid }) => pid);
    // Both servers' and that of the shop beside each, all of which beat once a second.
    const before = await until('their beats', async () => {
      const pids = await listeners();
      return pids.length === 4 && pids;
    });

    for (const pid of before) process.kill(pid, 'SIGSTOP');
    try {
      await hold(productId);
      await until('the change', () => last(received.values)!.stockVersion === 2);
      await until('new lines', async () => {
        const now = (await listeners()).filter((pid) => !before.includes(pid));
        return now.length === 4;
      });
    } finally {
      for (const pid of before) process.kill(pid, 'SIGCONT');
    }
    await hold(productId);
    await until('the next change', () => last(received.values)!.stockVersion === 3);

    expect(received.values).toMatchObject([1, 2, 3].map((stockVersion) => ({ stockVersion })));
  });

  test('an unknown product, none and 51 are refused, and the socket stays open', async () => {
    const productId = await product();
    const wrong = [
      [productId, '2000000000'],
      ['abc'],
      ['-1'],
      ["1' or '1'='1"],
      ['1'.repeat(1000)],
      [],
      Array.from({ length: 51 }, () => productId),
    ];

    for (const ids of wrong) {
      const received = client.subscribe(STOCK, { ids });
      await until('an answer', () => received.ended);
      expect(received.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
      expect(received.values).toEqual([]);
    }
    const malformed = client.subscribe(STOCK, { ids: [null] });
    await until('an answer', () => malformed.ended);
    const fifty = client.subscribe(STOCK, { ids: Array.from({ length: 50 }, () => productId) });
    await until('the state', () => fifty.values.length === 1);

    expect(malformed.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(client.closedWith).toBeUndefined();
  });

  test('a stopped subscription gets no more messages, and its neighbour continues', async () => {
    const productId = await product();
    const [stopped, goes] = [
      client.subscribe<Stock>(STOCK, { ids: [productId] }),
      client.subscribe<Stock>(STOCK, { ids: [productId] }),
    ];
    await until('both states', () => stopped.values.length + goes.values.length === 2);

    stopped.stop();
    await hold(productId);
    await until('the change', () => goes.values.length === 2);

    expect(stopped.values).toHaveLength(1);
  });
});

describe('a hold', () => {
  test('the state is sent at once, then RELEASED, then the stream ends', async () => {
    const { token, id } = await hold(await product());
    const received = client.subscribe<PurchaseState>(HOLD, { token });
    await until('the first state', () => received.values.length === 1);

    await withToken(RELEASE_HOLD, token, second.url);
    await until('the end', () => received.ended);

    expect(received.values).toMatchObject([
      { id, status: 'ACTIVE', order: null, quantity: 1 },
      { id, status: 'RELEASED', remainingMs: 0 },
    ]);
    expect(received.values[0]!.remainingMs).toBeGreaterThan(100_000);
    expect(received.errors).toEqual([]);
  });

  test('a change of a hold without a notification arrives within a second or two', async () => {
    const made = await hold(await product());
    const received = client.subscribe<PurchaseState>(HOLD, { token: made.token });
    await until('the first state', () => received.values.length === 1);

    const mute = { ...server.shop, announcePurchases: () => {} };
    await releaseHold(mute, server.shop.holdTokens.issue(made.id));
    await until('the end', () => received.ended);

    expect(received.values.map(({ status }) => status)).toEqual(['ACTIVE', 'RELEASED']);
  });

  test('the stream sends that the hold became an order', async () => {
    const { token, orderId } = await hold(await product());
    const received = client.subscribe<PurchaseState>(HOLD, { token });
    await until('the first state', () => received.values.length === 1);

    await withToken(CREATE_ORDER, token);
    await until('the end', () => received.ended);

    expect(received.values.map(({ status }) => status)).toEqual(['ACTIVE', 'CONVERTED']);
    expect(last(received.values)).toMatchObject({ order: { id: orderId, status: 'PENDING' } });
  });

  test('a hold that has ended is sent once', async () => {
    const { token } = await hold(await product());
    await withToken(RELEASE_HOLD, token);

    const received = client.subscribe<PurchaseState>(HOLD, { token });
    await until('the end', () => received.ended);

    expect(received.values.map(({ status }) => status)).toEqual(['RELEASED']);
  });

  test('an invalid token is an error of the request, and the socket stays open', async () => {
    const { token } = await hold(await product());
    const [id, signature] = token.split('.');

    for (const wrong of ['', 'x', token.slice(0, -1), `${id}.`, `.${signature}`, `${token}\0`]) {
      for (const query of [HOLD, ORDER]) {
        const received = client.subscribe(query, { token: wrong });
        await until('an answer', () => received.ended);
        expect(received.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
      }
    }
    expect(client.closedWith).toBeUndefined();
  });
});

describe('at the deadline, with no sweep', () => {
  let quick: TestServer;
  let socket: SocketClient;
  const net = jest.spyOn(PurchaseFeed.prototype, 'refresh');

  beforeAll(async () => {
    // Nor with the refresh of each second: only the timer of the deadline is left.
    net.mockResolvedValue();
    quick = await startTestServer({
      DATABASE_URL: server.databaseUrl,
      SWEEP_CRON: '0 0 0 1 1 *',
      HOLD_TTL_SECONDS: '0.4',
      ORDER_PAYMENT_TTL_SECONDS: '0.6',
    });
    socket = await openSocket(quick.socketUrl);
  });

  afterAll(async () => {
    await socket[Symbol.asyncDispose]();
    await quick.stop();
    net.mockRestore();
  });

  test('a hold is sent as active, then as expired, and never the other way', async () => {
    const made = await hold(await product(), quick.url);

    const received = socket.subscribe<PurchaseState>(HOLD, { token: made.token });
    await until('the end', () => received.ended);

    expect(received.values).toMatchObject([
      { status: 'ACTIVE' },
      { status: 'EXPIRED', remainingMs: 0, order: null },
    ]);
    expect(received.values[0]!.remainingMs).toBeLessThanOrEqual(400);
  });

  test('an order is sent as expired after the commit, when its units are available', async () => {
    const productId = await product({ totalStock: 1 });
    // A busy machine may take longer than the hold lasts.
    const token = await until('an order', async () => {
      const made = await hold(productId, quick.url);
      const answer = await withToken(CREATE_ORDER, made.token, quick.url);
      return answer.__typename === 'Order' && made.token;
    });

    const received = socket.subscribe<PurchaseState>(ORDER, { token });
    await until('the expiry', () => last(received.values)?.status === 'EXPIRED');
    const stock = await stockOf(server.shop, Number(productId));
    await until('the end', () => received.ended);

    expect(received.values.map(({ status }) => status)).toEqual(['PENDING', 'EXPIRED']);
    expect(stock).toMatchObject({ available: 1, held: 0 });
  });

  test('a change of a hold on another server is sent by its notification alone', async () => {
    const { token } = await hold(await product());
    const received = socket.subscribe<PurchaseState>(HOLD, { token });
    await until('the first state', () => received.values.length === 1);

    await withToken(RELEASE_HOLD, token);
    await until('the end', () => received.ended);

    expect(received.values.map(({ status }) => status)).toEqual(['ACTIVE', 'RELEASED']);
  });

  test('the stream of an order ends without an event when the hold ends without an order', async () => {
    const { token } = await hold(await product(), quick.url);

    const received = socket.subscribe<PurchaseState>(ORDER, { token });
    await until('the end', () => received.ended);

    expect(received.values).toEqual([]);
    expect(received.errors).toEqual([]);
  });
});

describe('an order', () => {
  test('a subscription before the order exists gets the new order, and then the payment', async () => {
    const { token, orderId } = await hold(await product());
    const received = client.subscribe<PurchaseState>(ORDER, { token });
    // Another answer on the same socket: by then the first subscription is being served.
    const beside = client.subscribe<PurchaseState>(HOLD, { token });
    await until('the hold', () => beside.values.length === 1);

    await withToken(CREATE_ORDER, token, second.url);
    await until('the order', () => received.values.length === 1);
    await deliver(second.url, success(orderId, { payment_id: `pay_of_${orderId}` }));
    await until('the end', () => received.ended);

    expect(received.values).toMatchObject([
      { id: orderId, status: 'PENDING', paymentId: null },
      { id: orderId, status: 'PAID', paymentId: `pay_of_${orderId}`, remainingMs: 0 },
    ]);
    expect(await ask(server.url, ORDER_QUERY, { token })).toMatchObject({ status: 'PAID' });
  });

  test('an order that is created paid is sent once', async () => {
    const { token, orderId } = await hold(await product());
    await deliver(server.url, success(orderId));
    const received = client.subscribe<PurchaseState>(ORDER, { token });

    await withToken(CREATE_ORDER, token);
    await until('the end', () => received.ended);

    expect(received.values.map(({ status }) => status)).toEqual(['PAID']);
  });

  test('a cancelled order is sent', async () => {
    const { token } = await hold(await product());
    await withToken(CREATE_ORDER, token);
    const received = client.subscribe<PurchaseState>(ORDER, { token });
    await until('the order', () => received.values.length === 1);

    await withToken(CANCEL_ORDER, token);
    await until('the end', () => received.ended);

    expect(received.values.map(({ status }) => status)).toEqual(['PENDING', 'CANCELLED']);
  });

  test('its stream ends without an event when the hold is released', async () => {
    const { token } = await hold(await product());
    const received = client.subscribe<PurchaseState>(ORDER, { token });
    const beside = client.subscribe<PurchaseState>(HOLD, { token });
    await until('the hold', () => beside.values.length === 1);

    await withToken(RELEASE_HOLD, token);
    await until('the end', () => received.ended);

    expect([received.values, received.errors]).toEqual([[], []]);
  });
});

describe('the socket', () => {
  test('queries and mutations over it are refused, and it stays open', async () => {
    const productId = await product();
    const documents = [
      '{ __typename }',
      '{ serverTime }',
      `mutation { createHold(input: { productId: "${productId}" }) { __typename } }`,
      `query A { serverTime } subscription B { stockChanged(productIds: ["${productId}"]) { id } }`,
      'subscription { nothing }',
      `subscription { stockChanged(productIds: ["${productId}"]) @skip(if: true) { id } }`,
      `subscription ($x: Boolean! = true) { ...A } fragment A on Subscription { ... { stockChanged(productIds: ["${productId}"]) @include(if: $x) { id } } }`,
      'subscription { ...A } fragment A on Subscription { ...A }',
      'subscription { stockChanged(productIds: "x") { ',
      `subscription { a: stockChanged(productIds: ["1"]) { id } b: stockChanged(productIds: ["1"]) { id } }`,
      `subscription { stockChanged(productIds: ["${productId}"]) { ${Array.from({ length: 16 }, (_, n) => `a${n}: id`).join(' ')} } }`,
      `subscription { stockChanged(productIds: ["${productId}"]) { ${'name '.repeat(1001)} } }`,
      `subscription { stockChanged(productIds: ["${productId}"]) { ${'name @include(if: true) '.repeat(21)} } }`,
    ];

    for (const query of documents) {
      const received = client.subscribe(query);
      await until(`an answer to ${query.slice(0, 60)}`, () => received.ended);
      expect(received.values).toEqual([]);
      expect(received.errors.length).toBeGreaterThan(0);
      for (const { extensions } of received.errors)
        expect(['BAD_REQUEST', 'GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED']).toContain(
          extensions.code,
        );
    }
    const alive = client.subscribe(STOCK, { ids: [productId] });
    await until('the state', () => alive.values.length === 1);

    expect(client.closedWith).toBeUndefined();
    expect(await stockOf(server.shop, Number(productId))).toMatchObject({ held: 0 });
  });

  test('a socket without connection_init is closed with 4408', async () => {
    using socket = await openRawSocket(server.socketUrl);

    expect(await socket.closed()).toBe(4408);
  });

  test('a second connection_init is closed with 4429', async () => {
    using socket = await openRawSocket(server.socketUrl);

    socket.send({ type: 'connection_init' });
    socket.send({ type: 'connection_init' });

    expect(await socket.closed()).toBe(4429);
  });

  test('a subscription before connection_init is closed with 4401', async () => {
    using socket = await openRawSocket(server.socketUrl);

    socket.send({ type: 'subscribe', id: '1', payload: { query: '{ __typename }' } });

    expect(await socket.closed()).toBe(4401);
  });

  test('another protocol is closed with 4406', async () => {
    for (const protocol of ['graphql-ws', 'mqtt']) {
      using socket = await openSilentSocket(server.socketUrl, protocol);
      expect(await socket.close()).toBe(4406);
    }
  });

  test('a repeated id is closed with 4409', async () => {
    const payload = { query: STOCK, variables: { ids: [await product()] } };
    using socket = await openRawSocket(server.socketUrl, { init: true });

    socket.send({ type: 'subscribe', id: 'one', payload });
    await socket.waitFor('next', 'one');
    socket.send({ type: 'subscribe', id: 'one', payload });

    expect(await socket.closed()).toBe(4409);
  });

  test.each([
    ['no JSON', 'hello'],
    ['half of it', '{"type":'],
    ['a list', '[]'],
    ['null', 'null'],
    ['an unknown type', '{"type":"nothing"}'],
    ['a subscription without an id', '{"type":"subscribe","payload":{"query":"{x}"}}'],
    ['a subscription without a query', '{"type":"subscribe","id":"1","payload":{}}'],
    ['binary', Buffer.from([0, 1, 2])],
    [
      'variables that are text',
      '{"type":"subscribe","id":"1","payload":{"query":"{x}","variables":"x"}}',
    ],
  ])('%s is 4400', async (_what, text) => {
    using socket = await openRawSocket(server.socketUrl, { init: true });

    socket.sendText(text);

    expect(await socket.closed()).toBe(4400);
  });

  test('a message of 17 KiB is closed with 1009', async () => {
    using socket = await openRawSocket(server.socketUrl, { init: true });

    socket.send({ type: 'ping', payload: { pad: 'x'.repeat(17 * 1024) } });

    expect(await socket.closed()).toBe(1009);
  });

  test('a message of a megabyte is closed with 1009 before it is complete', async () => {
    using socket = await openRawSocket(server.socketUrl, { init: true });

    socket.sendText('x'.repeat(1024 * 1024));

    expect(await socket.closed()).toBe(1009);
  });

  test.each([
    ['a million empty fragments', ''],
    ['a message in fragments of one character', 'x'],
  ])('%s are 1008 or 1009, and cost nothing', async (_what, fragment) => {
    using socket = await openRawSocket(server.socketUrl, { init: true });
    const heapBefore = process.memoryUsage().heapUsed;

    await socket.sendFragments(fragment, 1_000_000);
    const code = await socket.closed();

    expect([1008, 1009]).toContain(code);
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(200 * 1024 * 1024);
  });

  test('binary frames are closed with 4400, also with a valid message', async () => {
    using socket = await openRawSocket(server.socketUrl, { init: true });

    socket.sendText(Buffer.from('{"type":"ping"}'));

    expect(await socket.closed()).toBe(4400);
    expect(socket.messages.map(({ type }) => type)).toEqual(['connection_ack']);
  });

  test('a socket that answers no ping is closed with 4008 after ten seconds, and gets the code when it reads again', async () => {
    const productId = await product({ totalStock: 1000 });
    // A long name, so that one change is enough for a ping.
    await server.database.rows('update products set name = $2 where id = $1', [
      productId,
      'n'.repeat(1200),
    ]);
    const names = Array.from({ length: 14 }, (_, n) => `a${n}: name`).join(' ');
    const query = `subscription { stockChanged(productIds: ["${productId}"]) { stockVersion ${names} } }`;
    using stalled = await openRawSocket(server.socketUrl, { init: true });
    stalled.send({ type: 'subscribe', id: '1', payload: { query } });
    await stalled.waitFor('next');

    stalled.pause();
    await hold(productId);
    await until('the server to close it', hasNoSubscribers, 20_000);
    stalled.resume();

    expect(await stalled.closed()).toBe(4008);
  });

  test('prototype pollution in payloads has no effect', async () => {
    using socket = await openRawSocket(server.socketUrl);

    socket.sendText('{"type":"connection_init","payload":{"__proto__":{"polluted":true}}}');
    await socket.waitFor('connection_ack');
    socket.sendText(
      `{"type":"subscribe","id":"__proto__","payload":{"query":${JSON.stringify(STOCK)},"variables":{"__proto__":{"polluted":true},"ids":["${await product()}"]}}}`,
    );
    await until(
      'an answer',
      () => !socket.isOpen() || socket.messages.some(({ type }) => type !== 'connection_ack'),
    );

    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('it has at most 20 subscriptions', async () => {
    const ids = [await product()];
    const received = Array.from({ length: 20 }, () => client.subscribe(STOCK, { ids }));
    await until('twenty states', () => received.every(({ values }) => values.length === 1));

    const next = client.subscribe(STOCK, { ids });
    await until('an answer', () => next.ended);

    expect(next.errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
    expect(received.every(({ ended }) => !ended)).toBe(true);
  });

  test('a page of another origin is refused with 403, one of this machine is not', async () => {
    for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null', 'x']) {
      await expect(openRawSocket(server.socketUrl, { origin })).rejects.toThrow('403');
    }
    for (const origin of ['http://localhost:3000', 'http://127.0.0.1:5173', 'http://[::1]:80']) {
      using socket = await openRawSocket(server.socketUrl, { origin, init: true });
      expect(socket.isOpen()).toBe(true);
    }
    await using named = await startTestServer({
      DATABASE_URL: server.databaseUrl,
      ALLOWED_ORIGINS: 'https://shop.example',
    });
    using allowed = await openRawSocket(named.socketUrl, { origin: 'https://shop.example' });
    await expect(
      openRawSocket(named.socketUrl, { origin: 'http://localhost:3000' }),
    ).rejects.toThrow('403');

    expect(allowed.isOpen()).toBe(true);
  });

  test('no other path has a websocket', async () => {
    const elsewhere = server.socketUrl.replace('/graphql', '/api/payments/webhook');

    await expect(openRawSocket(elsewhere)).rejects.toThrow('404');
  });

  test('a server that stops closes each socket with 1001, initialized or not', async () => {
    const leaving = await startTestServer({ DATABASE_URL: server.databaseUrl });
    const ids = [await product()];
    const sockets = [
      await openRawSocket(leaving.socketUrl),
      await openRawSocket(leaving.socketUrl, { init: true }),
      await openRawSocket(leaving.socketUrl, { init: true }),
    ];
    sockets[2]!.send({ type: 'subscribe', id: '1', payload: { query: STOCK, variables: { ids } } });
    await sockets[2]!.waitFor('next');

    await leaving.stop();

    expect(await Promise.all(sockets.map((socket) => socket.closed()))).toEqual([1001, 1001, 1001]);
  });

  test('10,000 subscriptions on sockets that close at once leave no subscription behind', async () => {
    const productId = await product();
    const SOCKETS = 500;

    for (let batch = 0; batch < 10; batch += 1) {
      await Promise.all(
        Array.from({ length: SOCKETS / 10 }, async (_, position) => {
          const socket = await openRawSocket(server.socketUrl, { init: true });
          for (let id = 0; id < 20; id += 1) {
            const variables = { ids: [productId], batch, variant: (position + id) % 7 };
            socket.send({
              type: 'subscribe',
              id: String(id),
              payload: { query: STOCK, variables },
            });
          }
          socket.cut();
        }),
      );
    }

    await until('every listener to be gone', hasNoSubscribers);
  });

  test('200 sockets cut during the subscription leave no subscription behind', async () => {
    const productId = await product();
    const { token } = await hold(productId);
    const subscriptions = [
      { query: STOCK, variables: { ids: [productId] } },
      { query: HOLD, variables: { token } },
      { query: ORDER, variables: { token } },
    ];

    // Some are cut before their subscription is processed, some during it, some after it.
    await Promise.all(
      Array.from({ length: 200 }, async (_, position) => {
        const socket = await openRawSocket(server.socketUrl, { init: true });
        subscriptions.forEach((payload, id) =>
          socket.send({ type: 'subscribe', id: String(id), payload }),
        );
        if (position % 3 === 1) await new Promise((resolve) => setImmediate(resolve));
        if (position % 3 === 2) await socket.waitFor('next');
        socket.cut();
      }),
    );
    await until('every listener to be gone', hasNoSubscribers);
    const received = client.subscribe<Stock>(STOCK, { ids: [productId] });
    await until('the state', () => received.values.length === 1);

    expect(last(received.values)).toMatchObject({ heldStock: 1 });
  });

  test('a socket that stops reading does not affect the others, and gets the newest state', async () => {
    const productId = await product({ totalStock: 1000 });
    using slow = await openRawSocket(server.socketUrl, { init: true });
    const payload = { query: STOCK, variables: { ids: [productId] } };
    slow.send({ type: 'subscribe', id: '1', payload });
    const versions = (): number[] =>
      slow.messages
        .filter(({ type }) => type === 'next')
        .map(
          ({ payload }) =>
            (payload as unknown as { data: { stockChanged: Stock } }).data.stockChanged,
        )
        .map(({ stockVersion }) => stockVersion);
    await slow.waitFor('next');
    const received = client.subscribe<Stock>(STOCK, { ids: [productId] });

    slow.pause();
    for (let round = 0; round < 20; round += 1) await hold(productId);
    const { version } = await stockOf(server.shop, Number(productId));
    await until('the newest', () => last(received.values)?.stockVersion === version);
    slow.resume();
    await until('the newest for the slow one', () => last(versions()) === version);

    expect(risesOnly(versions())).toBe(true);
  });
});
