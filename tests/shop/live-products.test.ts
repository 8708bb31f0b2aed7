import { adminPauseSale } from '../../src/shop/admin/admin-pause-sale.ts';
import { updateProduct, type ProductChange } from '../../src/shop/catalog/update-product.ts';
import { saleStatus } from '../../src/shop/catalog/product.rules.ts';
import { now } from '../../src/postgres/clock.ts';
import { transact } from '../../src/postgres/transaction.ts';
import type { LiveShop } from '../../src/live/live-shop.ts';
import type { StockedProduct } from '../../src/shop/stock/find-stocked.ts';
import { LiveProducts } from '../../src/live/live-products.ts';
import { ADMIN_CALLER, hold } from '../support/buyer.ts';
import { openDatabaseProxy } from '../support/server.ts';
import {
  makeProduct,
  moveClock,
  openSession,
  openTestShop,
  until,
  useTwoShops,
  type OpenShop,
} from '../support/shop.ts';

// No scheduler runs: a signal or a timer causes each update, not the refresh of each second.
const [here, there] = useTwoShops();
let shop: LiveShop;

beforeAll(() => void ({ shop } = here));

afterEach(() => moveClock(here.database, 0));

const change = (at: OpenShop, wanted: ProductChange) =>
  transact(at.database, (tx) => updateProduct(at.shop, tx, wanted));

/** Follows a product as one subscriber, from its current state on. */
async function follow(at: OpenShop, productId: number) {
  const values: StockedProduct[] = [];
  const stream = new LiveProducts(at.shop, [productId])[Symbol.asyncIterator]();
  const reading = (async () => {
    for (let next = await stream.next(); !next.done; next = await stream.next())
      values.push(next.value);
  })();
  await until('the current state', () => values.length > 0);
  return {
    values,
    last: () => values.at(-1)!,
    async [Symbol.asyncDispose]() {
      await stream.return!();
      await reading;
    },
  };
}

const statusOf = (product: StockedProduct) => saleStatus(product, product.readAt);

test('a change committed during a read does not lower the version', async () => {
  const productId = await makeProduct(shop);
  const live = new LiveProducts(shop, [productId]);
  const looked: number[] = [];
  const unsubscribe = live.subscribe((key) => looked.push(key));
  await live.read();

  const reading = live.read();
  await hold(shop, productId);
  await reading;
  await until('the hold', () => live.current(productId)!.value.stock.held === 1);
  unsubscribe();

  expect(looked).toEqual([productId]);
  expect(live.current(productId)).toMatchObject({
    version: 2,
    value: { id: productId, name: 'Test Widget', stock: { version: 2, held: 1 } },
  });
});

test('of equal versions the later read counts, because the sale may have opened', async () => {
  const productId = await makeProduct(shop);
  const live = new LiveProducts(shop, [productId]);

  await live.read();
  const first = live.current(productId)!.value.stock.readAt;
  await live.read();

  expect(live.current(productId)!.value.stock.readAt.getTime()).toBeGreaterThanOrEqual(
    first.getTime(),
  );
  expect(live.current(productId)!.version).toBe(1);
});

test('there is no value before the first read, and no subscription to the feed after the last subscriber', async () => {
  const productId = await makeProduct(shop);
  const live = new LiveProducts(shop, [productId]);
  const before = live.current(productId);

  const stream = live[Symbol.asyncIterator]();
  const first = await stream.next();
  await hold(shop, productId);
  const second = await stream.next();
  const watched = shop.stockFeed.watched();
  await stream.return!();

  expect(before).toBeUndefined();
  expect([first, second].map(({ value }) => value.stock.version)).toEqual([1, 2]);
  expect(watched).toEqual([productId]);
  expect(shop.stockFeed.watched()).toEqual([]);
});

describe('a change of the product', () => {
  test.each<[string, Omit<ProductChange, 'id'>, object]>([
    ['name', { name: 'Renamed' }, { name: 'Renamed' }],
    ['description', { description: 'New' }, { description: 'New' }],
    ['price', { price: '9.99' }, { priceMinor: 999n }],
    ['maxPerHold', { maxPerHold: 3 }, { maxPerHold: 3 }],
    ['maxPerCustomer', { maxPerCustomer: 2 }, { maxPerCustomer: 2 }],
    [
      'saleStartsAt',
      { saleStartsAt: new Date('2020-01-01') },
      { saleStartsAt: new Date('2020-01-01') },
    ],
    ['saleEndsAt', { saleEndsAt: new Date('2120-01-01') }, { saleEndsAt: new Date('2120-01-01') }],
  ])(
    'of its %s is published on every server, at the same stock version',
    async (_field, wanted, shown) => {
      const productId = await makeProduct(shop);
      await using one = await follow(here, productId);
      await using other = await follow(there, productId);

      await change(here, { id: productId, ...wanted });
      await until('both', () => one.values.length === 2 && other.values.length === 2);

      for (const { values } of [one, other]) {
        expect(values[1]).toMatchObject({ ...shown, stock: { version: 1 } });
        expect(values[1]!.updatedAt > values[0]!.updatedAt).toBe(true);
      }
    },
  );

  test('is in every later change of stock, committed on any server', async () => {
    const productId = await makeProduct(shop);
    await using one = await follow(here, productId);
    await using other = await follow(there, productId);

    for (let round = 1; round <= 10; round += 1) {
      await change(there, { id: productId, name: `Round ${round}` });
      await hold(shop, productId);
      await until('the hold', () =>
        [one, other].every(({ last }) => last().stock.version === round + 1),
      );
      expect([one.last().name, other.last().name]).toEqual([`Round ${round}`, `Round ${round}`]);
    }
    for (const { values } of [one, other])
      for (const { name, stock } of values.slice(1))
        expect(Number(name.split(' ')[1])).toBeGreaterThanOrEqual(stock.version - 1);
  });

  test('is the later one also within a millisecond and after the clock was set back', async () => {
    const productId = await makeProduct(shop);
    await using one = await follow(here, productId);

    await moveClock(here.database, -3600_000);
    await change(here, { id: productId, name: 'Renamed' });
    await until('the name', () => one.last().name === 'Renamed');
    await change(here, { id: productId, name: 'Renamed again' });
    await until('the next name', () => one.last().name === 'Renamed again');

    const instants = one.values.map(({ updatedAt }) => updatedAt.getTime());
    expect(instants).toEqual([...new Set(instants)].toSorted((first, second) => first - second));
  });

  test('that is committed at the start of a subscription is in it', async () => {
    const productId = await makeProduct(shop);
    await using session = await openSession(here.url);
    await session.query('begin');
    await session.query(
      "update products set name = 'Renamed', updated_at = shop_clock() + interval '1 ms' where id = $1",
      [productId],
    );
    const following = follow(here, productId);

    await Promise.all([session.query('commit'), following]);
    shop.stockFeed.changed([productId]);
    await using one = await following;
    await until('the name', () => one.last().name === 'Renamed');

    expect(one.values.length).toBeLessThanOrEqual(2);
  });

  test('that is made while a server has no database is published later', async () => {
    const productId = await makeProduct(shop);
    await using line = await openDatabaseProxy(here.url);
    await using far = await openTestShop(line.url);
    await using one = await follow(far, productId);

    line.cut();
    await change(here, { id: productId, price: '1.00' });
    line.restore();
    await until('the price', () => one.last().priceMinor === 100n);

    expect(one.values).toHaveLength(2);
  });
});

describe('a sale that opens and ends', () => {
  const ahead = async (ms: number) => new Date((await now(here.database)).getTime() + ms);

  test('is published at both instants on every server, without another signal', async () => {
    const productId = await makeProduct(shop, {
      saleStartsAt: await ahead(600),
      saleEndsAt: await ahead(1200),
    });
    await using one = await follow(here, productId);
    await using other = await follow(there, productId);

    await until('both ends', () => [one, other].every(({ last }) => statusOf(last()) === 'ENDED'));

    for (const { values } of [one, other])
      expect(values.map(statusOf)).toEqual(['UPCOMING', 'LIVE', 'ENDED']);
  });

  test('is published at the new instants, changed on any server', async () => {
    const productId = await makeProduct(shop, { saleStartsAt: await ahead(3600_000) });
    await using one = await follow(here, productId);

    await change(there, { id: productId, saleStartsAt: await ahead(7200_000) });
    await change(there, { id: productId, saleStartsAt: await ahead(500) });
    await until('the opening', () => statusOf(one.last()) === 'LIVE');
    await change(there, { id: productId, saleEndsAt: await ahead(400) });
    await until('the end', () => statusOf(one.last()) === 'ENDED');
    await change(there, { id: productId, saleEndsAt: await ahead(3600_000) });
    await until('another sale', () => statusOf(one.last()) === 'LIVE');

    expect(new Set(one.values.map(statusOf))).toEqual(new Set(['UPCOMING', 'LIVE', 'ENDED']));
  });
});

test('a pause and its end are published on every server', async () => {
  const productId = await makeProduct(shop);
  await using one = await follow(here, productId);
  await using other = await follow(there, productId);
  const bothAre = (status: string) =>
    until(status, () => [one, other].every(({ last }) => statusOf(last()) === status));

  await adminPauseSale(there.shop, ADMIN_CALLER, { id: productId, paused: true });
  await bothAre('PAUSED');
  await adminPauseSale(here.shop, ADMIN_CALLER, { id: productId, paused: false });
  await bothAre('LIVE');

  for (const { values } of [one, other])
    expect(values.map(statusOf)).toEqual(['LIVE', 'PAUSED', 'LIVE']);
});
