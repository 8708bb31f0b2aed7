import { tables } from '../../mikro-orm.config.ts';
import { connectDatabase, type Database } from '../../src/postgres/database.ts';
import { UnavailableFault } from '../../src/lib/faults.ts';
import { silentLog } from '../../src/lib/log.ts';
import { transact } from '../../src/postgres/transaction.ts';
import { ask, hold } from '../support/buyer.ts';
import {
  createTestDatabase,
  makeProduct,
  openSession,
  openTestShop,
  until,
  type TestDatabase,
} from '../support/shop.ts';
import { connectionTo } from '../support/test-postgres.ts';

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(() => database.drop());

const END_WAITING = `select count(pg_terminate_backend(pid))::int as ended from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock'`;

test('connections lost during transactions do not reduce the pool', async () => {
  await using open = await openTestShop(database.url, { poolMax: 2 });
  const productId = await makeProduct(open.shop);
  await using session = await openSession(database.url);
  // Another session, because pg_stat_activity does not change within a transaction.
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
});

describe('a database that is closed', () => {
  const NOTHING_OPEN = { idle: 0, busy: 0, waiting: 0 };
  let closing: Database;

  beforeEach(async () => {
    closing = await connectDatabase(tables, {
      connection: connectionTo(database.url),
      poolMax: 2,
      log: silentLog,
    });
  });

  const readOne = () => closing.rows<{ one: number }>('select 1 as one', []);

  /** A read whose session is being connected: its promises have run, and there is no answer yet. */
  async function readOnNewSession() {
    const read = readOne();
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(closing.pool()).toEqual({ idle: 0, busy: 1, waiting: 0 });
    // In an object, because a returned promise would be awaited too.
    return { read };
  }

  test('answers the read whose session is being connected', async () => {
    const { read } = await readOnNewSession();

    const closed = closing.close();

    expect(await read).toEqual([{ one: 1 }]);
    await closed;
    expect(closing.pool()).toEqual(NOTHING_OPEN);
  });

  test('lets the transaction in flight commit', async () => {
    let closed: Promise<void> | undefined;
    await transact(closing, async (tx) => {
      await tx.rows('create table notes (text text)', []);
      closed = closing.close();
      await tx.rows('insert into notes values ($1)', ['kept']);
    });
    await closed;

    await using session = await openSession(database.url);
    expect((await session.query('select text from notes')).rows).toEqual([{ text: 'kept' }]);
    expect(closing.pool()).toEqual(NOTHING_OPEN);
  });

  test('refuses later requests, and opens no connection', async () => {
    await readOne();
    await closing.close();
    await closing.close();

    await expect(readOne()).rejects.toThrow(UnavailableFault);
    await expect(transact(closing, (tx) => tx.rows('select 1', []))).rejects.toThrow(
      UnavailableFault,
    );
    expect(closing.pool()).toEqual(NOTHING_OPEN);
  });
});
