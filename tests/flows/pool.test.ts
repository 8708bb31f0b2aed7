import { ask, hold } from '../support/buyer.ts';
import {
  createTestDatabase,
  makeProduct,
  openSession,
  openTestShop,
  until,
} from '../support/shop.ts';

const END_WAITING = `select count(pg_terminate_backend(pid))::int as ended from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock'`;

test('connections lost in the middle of transactions cost the pool no place', async () => {
  const database = await createTestDatabase();
  const open = await openTestShop(database.url, { poolMax: 2 });
  try {
    const productId = await makeProduct(open.shop);
    await using session = await openSession(database.url);
    // Another, because one sees pg_stat_activity as it was when its transaction first looked.
    await using watcher = await openSession(database.url);
    await session.query('begin');
    await session.query('select from stock_levels where product_id = $1 for update', [productId]);

    const answers: unknown[] = [];
    for (let lost = 0; lost < 5; lost += 1) {
      const asked = ask(open.shop, productId).catch((error: Error) => error.name);
      await until(
        'it to wait and be ended',
        async () => (await watcher.query(END_WAITING)).rows[0].ended > 0,
      );
      answers.push(await asked);
    }
    await session.query('rollback');
    const { quantity } = await hold(open.shop, productId);

    expect(answers).toEqual(Array(5).fill('UnavailableFault'));
    expect(quantity).toBe(1);
    expect(open.database.pool()).toEqual({ idle: 1, busy: 0, waiting: 0 });
  } finally {
    await open[Symbol.asyncDispose]();
    await database.drop();
  }
});
