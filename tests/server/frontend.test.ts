import type { Client } from 'graphql-ws';
import { openShop as openApolloShop } from '../../docs/examples/apollo-client/shop.ts';
import { closeSocket, openSocket } from '../../docs/examples/connection.ts';
import type { ShownStockFragment } from '../../docs/examples/generated/operations.ts';
import { CheckoutPage, type Screen } from '../../docs/examples/page.ts';
import { offerAfter } from '../../docs/examples/refusals.ts';
import type { CallFailed, ShopClient } from '../../docs/examples/shop-client.ts';
import { openShop as openUrqlShop } from '../../docs/examples/urql/shop.ts';
import { openClientProxy, type ClientProxy } from '../support/client-proxy.ts';
import { ask, CREATE_HOLD, RELEASE_HOLD } from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { openDatabaseProxy, startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, moveClock, stockOf, until } from '../support/shop.ts';

let server: TestServer;
let line: ClientProxy;

beforeAll(async () => {
  server = await startTestServer();
});

beforeEach(async () => {
  line = await openClientProxy(server.url);
});

afterEach(async () => {
  await line[Symbol.asyncDispose]();
  await moveClock(server.database, 0);
});

afterAll(() => server.stop());

describe.each([
  ['Apollo Client', openApolloShop],
  ['urql', openUrqlShop],
])('a page on %s', (_library, openShop) => {
  let shop: ShopClient;
  let pages: CheckoutPage[];

  beforeEach(() => {
    shop = openShop(`${line.url}/graphql`);
    pages = [];
  });

  afterEach(() => {
    for (const page of pages) page.close();
    shop.close();
  });

  /** A page, and everything it has shown. */
  async function openPage(productId: number) {
    const shown: Screen[] = [];
    const page = new CheckoutPage(shop, String(productId), (screen) => shown.push(screen));
    pages.push(page);
    await page.open();
    await until('the live stock', () => page.screen.stock);
    return { page, shown };
  }

  const rival = (productId: number, quantity = 1) =>
    ask(server.url, CREATE_HOLD, { input: { productId: String(productId), quantity } });

  test('a buyer sees live stock, holds, sees the countdown, orders, pays, and sees the paid order', async () => {
    const productId = await makeProduct(server.shop, { totalStock: 20 });
    const { page, shown } = await openPage(productId);
    expect(page.screen).toMatchObject({
      product: { name: 'Test Widget', price: { amount: '29.99', currency: 'USD' } },
      stock: { availableStock: 20, stockStatus: 'AVAILABLE', saleStatus: 'LIVE' },
    });

    await rival(productId, 3);
    await until('the rival’s hold', () => page.screen.stock?.availableStock === 17);
    await page.reserve(2);
    expect(page.screen).toMatchObject({
      hold: { status: 'ACTIVE', quantity: 2, totalAmount: { amount: '59.98' } },
      order: null,
      waiting: false,
      refusal: null,
      failure: null,
    });
    await until('a second to pass', () => page.screen.leftMs <= 119_000);
    await page.buy();
    expect(page.screen).toMatchObject({ order: { status: 'PENDING' } });
    await until('the hold to be an order', () => page.screen.hold?.status === 'CONVERTED');
    expect(page.screen.leftMs).toBeGreaterThan(500_000);
    await deliver(server.url, success(page.screen.hold!.orderId, { amount: '59.98' }));
    await until('the payment', () => page.screen.order?.status === 'PAID');

    expect(page.screen).toMatchObject({ leftMs: 0, refusal: null, failure: null });
    const left = shown.map(({ leftMs }) => leftMs);
    expect(left.filter((ms) => ms > 119_000 && ms <= 120_000).length).toBeGreaterThan(0);
    expect(await stockOf(server.shop, productId)).toMatchObject({ held: 3, sold: 2 });
  });

  test('a lost answer is requested again and is the same hold', async () => {
    const productId = await makeProduct(server.shop);
    const { page } = await openPage(productId);
    const before = line.posts;

    line.dropNextAnswer();
    await page.reserve(2);

    expect(line.posts - before).toBe(2);
    expect(page.screen).toMatchObject({ hold: { status: 'ACTIVE', quantity: 2 }, failure: null });
    expect(await stockOf(server.shop, productId)).toMatchObject({ held: 2 });
  });

  test('a double click is one hold', async () => {
    const productId = await makeProduct(server.shop);
    const { page } = await openPage(productId);

    await Promise.all([page.reserve(2), page.reserve(2)]);

    expect(page.screen).toMatchObject({ hold: { status: 'ACTIVE', quantity: 2 } });
    expect(await stockOf(server.shop, productId)).toMatchObject({ held: 2 });
  });

  test('the next click is another hold', async () => {
    const productId = await makeProduct(server.shop);
    const { page } = await openPage(productId);

    await page.reserve(2);
    const first = page.screen.hold!.token;
    await page.reserve(2);

    expect(page.screen.hold!.token).not.toBe(first);
    expect(await stockOf(server.shop, productId)).toMatchObject({ held: 4 });
  });

  test('sold out is a value with the available units, and returned units are shown', async () => {
    const productId = await makeProduct(server.shop, { totalStock: 2 });
    const { page } = await openPage(productId);
    const { token } = await rival(productId, 2);

    await page.reserve(1);
    const { refusal } = page.screen;
    await ask(server.url, RELEASE_HOLD, { token });
    await until('the units', () => page.screen.stock?.availableStock === 2);
    await page.reserve(1);

    expect(refusal).toMatchObject({
      code: 'INSUFFICIENT_STOCK',
      message: '1 requested, 0 available.',
    });
    expect(offerAfter(refusal!)).toEqual({ offer: 'watch' });
    expect(page.screen).toMatchObject({ refusal: null, hold: { status: 'ACTIVE' } });
  });

  test('a request that can never succeed fails, and is not retried', async () => {
    const productId = await makeProduct(server.shop, { maxPerHold: 3 });
    const { page } = await openPage(productId);
    const before = line.posts;

    await page.reserve(4);

    expect(page.screen).toMatchObject({ failure: { code: 'BAD_USER_INPUT' }, hold: null });
    expect(line.posts - before).toBe(1);
  });

  test('a hold that expires is shown as expired, and its order is refused', async () => {
    const productId = await makeProduct(server.shop);
    const { page } = await openPage(productId);
    await page.reserve(1);

    await moveClock(server.database, 119_900);
    const again = await openPage(productId);
    again.page.resume(page.screen.hold!.token);
    await until('the end', () => again.page.screen.hold?.status === 'EXPIRED');
    await again.page.buy();

    expect(again.page.screen).toMatchObject({ leftMs: 0, refusal: { code: 'HOLD_EXPIRED' } });
    expect(offerAfter(again.page.screen.refusal!)).toEqual({ offer: 'start-over' });
  });

  test('a reloaded page restores hold, order and remaining time from the token', async () => {
    const productId = await makeProduct(server.shop);
    const { page } = await openPage(productId);
    await page.reserve(1);
    await page.buy();
    expect(page.screen).toMatchObject({ order: { status: 'PENDING' }, failure: null });

    for (const time of ['once', 'twice']) {
      const reloaded = await openPage(productId);
      reloaded.page.resume(page.screen.hold!.token);
      await until(`the order, reloaded ${time}`, () => reloaded.page.screen.order);
      await until(`the hold, reloaded ${time}`, () => reloaded.page.screen.hold);
      expect(reloaded.page.screen.leftMs).toBeGreaterThan(500_000);
    }
  });

  test('an order cancelled on one page is cancelled on the other', async () => {
    const productId = await makeProduct(server.shop);
    const { page } = await openPage(productId);
    const other = await openPage(productId);
    await page.reserve(1);
    await page.buy();
    other.page.resume(page.screen.hold!.token);
    await until('the order', () => other.page.screen.order && other.page.screen.hold);

    await other.page.giveBack();
    await until('the first page', () => page.screen.order?.status === 'CANCELLED');

    expect(other.page.screen).toMatchObject({ order: { status: 'CANCELLED' }, leftMs: 0 });
    expect(await stockOf(server.shop, productId)).toMatchObject({ held: 0 });
  });

  test('a released hold is shown as released', async () => {
    const productId = await makeProduct(server.shop);
    const { page } = await openPage(productId);
    await page.reserve(1);

    await page.giveBack();

    expect(page.screen).toMatchObject({ hold: { status: 'RELEASED' }, leftMs: 0 });
  });

  test('when its server stops it continues on another, and no version decreases', async () => {
    await using leaving = await startTestServer({ DATABASE_URL: server.databaseUrl });
    line.forwardTo(leaving.url);
    const productId = await makeProduct(server.shop);
    const { page, shown } = await openPage(productId);
    await page.reserve(1);

    line.forwardTo(server.url);
    await leaving.stop();
    await rival(productId, 4);
    await until('the stock of the other server', () => page.screen.stock?.availableStock === 15);
    await page.buy();
    await deliver(server.url, success(page.screen.hold!.orderId));
    await until('the payment', () => page.screen.order?.status === 'PAID');

    const versions = shown.flatMap(({ stock }) => stock?.stockVersion ?? []);
    expect(versions).toEqual(versions.toSorted((one, other) => one - other));
    expect(page.screen.failure).toBeNull();
  });

  test('a stream that was refused without a database starts when the database is available', async () => {
    await using database = await openDatabaseProxy(server.databaseUrl);
    await using far = await startTestServer({ DATABASE_URL: database.url });
    line.forwardTo(far.url);
    const productId = await makeProduct(server.shop);
    const failures: CallFailed[] = [];
    const recorded: ShopClient = {
      ...shop,
      subscribe: (document, variables, handlers) =>
        shop.subscribe(document, variables, {
          ...handlers,
          failed(failure) {
            failures.push(failure);
            handlers.failed(failure);
          },
        }),
    };

    database.cut();
    const page = new CheckoutPage(recorded, String(productId), () => {});
    pages.push(page);
    const opened = page.open();
    await until('the refusal', () => failures.length > 0);
    database.restore();
    await opened;
    await rival(productId, 5);
    await until('the live stock', () => page.screen.stock?.availableStock === 15);

    expect(failures[0]).toMatchObject({ code: 'OVERLOADED' });
    expect(page.screen).toMatchObject({ product: { name: 'Test Widget' }, failure: null });
  });

  test('an invalid token ends its streams with a failure', async () => {
    const { page } = await openPage(await makeProduct(server.shop));

    page.resume('no such token');
    await until('the failure', () => page.screen.failure);

    expect(page.screen).toMatchObject({ failure: { code: 'BAD_USER_INPUT' }, hold: null });
  });
});

describe('the socket of a page', () => {
  let socket: Client;
  let versions: number[];
  let productId: number;

  beforeEach(async () => {
    productId = await makeProduct(server.shop);
    versions = [];
    socket = openSocket(`${line.url.replace('http', 'ws')}/graphql`, 100);
    const query = `subscription { stockChanged(productIds: ["${productId}"]) { stockVersion } }`;
    socket.subscribe<{ stockChanged: ShownStockFragment }>(
      { query },
      {
        next: ({ data }) => versions.push(data!.stockChanged.stockVersion),
        error() {},
        complete() {},
      },
    );
    await until('the state', () => versions.length === 1);
  });

  afterEach(() => closeSocket(socket));

  const change = () => ask(server.url, CREATE_HOLD, { input: { productId: String(productId) } });

  test('is closed after a silent connection, and opened again', async () => {
    line.freeze();
    await change();
    await until('the change, on another socket', () => versions.at(-1) === 2);

    expect(versions).toEqual([1, 2]);
  });

  test('reconnects after a period of refused connections', async () => {
    line.cut();
    await change();
    await until('two tries', () => line.rejected >= 2);
    line.restore();
    await until('the change, on another socket', () => versions.at(-1) === 2);

    expect(versions).toEqual([1, 2]);
  });
});
