import type { Shop } from '../../src/shop.ts';
import { LiveProducts } from '../../src/stock/live-products.ts';
import { hold } from '../support/buyer.ts';
import { createTestDatabase, makeProduct, openTestShop, stockOf } from '../support/shop.ts';

let shop: Shop;
let close: () => Promise<void>;

beforeAll(async () => {
  const database = await createTestDatabase();
  const opened = await openTestShop(database.url);
  ({ shop } = opened);
  close = async () => {
    await opened[Symbol.asyncDispose]();
    await database.drop();
  };
});

afterAll(() => close());

test('a read that ends after a newer count came does not lower the version', async () => {
  const productId = await makeProduct(shop);
  const live = new LiveProducts(shop, [productId]);
  const looked: number[] = [];
  const unsubscribe = live.subscribe((key) => looked.push(key));
  const count = await stockOf(shop, productId);

  const reading = live.read();
  shop.stockFeed.publish({ ...count, version: 9, available: 3, held: 17 });
  await reading;
  unsubscribe();

  expect(looked).toEqual([productId]);
  expect(live.current(productId)).toMatchObject({
    version: 9,
    value: { id: productId, name: 'Test Widget', stock: { version: 9, held: 17 } },
  });
});

test('of equal versions the later look counts, because the sale may have opened since', async () => {
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

test('nothing is known before the first read, and nothing is listened to after the last listener', async () => {
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
