import { findHold, findOrder } from '../../src/shop/purchases/reads/find-purchases.ts';
import { adminCancelOrder } from '../../src/shop/admin/admin-cancel-order.ts';
import { checkMoney } from '../../src/shop/reconciliation/check-money.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { listMovements } from '../../src/shop/stock/list-movements.ts';
import { findRefunds } from '../../src/shop/payments/list-payments.ts';
import { createOrder } from '../../src/shop/payments/create-order.ts';
import { codeOf, deliver, hold, ADMIN_CALLER, order, payment, tokenOf } from '../support/buyer.ts';
import { findingsOf, makeProduct, moveClock, stockOf, useShop } from '../support/shop.ts';

const server = useShop();

afterEach(async () => {
  await moveClock(server.database, 0);
  expect(await checkMoney(server.shop)).toEqual([]);
});

/** A hold of two units of a product that costs nothing. */
async function freeHold(price = '0.00', currency = 'USD') {
  const { shop } = server;
  const productId = await makeProduct(shop, { price, currency, totalStock: 5, maxPerCustomer: 2 });
  const made = await hold(shop, productId, { quantity: 2, customerId: 'ada' });
  return { shop, productId, made, orderId: made.orderId, token: tokenOf(shop, made) };
}

test.each([
  ['0.00', 'USD'],
  ['0', 'JPY'],
  ['0.000', 'KWD'],
])(
  'an order of %s %s is paid when it is created, and its units are sold',
  async (price, currency) => {
    const { shop, productId, made, token } = await freeHold(price, currency);

    const paid = await order(shop, made);

    expect(paid).toMatchObject({ status: 'PAID', paymentId: null, paymentProvider: null });
    expect(paid.paidAt).toEqual(paid.createdAt);
    expect(await findHold(shop, token)).toMatchObject({ status: 'CONVERTED' });
    expect(await stockOf(shop, productId)).toMatchObject({ available: 3, held: 0, sold: 2 });
    expect(await findingsOf(shop, productId)).toEqual([]);
  },
);

test('the sale is one movement in the transaction of the order', async () => {
  const { shop, productId, made } = await freeHold();
  const { version } = await stockOf(shop, productId);

  const paid = await order(shop, made);
  const { rows } = await listMovements(shop, { productId, first: 1, after: null });

  expect(rows[0]).toMatchObject({
    version: version + 1,
    heldDelta: -2,
    soldDelta: 2,
    availableDelta: 0,
    cause: 'SALE',
  });
  expect(paid.soldVersion).toBe(version + 1);
});

test('a repeated createOrder, in parallel and after the deadline, returns the same paid order', async () => {
  const { shop, productId, token } = await freeHold();

  const orders = await Promise.all(Array.from({ length: 10 }, () => createOrder(shop, token)));
  await moveClock(server.database, 3_600_000);
  const late = await createOrder(shop, token);

  expect(orders.map((one) => 'status' in one && one.status)).toEqual(orders.map(() => 'PAID'));
  expect(late).toMatchObject({ status: 'PAID' });
  expect(await stockOf(shop, productId)).toMatchObject({ available: 3, held: 0, sold: 2 });
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('an expired hold makes no order, although it costs nothing', async () => {
  const { shop, token } = await freeHold();
  await moveClock(server.database, 121_000);

  expect(codeOf(await createOrder(shop, token))).toBe('HOLD_EXPIRED');
});

test('its units count against the customer’s limit, and the buyer cannot cancel it', async () => {
  const { shop, made, token } = await freeHold();
  await order(shop, made);

  const cancelled = await cancelOrder(shop, token);

  expect(codeOf(cancelled)).toBe('ORDER_FINAL');
  await expect(hold(shop, made.productId, { customerId: 'ada' })).rejects.toThrow('No hold');
});

test.each([
  ['of nothing', '0', 'DUPLICATE_PAYMENT'],
  ['without an amount', null, 'DUPLICATE_PAYMENT'],
  ['of some money', '5.00', 'AMOUNT_MISMATCH'],
])('a payment %s is refunded, before the order and after it', async (_what, amount, reason) => {
  const early = await freeHold();
  const late = await freeHold();
  const money = { amount, currency: 'USD' };

  const parked = await deliver(early.shop, payment(early.orderId, money));
  const paidEarly = await order(early.shop, early.made);
  await order(late.shop, late.made);
  const refunded = await deliver(late.shop, payment(late.orderId, money));
  const failed = await deliver(
    late.shop,
    payment(late.orderId, { ...money, reportedStatus: 'failed' }),
  );

  expect([parked, refunded, failed]).toEqual(['parked', 'refund_required', 'ignored']);
  expect(paidEarly).toMatchObject({ status: 'PAID', paymentId: null });
  for (const { shop, orderId, productId, token } of [early, late]) {
    expect(await findRefunds(shop, [orderId])).toMatchObject([{ reason, status: 'OPEN' }]);
    expect(await findOrder(shop, token)).toMatchObject({ status: 'PAID', paymentId: null });
    expect(await findingsOf(shop, productId)).toEqual([]);
  }
});

test.each([true, false])('an admin cancels it without a refund (restock: %j)', async (restock) => {
  const { shop, made, productId, orderId } = await freeHold();
  await order(shop, made);

  const cancelled = await adminCancelOrder(shop, ADMIN_CALLER, {
    orderId,
    reason: 'fraud',
    restock,
  });

  expect(cancelled).toMatchObject({ status: 'CANCELLED' });
  expect(await findRefunds(shop, [orderId])).toEqual([]);
  expect(await stockOf(shop, productId)).toMatchObject({ sold: 0, total: restock ? 5 : 3 });
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('the table refuses a paid order with a price and without a payment', async () => {
  const { shop } = server;
  const made = await hold(shop, await makeProduct(shop, { price: '0.01' }));
  await order(shop, made);

  const forged = server.database.rows(
    "update orders set status = 'PAID', sold_version = 1, paid_at = now() where id = $1",
    [made.orderId],
  );

  await expect(forged).rejects.toThrow('orders_sold_when_paid');
});
