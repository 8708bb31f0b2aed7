import { randomUUID } from 'node:crypto';
import { adminAdjustStock } from '../../src/shop/admin/admin-adjust-stock.ts';
import { adminCancelOrder } from '../../src/shop/admin/admin-cancel-order.ts';
import { resolveRefund } from '../../src/shop/admin/resolve-refund.ts';
import { readEventFeed, positionBeforeLast } from '../../src/shop/events/list-events.ts';
import type { ShopEventType } from '../../src/shop/events/shop-event.rules.ts';
import { findRefunds } from '../../src/shop/payments/list-payments.ts';
import { retryInbox } from '../../src/shop/payments/inbox/retry-inbox.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import type { Hold } from '../../src/shop/purchases/reads/find-purchases.ts';
import { releaseHold } from '../../src/shop/purchases/release-hold.ts';
import { recordLateStockEvents } from '../../src/shop/stock/late-stock-events.ts';
import { ADMIN_CALLER, deliver, hold, order, payment, tokenOf } from '../support/buyer.ts';
import { eventFindings, eventsOf } from '../support/events.ts';
import { makeProduct, moveClock, useShop } from '../support/shop.ts';

/*
 * What happens to orders, refunds and products is written with it, once, and numbered after the commit.
 */

const server = useShop({ forEachTest: true });

const feed = async (after: number | null = null, type: ShopEventType | null = null) =>
  (await readEventFeed(server.shop, { first: 100, after, type })).rows;

const types = async () => (await feed()).map(({ type }) => type);

const lastPayload = async () => JSON.parse((await feed()).at(-1)!.payload);

async function ordered(productId: number, quantity = 1): Promise<Hold> {
  const held = await hold(server.shop, productId, { quantity });
  await order(server.shop, held);
  return held;
}

const cancelByAdmin = (orderId: string, restock = false) =>
  adminCancelOrder(server.shop, ADMIN_CALLER, { orderId, reason: 'a test', restock });

test('a paid order is one event with the order of that moment', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop);
  const held = await hold(shop, productId, {
    quantity: 2,
    customerId: 'ada',
    metadata: { a: 'b' },
  });
  const made = await order(shop, held);
  const event = payment(made.id, { paymentId: 'pay_1' });
  await deliver(shop, event);
  await deliver(shop, event);

  const [paid, ...more] = await feed();

  expect(more).toEqual([]);
  expect(paid).toMatchObject({ type: 'ORDER_PAID', position: 1, productId, orderId: made.id });
  expect(JSON.parse(paid!.payload)).toEqual({
    type: 'order.paid',
    timestamp: paid!.at.toISOString(),
    sequence: 1,
    data: {
      order: {
        id: made.id,
        product: { id: String(productId), name: 'Test Widget' },
        quantity: 2,
        unitPrice: { amount: '29.99', currency: 'USD' },
        totalAmount: { amount: '59.98', currency: 'USD' },
        status: 'PAID',
        paymentId: 'pay_1',
        createdAt: made.createdAt.toISOString(),
        paymentExpiresAt: made.paymentExpiresAt.toISOString(),
        paidAt: paid!.at.toISOString(),
        updatedAt: paid!.at.toISOString(),
        customerId: 'ada',
        metadata: { a: 'b' },
      },
    },
  });
});

test('an order that is cancelled, paid late and cancelled again has three events in that order', async () => {
  const { shop, database } = server;
  const held = await ordered(await makeProduct(shop));
  await cancelOrder(shop, tokenOf(shop, held));
  await cancelOrder(shop, tokenOf(shop, held));
  await deliver(shop, payment(held.orderId));
  await cancelByAdmin(held.orderId, true);
  await cancelByAdmin(held.orderId, true);

  expect(await eventsOf(database, held.orderId)).toEqual([
    'ORDER_CANCELLED',
    'ORDER_PAID',
    'REFUND_OPENED',
    'ORDER_CANCELLED',
  ]);
  expect(await eventFindings(database)).toEqual([]);
});

test('a pending order that an admin cancels has one event, and turning its cancellation final has none', async () => {
  const { shop, database } = server;
  const productId = await makeProduct(shop);
  const byAdmin = await ordered(productId);
  const byBuyer = await ordered(productId);
  await cancelByAdmin(byAdmin.orderId);
  await cancelOrder(shop, tokenOf(shop, byBuyer));
  await cancelByAdmin(byBuyer.orderId);

  expect(await types()).toEqual(['ORDER_CANCELLED', 'ORDER_CANCELLED']);
  expect(await eventFindings(database)).toEqual([]);
});

test('an order without a price, and an order that was paid before it existed, are paid at once', async () => {
  const { shop, database } = server;
  const free = await ordered(await makeProduct(shop, { price: '0' }));
  const early = await hold(shop, await makeProduct(shop));
  await deliver(shop, payment(early.orderId));
  expect(await eventsOf(database, early.orderId)).toEqual([]);
  await order(shop, early);

  expect(await types()).toEqual(['ORDER_PAID', 'ORDER_PAID']);
  expect(await eventsOf(database, free.orderId)).toEqual(['ORDER_PAID']);
  expect(await eventFindings(database)).toEqual([]);
});

test('an order expires once, by a sweep or by a hold that needs its units', async () => {
  const { shop, database } = server;
  const swept = await ordered(await makeProduct(shop));
  const scarce = await makeProduct(shop, { totalStock: 2 });
  const reclaimed = await ordered(scarce);
  await moveClock(database, 600_001);
  await hold(shop, scarce, { quantity: 2 });
  await sweepDue(shop);
  await sweepDue(shop);

  expect(await eventsOf(database, swept.orderId)).toEqual(['ORDER_EXPIRED']);
  expect(await eventsOf(database, reclaimed.orderId)).toEqual(['ORDER_EXPIRED']);
  expect(await eventFindings(database)).toEqual([]);
});

test('a refund is opened and resolved once, with its order', async () => {
  const { shop, database } = server;
  const productId = await makeProduct(shop);
  const held = await ordered(productId);
  await deliver(shop, payment(held.orderId));
  await deliver(
    shop,
    payment(held.orderId, { paymentId: 'pay_2', amount: '29.9', currency: 'USD' }),
  );
  const [refund] = await findRefunds(shop, [held.orderId]);
  const opened = await lastPayload();
  await resolveRefund(shop, ADMIN_CALLER, { refundId: refund!.id, note: 'sent back' });
  await resolveRefund(shop, ADMIN_CALLER, { refundId: refund!.id, note: 'again' });

  expect(await types()).toEqual(['ORDER_PAID', 'REFUND_OPENED', 'REFUND_RESOLVED']);
  expect(opened).toMatchObject({
    type: 'refund.opened',
    sequence: 2,
    data: {
      refund: {
        id: refund!.id,
        paymentId: 'pay_2',
        amount: { amount: '29.90', currency: 'USD' },
        status: 'OPEN',
        resolvedAt: null,
        order: { id: held.orderId, product: { id: String(productId) }, status: 'PAID' },
      },
    },
  });
  expect(await lastPayload()).toMatchObject({
    type: 'refund.resolved',
    sequence: 3,
    data: { refund: { status: 'RESOLVED', resolvedAt: expect.any(String) } },
  });
  expect(await eventFindings(database)).toEqual([]);
});

test('a refund without an order names the product of its hold, or 0', async () => {
  const { shop, database } = server;
  const productId = await makeProduct(shop);
  const released = await hold(shop, productId);
  await releaseHold(shop, tokenOf(shop, released));
  await deliver(shop, payment(released.orderId));
  await deliver(shop, payment(randomUUID()));
  await moveClock(database, 25 * 3600_000);
  await retryInbox(shop);

  const [ofHold, ofNone] = await feed();

  expect(ofHold).toMatchObject({ type: 'REFUND_OPENED', productId, orderId: released.orderId });
  expect(ofNone).toMatchObject({ type: 'REFUND_OPENED', productId: 0 });
  expect(JSON.parse(ofNone!.payload)).toMatchObject({
    data: { refund: { amount: null, reason: 'ORDER_NEVER_CREATED', order: null } },
  });
  expect(await eventFindings(database)).toEqual([]);
});

test('a transaction that is rolled back leaves no event', async () => {
  const { shop, database } = server;
  const productId = await makeProduct(shop, { totalStock: 1 });
  const held = await ordered(productId);
  const sql = database.orm.em.getConnection();
  // The statement that pays the order writes the event as well, and this row fails at its end.
  await sql.execute(
    `alter table stock_movements add constraint no_sale check (cause <> 'SALE') not valid`,
  );

  await expect(deliver(shop, payment(held.orderId))).rejects.toThrow();
  expect(await types()).toEqual(['PRODUCT_SOLD_OUT']);

  await sql.execute('alter table stock_movements drop constraint no_sale');
  await deliver(shop, payment(held.orderId));
  expect(await eventsOf(database, held.orderId)).toEqual(['ORDER_PAID']);
  expect(await eventFindings(database)).toEqual([]);
});

test('a batch writes an event for each of its orders', async () => {
  const { shop, database } = server;
  const productId = await makeProduct(shop, { totalStock: 300 });
  const holds = await Promise.all(Array.from({ length: 200 }, () => hold(shop, productId)));
  await Promise.all(holds.map((held) => order(shop, held)));
  await Promise.all(holds.map((held) => deliver(shop, payment(held.orderId))));

  const paid = await feed();
  expect(paid).toHaveLength(100);
  const rest = await feed(paid.at(-1)!.position);
  const orders = new Set([...paid, ...rest].map(({ orderId }) => orderId));
  expect(orders).toEqual(new Set(holds.map(({ orderId }) => orderId)));
  expect(await eventFindings(database)).toEqual([]);
});

test('a product is sold out when its last unit is taken, and back when one is available', async () => {
  const { shop, database } = server;
  const productId = await makeProduct(shop, { totalStock: 3 });
  await hold(shop, productId);
  const last = await hold(shop, productId, { quantity: 2 });
  await moveClock(database, 2000);
  await releaseHold(shop, tokenOf(shop, last));

  const [soldOut, back, ...more] = await feed();

  expect(more).toEqual([]);
  expect([soldOut, back]).toMatchObject([
    { type: 'PRODUCT_SOLD_OUT', productId, orderId: null },
    { type: 'PRODUCT_BACK_IN_STOCK', productId, orderId: null },
  ]);
  expect(JSON.parse(back!.payload)).toMatchObject({
    type: 'product.back_in_stock',
    sequence: 2,
    data: {
      product: {
        id: String(productId),
        name: 'Test Widget',
        price: { amount: '29.99', currency: 'USD' },
        totalStock: 3,
        availableStock: 2,
        heldStock: 1,
        soldStock: 0,
        stockVersion: 4,
      },
    },
  });
});

test('an admin who takes the last units, or adds units, changes the product as well', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 3 });
  const adjust = (delta: number) =>
    adminAdjustStock(shop, ADMIN_CALLER, {
      productId,
      delta,
      reason: 'a test',
      expectedVersion: null,
      idempotencyKey: null,
    });
  await adjust(-3);
  await adjust(1);

  expect(await types()).toEqual(['PRODUCT_SOLD_OUT', 'PRODUCT_BACK_IN_STOCK']);
});

test('a product has at most one event of a type a second, and the last one says how it is', async () => {
  const { shop, database } = server;
  const productId = await makeProduct(shop, { totalStock: 1 });
  const flap = async () => releaseHold(shop, tokenOf(shop, await hold(shop, productId)));
  for (let round = 0; round < 5; round += 1) await flap();
  await hold(shop, productId);
  expect(await types()).toEqual(['PRODUCT_SOLD_OUT', 'PRODUCT_BACK_IN_STOCK']);

  await recordLateStockEvents(shop);
  expect(await types()).toHaveLength(2);
  await moveClock(database, 1500);
  await recordLateStockEvents(shop);
  await recordLateStockEvents(shop);

  expect(await types()).toEqual(['PRODUCT_SOLD_OUT', 'PRODUCT_BACK_IN_STOCK', 'PRODUCT_SOLD_OUT']);
  expect(await eventFindings(database)).toEqual([]);
});

test('the next move of units writes what the last second suppressed', async () => {
  const { shop, database } = server;
  const productId = await makeProduct(shop, { totalStock: 2 });
  const first = await hold(shop, productId, { quantity: 2 });
  await releaseHold(shop, tokenOf(shop, first));
  const second = await ordered(productId, 2);
  await moveClock(database, 1500);
  await deliver(shop, payment(second.orderId));

  const written = await feed();
  expect(written.filter(({ orderId }) => orderId === null).map(({ type }) => type)).toEqual([
    'PRODUCT_SOLD_OUT',
    'PRODUCT_BACK_IN_STOCK',
    'PRODUCT_SOLD_OUT',
  ]);
});

test('the feed is read in pages, by type, and from its end', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop);
  for (let buyer = 0; buyer < 5; buyer += 1)
    await deliver(shop, payment((await ordered(productId)).orderId));
  await cancelByAdmin((await feed())[4]!.orderId!);

  const all = await feed();
  const page = await readEventFeed(shop, { first: 2, after: 2, type: null });
  const beyond = await readEventFeed(shop, { first: 2, after: 7, type: null });
  const paid = await readEventFeed(shop, { first: 4, after: null, type: 'ORDER_PAID' });

  expect(all.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(page).toEqual({
    rows: all.slice(2, 4),
    hasNextPage: true,
    hasPreviousPage: true,
    totalCount: 7,
  });
  expect(beyond).toMatchObject({ rows: [], hasNextPage: false, totalCount: 7 });
  expect(paid).toMatchObject({ hasNextPage: true, totalCount: 5, rows: all.slice(0, 4) });
  expect(await positionBeforeLast(shop, 3, null)).toBe(4);
  expect(await positionBeforeLast(shop, 0, null)).toBe(7);
  expect(await positionBeforeLast(shop, 100, null)).toBe(0);
  expect(await positionBeforeLast(shop, 1, 'ORDER_PAID')).toBe(4);
});

test('an event is never changed, deleted or emptied', async () => {
  const { shop, database } = server;
  await deliver(shop, payment((await ordered(await makeProduct(shop))).orderId));
  await feed();
  const sql = (statement: string) => database.orm.em.getConnection().execute(statement);

  for (const change of [
    "type = 'ORDER_EXPIRED'",
    'sequence = 7',
    'position = 7',
    "snapshot = '{}'",
    'at = now()',
  ])
    await expect(sql(`update shop_events set ${change}`)).rejects.toThrow(
      'an event is never changed',
    );
  await expect(sql('delete from shop_events')).rejects.toThrow('an event is never deleted');
  await expect(sql('truncate shop_events cascade')).rejects.toThrow('an event is never deleted');
});
