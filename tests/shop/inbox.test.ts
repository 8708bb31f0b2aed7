import { randomUUID } from 'node:crypto';
import { releaseHold } from '../../src/shop/purchases/release-hold.ts';
import { convertHold } from '../../src/shop/purchases/convert-hold.ts';
import { replayPaymentEvent } from '../../src/shop/admin/replay-event.ts';
import { findOrders } from '../../src/shop/purchases/reads/find-purchases.ts';
import { listDeadEvents } from '../../src/shop/payments/list-payments.ts';
import { findRefunds } from '../../src/shop/payments/list-payments.ts';
import { retryInbox } from '../../src/shop/payments/inbox/retry-inbox.ts';
import { BusyFault } from '../../src/lib/faults.ts';
import { transact } from '../../src/postgres/transaction.ts';
import { withQueues } from '../../src/open-shop.ts';
import type { LiveShop } from '../../src/live/live-shop.ts';
import { deliver, hold, ADMIN_CALLER, order, payment, tokenOf } from '../support/buyer.ts';
import { findingsOf, makeProduct, moveClock, openSession, useShop } from '../support/shop.ts';
import { statementsOf } from '../support/statement-log.ts';

const server = useShop({ forEachTest: true, orderPaymentTtlMs: 3_600_000 });

/** A pending order with its payment still parked. */
async function missed() {
  const { shop } = server;
  const productId = await makeProduct(shop);
  const made = await hold(shop, productId);
  const event = payment(made.orderId);
  await deliver(shop, event);
  const { orderId, id: holdId } = made;
  await transact(shop.database, (tx) =>
    convertHold(shop, tx, { orderId, holdId, movesUnits: false }),
  );
  return { shop, productId, orderId, event };
}

/** The same shop, in which selling breaks as a bug would break it. */
const broken = (shop: LiveShop): LiveShop =>
  withQueues(
    { ...shop, lockStock: () => Promise.reject(new Error('the till is broken')) },
    { batchMax: 500, queueMax: 5000 },
  );

/** Breaks the database as damage would, and mends it. */
const ddl = (statement: string) => server.database.orm.em.getConnection().execute(statement);

const eventOf = async (key: string) =>
  (
    await server.database.rows<{ status: string; attempts: number; wait: number }>(
      `select status, attempts, extract(epoch from next_try_at - shop_clock())::float as wait
     from payment_events where idempotency_key = $1`,
      [key],
    )
  )[0]!;

test('an event parked beside its order is settled by the next sweep', async () => {
  const { shop, orderId, productId } = await missed();

  await moveClock(server.database, 2000);
  const settled = await retryInbox(shop);

  expect(settled).toBe(1);
  expect(await findOrders(shop, [orderId])).toMatchObject([{ status: 'PAID' }]);
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('an event whose settling throws is tried at growing intervals, and is a dead letter after ten tries', async () => {
  const { shop, event, orderId } = await missed();
  let aheadMs = 0;
  const waits: number[] = [];

  for (let attempt = 1; attempt <= 10; attempt += 1) {
    aheadMs += 3_000_000;
    await moveClock(server.database, aheadMs);
    await retryInbox(broken(shop));
    waits.push((await eventOf(event.idempotencyKey)).wait);
  }
  await moveClock(server.database, 2 * aheadMs);
  const untouched = await retryInbox(shop);

  expect(waits.map((seconds) => Math.round(Math.log2(seconds)))).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ]);
  expect(untouched).toBe(0);
  expect(await listDeadEvents(shop)).toMatchObject([
    { orderId, attempts: 10, reason: 'the till is broken' },
  ]);
});

test('an event whose hold has ended also waits between its failed tries', async () => {
  const { shop } = server;
  const made = await hold(shop, await makeProduct(shop));
  const event = payment(made.orderId);
  await deliver(shop, event);
  await releaseHold(shop, tokenOf(shop, made));
  await ddl('alter table refunds add constraint broken check (amount < 0)');
  await moveClock(server.database, 2000);

  for (let sweep = 0; sweep < 5; sweep += 1) await retryInbox(shop);
  const failed = await eventOf(event.idempotencyKey);
  await ddl('alter table refunds drop constraint broken');
  await moveClock(server.database, 5000);
  await retryInbox(shop);

  expect(failed).toMatchObject({ status: 'PARKED', attempts: 1 });
  expect(await findRefunds(shop, [made.orderId])).toMatchObject([
    { reason: 'ORDER_NEVER_CREATED' },
  ]);
});

test('an order is created although settling its early payment fails, and the inbox keeps the payment', async () => {
  const { shop } = server;
  const made = await hold(shop, await makeProduct(shop));
  const event = payment(made.orderId);
  await deliver(shop, event);
  await ddl("alter table orders add constraint broken check (status <> 'PAID')");

  const ordered = await order(shop, made);
  await ddl('alter table orders drop constraint broken');
  await moveClock(server.database, 3000);
  await retryInbox(shop);

  expect(ordered.status).toBe('PENDING');
  expect(await findOrders(shop, [made.orderId])).toMatchObject([{ status: 'PAID' }]);
});

test('a dead letter is replayed when its cause is repaired', async () => {
  const { shop, event, orderId } = await missed();
  await server.database.rows("update payment_events set status = 'DEAD', attempts = $1", [10]);
  const [dead] = await listDeadEvents(shop);
  const id = dead!.id;

  const again = await replayPaymentEvent(broken(shop), ADMIN_CALLER, id);
  const replayed = await replayPaymentEvent(shop, ADMIN_CALLER, id);

  expect(again).toMatchObject({ status: 'DEAD', attempts: 11, reason: 'the till is broken' });
  expect(replayed).toMatchObject({ status: 'APPLIED' });
  expect(await listDeadEvents(shop)).toEqual([]);
  expect(await findOrders(shop, [orderId])).toMatchObject([{ status: 'PAID' }]);
  expect(await deliver(shop, event)).toBe('applied');
});

test('createOrder applies a dead letter too', async () => {
  const { shop } = server;
  const made = await hold(shop, await makeProduct(shop));
  await deliver(shop, payment(made.orderId));
  await server.database.rows("update payment_events set status = 'DEAD', attempts = $1", [10]);

  const ordered = await order(shop, made);

  expect(ordered.status).toBe('PAID');
  expect(await listDeadEvents(shop)).toEqual([]);
});

test('waiting for an order or a lock is not a failed try', async () => {
  const { shop, event } = await missed();
  const stranger = payment('018f0000-0000-7000-8000-000000000000');
  await deliver(shop, stranger);
  const busy = { ...shop, lockStock: () => Promise.reject(new BusyFault('locked')) };

  for (let sweep = 1; sweep <= 12; sweep += 1) {
    await moveClock(server.database, sweep * 90_000);
    await retryInbox(busy);
  }

  expect(await eventOf(stranger.idempotencyKey)).toMatchObject({ status: 'PARKED', attempts: 0 });
  expect(await eventOf(event.idempotencyKey)).toMatchObject({ status: 'PARKED', attempts: 0 });
});

test('a sweep reads all waiting events in one statement, and finds those that can be settled', async () => {
  const { shop, orderId } = await missed();
  for (let strangers = 0; strangers < 20; strangers += 1)
    await deliver(shop, payment(randomUUID()));
  const transactions = async () =>
    (await statementsOf(() => retryInbox(shop))).filter((text) => text.startsWith('begin'));

  await moveClock(server.database, 2000);
  const settling = await transactions();
  const again = await statementsOf(() => retryInbox(shop));
  await moveClock(server.database, 90_000);
  const looking = await transactions();

  expect(settling).toHaveLength(1);
  expect(await findOrders(shop, [orderId])).toMatchObject([{ status: 'PAID' }]);
  expect(again).toHaveLength(1);
  expect(looking).toEqual([]);
});

test('an event is checked at growing intervals up to a minute, and at once after the end of its hold', async () => {
  const { shop } = server;
  const made = await hold(shop, await makeProduct(shop));
  const held = payment(made.orderId);
  const stranger = payment(randomUUID());
  for (const event of [held, stranger]) await deliver(shop, event);
  const looks: (readonly number[])[] = [];

  for (const seconds of [10, 100, 121, 400]) {
    await moveClock(server.database, seconds * 1000);
    await retryInbox(shop);
    const waits = [await eventOf(held.idempotencyKey), await eventOf(stranger.idempotencyKey)];
    looks.push(waits.map(({ wait }) => Math.round(wait / 10) * 10));
  }

  expect(looks).toEqual([
    [10, 10],
    [20, 60],
    [0, 40],
    [0, 60],
  ]);
  expect(await eventOf(held.idempotencyKey)).toMatchObject({ status: 'REFUND_REQUIRED' });
  expect(await findRefunds(shop, [made.orderId])).toMatchObject([
    { reason: 'ORDER_NEVER_CREATED' },
  ]);
});

test('an event whose hold is released is checked by the next sweep', async () => {
  const { shop } = server;
  const made = await hold(shop, await makeProduct(shop));
  const early = payment(made.orderId);
  await deliver(shop, early);
  await moveClock(server.database, 50_000);
  await retryInbox(shop);
  const { wait } = await eventOf(early.idempotencyKey);

  await releaseHold(shop, tokenOf(shop, made));
  const settled = await retryInbox(shop);

  expect(wait).toBeGreaterThan(40);
  expect(settled).toBe(1);
  expect(await eventOf(early.idempotencyKey)).toMatchObject({ status: 'REFUND_REQUIRED' });
});

test('a sweep skips an event that another transaction is deciding', async () => {
  const { shop, event, orderId } = await missed();
  const other = await missed();
  await moveClock(server.database, 2000);
  await using session = await openSession(server.url);
  await session.query('begin');
  await session.query('select from payment_events where idempotency_key = $1 for update', [
    event.idempotencyKey,
  ]);

  const settled = await retryInbox(shop);
  await session.query('rollback');
  const afterwards = await retryInbox(shop);

  expect([settled, afterwards]).toEqual([1, 1]);
  expect(await findOrders(shop, [other.orderId, orderId])).toMatchObject([
    { status: 'PAID' },
    { status: 'PAID' },
  ]);
});

test('a sweep checks at most five hundred events, and the next one the following ones', async () => {
  const { shop } = server;
  await server.database.rows(
    `insert into payment_events (id, provider, idempotency_key, payment_id, order_id, reported_status,
       status, counted, attempts, next_try_at, duplicates, received_at, payload, headers, answer_status, answer_body)
     select gen_random_uuid(), 'payments', 'stranger ' || n, 'p ' || n, gen_random_uuid(), 'success',
       'PARKED', false, 0, shop_clock(), 0, shop_clock() - interval '1 hour', '{}', '{}', 202, '{}'
     from generate_series(1, $1::int) n`,
    [501],
  );
  const { orderId } = await missed();
  await moveClock(server.database, 2000);

  const first = await retryInbox(shop);
  const second = await retryInbox(shop);

  expect([first, second]).toEqual([0, 1]);
  expect(await findOrders(shop, [orderId])).toMatchObject([{ status: 'PAID' }]);
});

test('a webhook that fails unexpectedly records nothing, and its redelivery applies it', async () => {
  const { shop } = server;
  const { id: orderId } = await order(shop, await hold(shop, await makeProduct(shop)));
  const event = payment(orderId);

  await expect(deliver(broken(shop), event)).rejects.toThrow('the till is broken');
  const recorded = await server.database.rows('select from payment_events where order_id = $1', [
    orderId,
  ]);
  const redelivered = await deliver(shop, event);

  expect(recorded).toEqual([]);
  expect(redelivered).toBe('applied');
});

test('two parked payments of one order: one pays it, the other is refunded', async () => {
  const { shop } = server;
  const made = await hold(shop, await makeProduct(shop));
  for (const paymentId of ['first', 'second', 'first'])
    await deliver(shop, payment(made.orderId, { paymentId }));

  const ordered = await order(shop, made);

  expect(ordered).toMatchObject({ status: 'PAID', paymentId: 'first' });
  expect(await findRefunds(shop, [made.orderId])).toMatchObject([
    { paymentId: 'second', reason: 'DUPLICATE_PAYMENT', amount: '29.99' },
  ]);
});
