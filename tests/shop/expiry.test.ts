import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { findHold, findOrder } from '../../src/shop/purchases/reads/find-purchases.ts';
import { holdStatus } from '../../src/shop/purchases/hold.rules.ts';
import { releaseHold } from '../../src/shop/purchases/release-hold.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { createOrder } from '../../src/shop/payments/create-order.ts';
import { codeOf, hold, order, tokenOf } from '../support/buyer.ts';
import { findingsOf, makeProduct, moveClock, stockOf, useShop } from '../support/shop.ts';

const server = useShop({ holdTtlMs: 120_000, orderPaymentTtlMs: 600_000 });

afterEach(() => moveClock(server.database, 0));

const HOLD_OVER_MS = 121_000;
const ORDER_OVER_MS = 601_000;

test('units are available after the hold expires', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 20 });
  await hold(shop, productId, { quantity: 3 });

  await moveClock(server.database, HOLD_OVER_MS);
  await sweepDue(shop);

  expect(await stockOf(shop, productId)).toMatchObject({ available: 20, held: 0, version: 3 });
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('a hold is EXPIRED from its deadline on, before any sweep, and its token no longer buys', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop);
  const made = await hold(shop, productId);
  const token = tokenOf(shop, made);

  await moveClock(server.database, HOLD_OVER_MS);
  const read = (await findHold(shop, token))!;
  const ordered = await createOrder(shop, token);
  const released = await releaseHold(shop, token);

  expect(read.status).toBe('ACTIVE');
  expect(holdStatus(read)).toBe('EXPIRED');
  expect([codeOf(ordered), codeOf(released)]).toEqual(['HOLD_EXPIRED', 'HOLD_EXPIRED']);
});

test('an unpaid order expires and its units become available', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 5 });
  const made = await hold(shop, productId, { quantity: 2 });
  await order(shop, made);

  await moveClock(server.database, HOLD_OVER_MS);
  await sweepDue(shop);
  const before = await stockOf(shop, productId);
  await moveClock(server.database, ORDER_OVER_MS);
  await sweepDue(shop);

  expect(before).toMatchObject({ available: 3, held: 2 });
  expect(await stockOf(shop, productId)).toMatchObject({ available: 5, held: 0 });
  expect((await findOrder(shop, tokenOf(shop, made)))!.status).toBe('EXPIRED');
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('a due order keeps its units and is PENDING until a sweep', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop);
  const made = await hold(shop, productId);
  await order(shop, made);

  await moveClock(server.database, ORDER_OVER_MS);

  expect((await findOrder(shop, tokenOf(shop, made)))!.status).toBe('PENDING');
  expect(await stockOf(shop, productId)).toMatchObject({ held: 1 });
});

test('a sweep of many products ends each hold once, with one movement for each product', async () => {
  const { shop } = server;
  const products = await Promise.all(Array.from({ length: 5 }, () => makeProduct(shop)));
  await Promise.all(products.flatMap((id) => [hold(shop, id), hold(shop, id), hold(shop, id)]));

  await moveClock(server.database, HOLD_OVER_MS);
  const { ended } = await sweepDue(shop);
  const again = await sweepDue(shop);

  expect(ended).toBeGreaterThanOrEqual(15);
  expect(again.ended).toBe(0);
  for (const productId of products) {
    expect(await stockOf(shop, productId)).toMatchObject({ available: 20, held: 0 });
    expect(await findingsOf(shop, productId)).toEqual([]);
  }
});

test('a release makes the units available at once, and a second one changes nothing', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 5 });
  const made = await hold(shop, productId, { quantity: 2 });

  const first = await releaseHold(shop, tokenOf(shop, made));
  const second = await releaseHold(shop, tokenOf(shop, made));

  expect([first, second]).toEqual(Array(2).fill(expect.objectContaining({ status: 'RELEASED' })));
  expect(await stockOf(shop, productId)).toMatchObject({ available: 5, held: 0, version: 3 });
});

test('a released hold stays released after its deadline', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop);
  const made = await hold(shop, productId);
  const token = tokenOf(shop, made);
  await releaseHold(shop, token);

  await moveClock(server.database, HOLD_OVER_MS);
  await sweepDue(shop);

  expect((await findHold(shop, token))!.status).toBe('RELEASED');
  expect(codeOf(await createOrder(shop, token))).toBe('HOLD_RELEASED');
});

test('createOrder of a converted hold returns its order, a release is refused, and the order is cancelled once', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 5 });
  const made = await hold(shop, productId, { quantity: 2 });
  const token = tokenOf(shop, made);
  const first = await order(shop, made);

  await moveClock(server.database, HOLD_OVER_MS);
  const again = await order(shop, made);
  const released = await releaseHold(shop, token);
  const cancelled = [await cancelOrder(shop, token), await cancelOrder(shop, token)];

  expect(again.id).toBe(first.id);
  expect(first.id).toBe(made.orderId);
  expect(codeOf(released)).toBe('HOLD_CONVERTED');
  expect(cancelled).toEqual(Array(2).fill(expect.objectContaining({ status: 'CANCELLED' })));
  expect(await stockOf(shop, productId)).toMatchObject({ available: 5, held: 0, version: 3 });
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('a sweep continues with other products while one is locked', async () => {
  const { shop } = server;
  const [locked, free] = [await makeProduct(shop), await makeProduct(shop)];
  await hold(shop, locked);
  await hold(shop, free);
  await moveClock(server.database, HOLD_OVER_MS);
  const had = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  const holder = server.database.orm.em.fork().transactional(async (em) => {
    await em.execute('select from stock_levels where product_id = ? for update', [locked]);
    had.resolve();
    await done.promise;
  });
  await had.promise;

  const { skipped } = await sweepDue(shop);
  done.resolve();
  await holder;

  expect(skipped).toBe(1);
  expect(await stockOf(shop, free)).toMatchObject({ available: 20 });
  expect(await stockOf(shop, locked)).toMatchObject({ available: 19 });
});
