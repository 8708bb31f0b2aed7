import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { createOrder } from '../../src/shop/payments/create-order.ts';
import { releaseHold } from '../../src/shop/purchases/release-hold.ts';
import { BusyFault } from '../../src/lib/faults.ts';
import { StockLevelTable } from '../../src/shop/stock/stock-level.entity.ts';
import type { LockStock } from '../../src/shop/stock/locked-stock.ts';
import { ask, codeOf, deliver, hold, order, payment, tokenOf } from '../support/buyer.ts';
import {
  findingsOf,
  makeProduct,
  moveClock,
  openSession,
  openTestShop,
  stockOf,
  until,
  useTwoShops,
  type OpenShop,
} from '../support/shop.ts';

const [one, two] = useTwoShops();

afterEach(() => moveClock(one.database, 0));

/** The guard of the twin: it reads the stock row without a lock. */
const lookWithoutLock: LockStock = (tx, productId) => tx.findOne(StockLevelTable, { productId });

const served = (answers: readonly object[]): number =>
  answers.filter((answer) => codeOf(answer) === 'OK').length;

test('of 50 simultaneous buyers over two servers exactly one gets the last unit, 200 times', async () => {
  for (let round = 0; round < 200; round += 1) {
    const productId = await makeProduct(one.shop, { totalStock: 1 });

    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, buyer) => ask((buyer % 2 ? one : two).shop, productId)),
    );

    expect(served(answers)).toBe(1);
    expect(answers.filter((answer) => codeOf(answer) === 'INSUFFICIENT_STOCK')).toHaveLength(49);
    expect(await stockOf(one.shop, productId)).toMatchObject({ available: 0, held: 1 });
  }
}, 60_000);

test('without the batch queue, the lock alone gives the last unit to exactly one buyer', async () => {
  await using plain = await openTestShop(one.url, { batchMax: 1 });
  await using other = await openTestShop(one.url, { batchMax: 1 });
  for (let round = 0; round < 20; round += 1) {
    const productId = await makeProduct(one.shop, { totalStock: 1 });

    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, buyer) => ask((buyer % 2 ? plain : other).shop, productId)),
    );

    expect(served(answers)).toBe(1);
    expect(await findingsOf(one.shop, productId)).toEqual([]);
  }
}, 60_000);

/** If this fails, no test above means anything: without the lock both buyers must be promised the unit. */
test('without the lock, two buyers both get the last unit, and only the constraint stops one', async () => {
  await using lockless = await openTestShop(one.url, {
    batchMax: 1,
    lockStock: lookWithoutLock,
  });

  const stopped = await until('two promises of one unit', async () => {
    const productId = await makeProduct(one.shop, { totalStock: 1 });
    const answers = await Promise.allSettled(
      Array.from({ length: 8 }, () => ask(lockless.shop, productId)),
    );
    expect(await stockOf(one.shop, productId)).toMatchObject({ available: 0, held: 1 });
    return answers.find((answer) => answer.status === 'rejected');
  });

  expect(String(stopped.reason)).toMatch(
    /null value in column "version"|stock_levels_available_not_negative/,
  );
});

test('uneven quantities sell every unit that fits', async () => {
  const productId = await makeProduct(one.shop, { totalStock: 100 });
  const quantities = Array.from({ length: 200 }, (_, buyer) => 1 + ((buyer * 5) % 7));

  const answers = await Promise.all(
    quantities.map((quantity, buyer) => ask((buyer % 2 ? one : two).shop, productId, { quantity })),
  );

  const held = quantities
    .filter((_, buyer) => codeOf(answers[buyer]!) === 'OK')
    .reduce((sum, units) => sum + units, 0);
  expect(await stockOf(one.shop, productId)).toMatchObject({ held, available: 100 - held });
  expect(100 - held).toBe(0);
  expect(await findingsOf(one.shop, productId)).toEqual([]);
});

test('one key used over two servers and two products is one hold', async () => {
  for (let round = 0; round < 20; round += 1) {
    const [productId, other] = [await makeProduct(one.shop), await makeProduct(one.shop)];
    const idempotencyKey = `the same key, round ${round}`;

    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, buyer) =>
        ask((buyer % 2 ? one : two).shop, buyer % 3 ? productId : other, { idempotencyKey }),
      ),
    );

    const ids = answers.flatMap((answer) => ('id' in answer ? [answer.id] : []));
    const refused = answers.filter((answer) => 'code' in answer).map(codeOf);
    expect(new Set(ids).size).toBe(1);
    expect(new Set(refused)).toEqual(new Set(['IDEMPOTENCY_KEY_REUSED']));
    const held = (await stockOf(one.shop, productId)).held + (await stockOf(one.shop, other)).held;
    expect(held).toBe(1);
  }
});

test('buyers who use the same keys in opposite order on two servers do not deadlock', async () => {
  const [productId, other] = [
    await makeProduct(one.shop, { totalStock: 200 }),
    await makeProduct(one.shop, { totalStock: 200 }),
  ];
  const keys = Array.from({ length: 60 }, (_, position) => `one of the shared keys ${position}`);

  const answers = await Promise.all([
    ...keys.map((idempotencyKey) => ask(one.shop, productId, { idempotencyKey })),
    ...keys.toReversed().map((idempotencyKey) => ask(two.shop, other, { idempotencyKey })),
  ]);

  expect(served(answers)).toBe(60);
});

test('sweeps on two servers return each unit once while buyers reclaim and release', async () => {
  const productId = await makeProduct(one.shop, { totalStock: 60 });
  const holds = await Promise.all(Array.from({ length: 60 }, () => hold(one.shop, productId)));
  const orders = await Promise.all(holds.slice(0, 20).map((made) => order(one.shop, made)));
  await moveClock(one.database, 700_000);

  await Promise.all([
    ...[one, two, one, two].map(({ shop }) => sweepDue(shop)),
    ...Array.from({ length: 30 }, (_, buyer) =>
      ask((buyer % 2 ? one : two).shop, productId, { quantity: 2 }),
    ),
    ...holds.slice(40).map((made) => releaseHold(two.shop, tokenOf(two.shop, made))),
  ]);

  expect(orders).toHaveLength(20);
  expect(await stockOf(one.shop, productId)).toMatchObject({ available: 0, held: 60 });
  expect(await findingsOf(one.shop, productId)).toEqual([]);
});

test('after many simultaneous holds and releases every unit is available', async () => {
  const productId = await makeProduct(one.shop, { totalStock: 10 });
  const storm = async ({ shop }: OpenShop) => {
    for (let turn = 0; turn < 25; turn += 1) {
      const answer = await ask(shop, productId);
      if ('id' in answer) await releaseHold(shop, tokenOf(shop, answer));
    }
  };

  await Promise.all(Array.from({ length: 16 }, (_, client) => storm(client % 2 ? one : two)));

  expect(await stockOf(one.shop, productId)).toMatchObject({ available: 10, held: 0 });
  expect(await findingsOf(one.shop, productId)).toEqual([]);
});

test('the stock invariant is true in every committed snapshot while holds, orders, payments and sweeps run', async () => {
  const productId = await makeProduct(one.shop, { totalStock: 60 });
  await using brief = await openTestShop(one.url, { holdTtlMs: 20, orderPaymentTtlMs: 20 });
  await using session = await openSession(one.url);
  const snapshot = `
    select s.total, s.available, s.held, s.sold,
      (select coalesce(sum(quantity), 0)::int from holds where product_id = $1 and status = 'ACTIVE')
        + (select coalesce(sum(quantity), 0)::int from orders where product_id = $1 and status = 'PENDING') as promised,
      (select coalesce(sum(quantity), 0)::int from orders where product_id = $1 and status = 'PAID') as paid
    from stock_levels s where product_id = $1`;
  const buy = async ({ shop }: OpenShop, turn: number): Promise<void> => {
    const answer = await ask(shop, productId, { quantity: 1 + (turn % 3) });
    if (!('id' in answer)) return;
    const token = tokenOf(shop, answer);
    if (turn % 4 === 0) return void (await releaseHold(shop, token));
    await createOrder(shop, token);
    if (turn % 4 === 1) await cancelOrder(shop, token);
    if (turn % 12 === 2) await deliver(shop, payment(answer.orderId));
  };
  let running = true;
  const load = Promise.all(
    [one, two, brief, brief].map(async (server) => {
      for (let turn = 0; turn < 60; turn += 1) {
        await buy(server, turn);
        if (turn % 10 === 0) await sweepDue(server.shop);
      }
    }),
  ).finally(() => (running = false));

  let looks = 0;
  while (running) {
    const { rows } = await session.query(snapshot, [productId]);
    const { total, available, held, sold, promised, paid } = rows[0];
    expect([available + held + sold, held, sold]).toEqual([total, promised, paid]);
    expect(Math.min(available, held, sold)).toBeGreaterThanOrEqual(0);
    looks += 1;
  }
  await load;

  expect(looks).toBeGreaterThan(10);
  expect((await stockOf(one.shop, productId)).sold).toBeGreaterThan(0);
  expect(await findingsOf(one.shop, productId)).toEqual([]);
});

test('buyers of two servers get BUSY while both wait for one locked row', async () => {
  const productId = await makeProduct(one.shop);
  await using session = await openSession(one.url);
  await session.query('begin');
  await session.query('select from stock_levels where product_id = $1 for update', [productId]);

  const answers = await Promise.allSettled([ask(one.shop, productId), ask(two.shop, productId)]);
  await session.query('commit');

  expect(answers).toEqual(
    Array(2).fill({ status: 'rejected', reason: expect.any(BusyFault) as BusyFault }),
  );
  expect(codeOf(await ask(two.shop, productId))).toBe('OK');
});
