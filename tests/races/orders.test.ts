import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { findHold, findOrder } from '../../src/shop/purchases/reads/find-purchases.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { createOrder } from '../../src/shop/payments/create-order.ts';
import {
  codeOf,
  deliver,
  deliverUntilTaken,
  hold,
  order,
  payment,
  tokenOf,
} from '../support/buyer.ts';
import {
  findingsOf,
  makeProduct,
  moveClock,
  openSession,
  openTestShop,
  stockOf,
  until,
  useTwoShops,
} from '../support/shop.ts';

const [one, two] = useTwoShops({ holdTtlMs: 120_000, orderPaymentTtlMs: 600_000 });

afterEach(() => moveClock(one.database, 0));

/** How many sessions of this database wait for a lock. */
const waiting = async (): Promise<number> =>
  (
    await one.database.rows<{ waiting: number }>(
      "select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      [],
    )
  )[0]!.waiting;

test('50 simultaneous createOrder calls for one hold over two servers make one order', async () => {
  const productId = await makeProduct(one.shop);
  const made = await hold(one.shop, productId);

  const orders = await Promise.all(
    Array.from({ length: 50 }, (_, caller) => order((caller % 2 ? one : two).shop, made)),
  );

  expect(new Set(orders.map(({ id }) => id))).toEqual(new Set([made.orderId]));
  expect(await findingsOf(one.shop, productId)).toEqual([]);
});

/** Waits until the database's clock, which alone decides, has passed an instant. */
const passed = (instant: Date) =>
  until('the deadline to pass', async () => {
    const [row] = await one.database.rows<{ over: boolean }>('select shop_clock() >= $1 as over', [
      instant,
    ]);
    return row!.over;
  });

test('createOrder around the deadline gives an order or HOLD_EXPIRED, and never both effects', async () => {
  await using brief = await openTestShop(one.url, { holdTtlMs: 100 });
  const productId = await makeProduct(one.shop, { totalStock: 2000 });
  const attempt = async (turn: number) => {
    const made = await hold(brief.shop, productId);
    // From 100 ms before the deadline to 77 ms after it, give or take the way to the database.
    await new Promise((resolve) => setTimeout(resolve, (turn % 60) * 3));
    return codeOf(await createOrder((turn % 2 ? one : two).shop, tokenOf(one.shop, made)));
  };
  const codes: string[] = [];
  const line = async (first: number) => {
    for (let turn = first; turn < 400; turn += 8) codes.push(await attempt(turn));
  };
  let racing = true;
  const sweeps = (async () => {
    while (racing) await sweepDue(two.shop);
  })();

  await Promise.all(Array.from({ length: 8 }, (_, first) => line(first)));
  racing = false;
  await sweeps;
  await sweepDue(one.shop);

  const ordered = codes.filter((code) => code === 'OK').length;
  expect(new Set(codes)).toEqual(new Set(['OK', 'HOLD_EXPIRED']));
  expect(await stockOf(one.shop, productId)).toMatchObject({
    held: ordered,
    available: 2000 - ordered,
  });
  expect(await findingsOf(one.shop, productId)).toEqual([]);
}, 60_000);

test('a createOrder that waits for the hold’s lock across the deadline ends in HOLD_EXPIRED', async () => {
  await using brief = await openTestShop(one.url, { holdTtlMs: 300 });
  const made = await hold(brief.shop, await makeProduct(one.shop));
  await using session = await openSession(one.url);
  await session.query('begin');
  await session.query('select from holds where id = $1 for update', [made.id]);

  const ordering = createOrder(one.shop, tokenOf(one.shop, made));
  await until('createOrder to wait', async () => (await waiting()) > 0);
  await passed(made.expiresAt);
  await session.query('commit');

  expect(codeOf(await ordering)).toBe('HOLD_EXPIRED');
});

/** The twin: the clock of the locking statement is read before the wait, and would accept the hold. */
test('a clock read in the locking statement is older than the wait', async () => {
  await using brief = await openTestShop(one.url, { holdTtlMs: 300 });
  const made = await hold(brief.shop, await makeProduct(one.shop));
  await using holder = await openSession(one.url);
  await using waiter = await openSession(one.url);
  await holder.query('begin');
  await holder.query('select from holds where id = $1 for update', [made.id]);

  const locking = waiter.query(
    'select shop_clock() < expires_at as live from holds where id = $1 for update',
    [made.id],
  );
  await until('it to wait', async () => (await waiting()) > 0);
  await passed(made.expiresAt);
  await holder.query('commit');
  const within = (await locking).rows[0].live;
  const after = (
    await waiter.query('select shop_clock() < expires_at as live from holds where id = $1', [
      made.id,
    ])
  ).rows[0].live;

  expect([within, after]).toEqual([true, false]);
});

test('a createOrder with a parked payment that waits for the stock across the deadline ends in HOLD_EXPIRED', async () => {
  await using brief = await openTestShop(one.url, { holdTtlMs: 300 });
  const productId = await makeProduct(one.shop);
  const made = await hold(brief.shop, productId);
  await deliver(one.shop, payment(made.orderId));
  await using session = await openSession(one.url);
  await session.query('begin');
  await session.query('select from stock_levels where product_id = $1 for update', [productId]);

  const ordering = createOrder(one.shop, tokenOf(one.shop, made));
  await until('createOrder to wait', async () => (await waiting()) > 0);
  await passed(made.expiresAt);
  await session.query('commit');

  expect(codeOf(await ordering)).toBe('HOLD_EXPIRED');
  expect((await findHold(one.shop, tokenOf(one.shop, made)))!.status).toBe('ACTIVE');
});

test('a payment at the expiry pays the order or is a late payment, and the units are counted once', async () => {
  await using brief = await openTestShop(one.url, { orderPaymentTtlMs: 25 });
  const productId = await makeProduct(one.shop, { totalStock: 200 });
  const holds = await Promise.all(Array.from({ length: 100 }, () => hold(one.shop, productId)));
  const orders = await Promise.all(holds.map((made) => order(brief.shop, made)));
  const outcomes = await Promise.all([
    ...orders.map(({ id }, position) =>
      deliverUntilTaken((position % 2 ? one : two).shop, payment(id)),
    ),
    ...[one, two, one].map(({ shop }) => sweepDue(shop).then(() => 'swept')),
  ]);

  expect(new Set(outcomes)).toEqual(new Set(['applied', 'swept']));
  expect(await stockOf(one.shop, productId)).toMatchObject({ sold: 100, held: 0, available: 100 });
  expect(await findingsOf(one.shop, productId)).toEqual([]);
});

test('a payment at a cancellation: one takes effect first, and the payment pays or is refunded', async () => {
  const productId = await makeProduct(one.shop, { totalStock: 60 });
  const holds = await Promise.all(Array.from({ length: 60 }, () => hold(one.shop, productId)));
  await Promise.all(holds.map((made) => order(one.shop, made)));

  await Promise.all(
    holds.flatMap((made) => [
      deliverUntilTaken(one.shop, payment(made.orderId)),
      cancelOrder(two.shop, tokenOf(two.shop, made)),
    ]),
  );

  const orders = await Promise.all(
    holds.map((made) => findOrder(one.shop, tokenOf(one.shop, made))),
  );
  expect(orders.every((made) => made!.status === 'PAID')).toBe(true);
  expect(await stockOf(one.shop, productId)).toMatchObject({ sold: 60, held: 0, available: 0 });
  expect(await findingsOf(one.shop, productId)).toEqual([]);
});
