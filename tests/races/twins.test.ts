import { randomUUID } from 'node:crypto';
import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { findOrders } from '../../src/shop/purchases/reads/find-purchases.ts';
import type { LockStock } from '../../src/shop/stock/locked-stock.ts';
import { StockLevelTable } from '../../src/shop/stock/stock-level.entity.ts';
import { deliver, hold, order, payment } from '../support/buyer.ts';
import {
  createTestDatabase,
  makeProduct,
  moveClock,
  openSession,
  openTestShop,
  until,
  type TestDatabase,
} from '../support/shop.ts';

/**
 * If one of these fails, the race of the same name proves nothing. Each disables the guard and waits
 * for the race. Each has its own database, whose constraints it may drop.
 */
let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(() => database.drop());

const noLock = async () => {};

const lookWithoutLock: LockStock = (tx, productId) => tx.findOne(StockLevelTable, { productId });

async function alter(statement: string): Promise<void> {
  await using session = await openSession(database.url);
  await session.query(statement);
}

test('without the order’s lock and the unique key, one event delivered many times is recorded twice', async () => {
  await alter('alter table payment_events drop constraint payment_events_key');
  // Batches off: on one server a batch would recognize the duplicates without any guard.
  await using server = await openTestShop(database.url, { lockOrders: noLock, batchMax: 1 });
  const productId = await makeProduct(server.shop, { totalStock: 1000 });

  const recorded = await until('a second record', async () => {
    const { id } = await order(server.shop, await hold(server.shop, productId));
    const event = payment(id, { reportedStatus: 'failed' });
    await Promise.allSettled(Array.from({ length: 20 }, () => deliver(server.shop, event)));
    const rows = await server.database.rows('select from payment_events where order_id = $1', [id]);
    return rows.length > 1 && rows.length;
  });

  expect(recorded).toBeGreaterThan(1);
});

test('without the unique index on credited payments, one payment pays several orders', async () => {
  await alter('drop index payment_events_counted');
  await using server = await openTestShop(database.url, { batchMax: 1 });
  const productId = await makeProduct(server.shop, { totalStock: 1000 });

  const paid = await until('a second paid order', async () => {
    const orders = await Promise.all(
      Array.from({ length: 8 }, async () => order(server.shop, await hold(server.shop, productId))),
    );
    const paymentId = randomUUID();
    await Promise.all(orders.map(({ id }) => deliver(server.shop, payment(id, { paymentId }))));
    const found = await findOrders(
      server.shop,
      orders.map(({ id }) => id),
    );
    const count = found.filter(({ status }) => status === 'PAID').length;
    return count > 1 && count;
  });

  expect(paid).toBeGreaterThan(1);
});

test('without the lock on the stock row, sweeps and late payments collide, and only the constraints stop them', async () => {
  await using server = await openTestShop(database.url);
  await using lockless = await openTestShop(database.url, { lockStock: lookWithoutLock });

  const stopped = await until('a collision', async () => {
    await moveClock(server.database, 0);
    const productId = await makeProduct(server.shop, { totalStock: 12 });
    const holds = await Promise.all(Array.from({ length: 12 }, () => hold(server.shop, productId)));
    const orders = await Promise.all(holds.slice(6).map((made) => order(server.shop, made)));
    await moveClock(server.database, 700_000);
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 4 }, () => sweepDue(lockless.shop)),
      ...orders.map(({ id }) => deliver(lockless.shop, payment(id))),
    ]);
    return outcomes.find((outcome) => outcome.status === 'rejected');
  });

  expect(String(stopped.reason)).toMatch(
    /null value in column "version"|paid once|stock_|deadlock/,
  );
});

test('without the unique constraint, one hold becomes two orders', async () => {
  await using server = await openTestShop(database.url);
  const made = await hold(server.shop, await makeProduct(server.shop));
  const insert = () =>
    alter(`insert into orders (id, hold_id, product_id, quantity, unit_price_minor, currency, status,
      created_at, payment_expires_at, updated_at)
      values ('${randomUUID()}', '${made.id}', 1, 1, 1, 'USD', 'PENDING', now(), now(), now())`);

  await insert();
  await expect(insert()).rejects.toThrow('orders_hold_id_unique');
  await alter('alter table orders drop constraint orders_hold_id_unique');
  await insert();

  expect(
    await server.database.rows('select from orders where hold_id = $1', [made.id]),
  ).toHaveLength(2);
});
