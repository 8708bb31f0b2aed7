import { createHold } from '../../src/shop/purchases/create-hold.ts';
import { findProducts } from '../../src/shop/catalog/find-products.ts';
import { ProductCache } from '../../src/live/product-cache.ts';
import { hold } from '../support/buyer.ts';
import { makeProduct, until, useTwoShops, type OpenShop } from '../support/shop.ts';
import { statementsOf } from '../support/statement-log.ts';

const [one, two] = useTwoShops();

const availableAt = async ({ shop }: OpenShop, productId: number) =>
  (await shop.productCache.load([productId]))[0]!.stock.available;

test('a hundred simultaneous reads of one product are one query, and the next hundred none', async () => {
  const productId = await makeProduct(one.shop);
  const look = () => Promise.all(Array.from({ length: 100 }, () => availableAt(one, productId)));

  const first = await statementsOf(look);
  const second = await statementsOf(look);

  expect(first).toHaveLength(1);
  expect(second).toEqual([]);
});

test('the server that committed a change returns it in its next answer, also when a read is in flight', async () => {
  const productId = await makeProduct(one.shop, { totalStock: 500 });

  for (let turn = 1; turn <= 100; turn += 1) {
    const [before] = await Promise.all([availableAt(one, productId), hold(one.shop, productId)]);
    const after = await availableAt(one, productId);

    expect([500 - turn + 1, 500 - turn]).toContain(before);
    expect(after).toBe(500 - turn);
    if (turn % 10 === 0) one.shop.productCache.invalidate();
  }
});

test('a product changed during a read is returned as changed', async () => {
  const { productCache } = one.shop;
  const productId = await makeProduct(one.shop);
  const [product] = await findProducts(one.shop, [productId]);
  productCache.invalidate();

  const reading = productCache.load([productId]);
  const updatedAt = new Date(product!.updatedAt.getTime() + 1);
  productCache.productChanged({ ...product!, name: 'Changed during the read', updatedAt });
  await reading;

  const [shown] = await productCache.load([productId]);
  expect(shown!.name).toBe('Changed during the read');
});

test('a change on another server during a read is in the next answer', async () => {
  const productId = await makeProduct(one.shop);
  const arrived = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  const productCache = new ProductCache({
    ...one.database,
    async rows<Row>(statement: string, params: readonly unknown[]) {
      const rows = await one.database.rows<Row>(statement, params);
      arrived.resolve();
      await mayEnd.promise;
      return rows;
    },
  });

  const reading = productCache.load([productId]);
  await arrived.promise;
  await one.database.rows('update products set name = $1 where id = $2', ['Renamed', productId]);
  productCache.invalidate([productId]);
  const next = productCache.load([productId]);
  mayEnd.resolve();

  expect((await reading)[0]!.name).toBe('Test Widget');
  expect((await next)[0]!.name).toBe('Renamed');
  expect((await productCache.load([productId]))[0]!.name).toBe('Renamed');
});

test('a change on another server arrives with its notification, and versions never decrease', async () => {
  const productId = await makeProduct(one.shop);
  await availableAt(two, productId);
  await hold(one.shop, productId);

  const seen: number[] = [];
  await until('the change to be seen', async () => {
    seen.push(await availableAt(two, productId));
    return seen.at(-1) === 19;
  });

  expect(seen).toEqual(seen.toSorted((first, second) => second - first));
});

test('a change without a notification is returned within a second', async () => {
  const productId = await makeProduct(one.shop);
  await availableAt(one, productId);
  await one.database.rows('update products set name = $1 where id = $2', ['Renamed', productId]);

  const renamed = await until('the new name', async () => {
    const [product] = await one.shop.productCache.load([productId]);
    return product!.name === 'Renamed' && product;
  });

  expect(renamed.stock.available).toBe(20);
});

test('an unknown product is null, and is found when it is created', async () => {
  const next = (await makeProduct(one.shop)) + 1;

  const before = await one.shop.productCache.load([next]);
  const made = await makeProduct(one.shop);
  const after = await one.shop.productCache.load([made]);

  expect(before).toEqual([null]);
  expect(after).toMatchObject([{ id: made }]);
  expect(await findProducts(one.shop, [made])).toHaveLength(1);
});

test('a buyer’s refusal is decided by the stock row and never by the cache', async () => {
  const productId = await makeProduct(one.shop, { totalStock: 1 });
  const made = await hold(one.shop, productId);
  const wish = { productId, quantity: 1, customerId: null, metadata: {}, idempotencyKey: null };
  await availableAt(two, productId);
  await one.database.rows('update holds set expires_at = shop_clock() where id = $1', [made.id]);

  const served = await createHold(two.shop, wish);

  expect('code' in served).toBe(false);
});
