import { randomUUID } from 'node:crypto';
import { releaseHold } from '../../src/shop/purchases/release-hold.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { findOrder, findOrders } from '../../src/shop/purchases/reads/find-purchases.ts';
import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { findRefunds } from '../../src/shop/payments/list-payments.ts';
import { receivePayment } from '../../src/shop/payments/inbox/receive-payment.ts';
import { retryInbox } from '../../src/shop/payments/inbox/retry-inbox.ts';
import {
  ask,
  codeOf,
  deliver,
  hold,
  order,
  payment,
  tokenOf,
  answerBytesOf,
} from '../support/buyer.ts';
import {
  findingsOf,
  makeProduct,
  moveClock,
  openTestShop,
  stockOf,
  useShop,
} from '../support/shop.ts';

const server = useShop();

afterEach(() => moveClock(server.database, 0));

const ORDER_OVER_MS = 601_000;

const reasons = async (orderId: string) =>
  (await findRefunds(server.shop, [orderId])).map(({ reason }) => reason);

/** A pending order of some units of a product with a given total. */
async function pending(totalStock = 5, quantity = 2) {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock });
  const made = await hold(shop, productId, { quantity });
  const { id: orderId } = await order(shop, made);
  return { shop, productId, orderId, token: tokenOf(shop, made) };
}

test('a success pays the order and sells its units', async () => {
  const { shop, productId, orderId, token } = await pending();

  const outcome = await deliver(
    shop,
    payment(orderId, { paymentId: 'pay_1', amount: '59.98', currency: 'USD' }),
  );

  expect(outcome).toBe('applied');
  expect(await findOrder(shop, token)).toMatchObject({ status: 'PAID', paymentId: 'pay_1' });
  expect(await stockOf(shop, productId)).toMatchObject({ available: 3, held: 0, sold: 2 });
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('an event delivered twice has one effect and the same answer, byte for byte', async () => {
  const { shop, productId, orderId } = await pending();
  const event = payment(orderId);

  const [first, second] = [await receivePayment(shop, event), await receivePayment(shop, event)];

  expect([first.kind, second.kind]).toEqual(['settled', 'repeated']);
  expect(answerBytesOf(first)).toMatchObject({ httpStatus: 200 });
  expect(answerBytesOf(second)).toEqual(answerBytesOf(first));
  expect(await stockOf(shop, productId)).toMatchObject({ sold: 2, version: 3 });
});

test('the same key with other content is a conflict, and the first result does not change', async () => {
  const { shop, orderId } = await pending();
  const event = payment(orderId, { amount: '59.98' });
  await deliver(shop, event);

  const changes = [
    { amount: '59.97' },
    { paymentId: 'other' },
    { orderId: randomUUID() },
    { reportedStatus: 'failed' },
    { currency: 'USD' },
  ];
  const outcomes = [];
  for (const change of changes) outcomes.push(await deliver(shop, { ...event, ...change }));
  const equal = await deliver(shop, { ...event, amount: '59.980', payload: '{"more":"fields"}' });

  expect(outcomes).toEqual(changes.map(() => 'conflict'));
  expect(equal).toBe('applied');
});

test('a payment before its order waits for it, and pays it at its creation', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 5 });
  const made = await hold(shop, productId);
  const event = payment(made.orderId, { amount: '29.99' });

  const parked = await receivePayment(shop, event);
  const ordered = await order(shop, made);
  const replayed = await receivePayment(shop, event);

  expect(parked).toMatchObject({ kind: 'settled', answer: { httpStatus: 202 } });
  expect(ordered.status).toBe('PAID');
  expect(replayed).toMatchObject({ kind: 'repeated', answer: { httpStatus: 200 } });
  expect(await stockOf(shop, productId)).toMatchObject({ available: 4, held: 0, sold: 1 });
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('a wrong amount or currency pays nothing and becomes a refund of the received amount', async () => {
  const { shop, orderId, token } = await pending();

  const outcomes = [
    await deliver(shop, payment(orderId, { amount: '59.97' })),
    await deliver(shop, payment(orderId, { amount: '0' })),
    await deliver(shop, payment(orderId, { amount: '59.98', currency: 'EUR' })),
    await deliver(shop, payment(orderId, { currency: 'EUR' })),
  ];

  expect(outcomes).toEqual(Array(4).fill('refund_required'));
  expect(await findOrder(shop, token)).toMatchObject({ status: 'PENDING' });
  expect(await findRefunds(shop, [orderId])).toMatchObject([
    { amount: '59.97', currency: 'USD', reason: 'AMOUNT_MISMATCH' },
    { amount: '0', currency: 'USD', reason: 'AMOUNT_MISMATCH' },
    { amount: '59.98', currency: 'EUR', reason: 'AMOUNT_MISMATCH' },
    { amount: '59.98', currency: 'USD', reason: 'AMOUNT_MISMATCH' },
  ]);
});

test('a failed attempt keeps the units, and the same payment may succeed later', async () => {
  const { shop, orderId, token } = await pending();

  const failed = await deliver(
    shop,
    payment(orderId, { reportedStatus: 'failed', paymentId: 'pay_2' }),
  );
  const between = await findOrder(shop, token);
  const succeeded = await deliver(shop, payment(orderId, { paymentId: 'pay_2' }));
  const late = await deliver(
    shop,
    payment(orderId, { reportedStatus: 'failed', paymentId: 'pay_2' }),
  );

  expect([failed, succeeded, late]).toEqual(['applied', 'applied', 'ignored']);
  expect(between!.status).toBe('PENDING');
  expect((await findOrder(shop, token))!.status).toBe('PAID');
});

test('a payment counts once for any key and order, and a second payment is refunded', async () => {
  const { shop, orderId, productId } = await pending();
  const other = await pending();
  await deliver(shop, payment(orderId, { paymentId: 'pay_3' }));

  const sameUnderNewKey = await deliver(shop, payment(orderId, { paymentId: 'pay_3' }));
  const sameForOtherOrder = await deliver(shop, payment(other.orderId, { paymentId: 'pay_3' }));
  const second = await deliver(shop, payment(orderId, { paymentId: 'pay_4' }));
  const secondAgain = await deliver(shop, payment(orderId, { paymentId: 'pay_4' }));

  expect([sameUnderNewKey, sameForOtherOrder, second, secondAgain]).toEqual([
    'ignored',
    'ignored',
    'refund_required',
    'ignored',
  ]);
  expect(await reasons(orderId)).toEqual(['DUPLICATE_PAYMENT']);
  expect(await stockOf(shop, productId)).toMatchObject({ sold: 2 });
});

test('a late payment takes available units, also after the buyer cancelled', async () => {
  const { shop } = server;
  const expired = await pending();
  const cancelled = await pending();
  await cancelOrder(shop, cancelled.token);
  await moveClock(server.database, ORDER_OVER_MS);
  await sweepDue(shop);

  const outcomes = [
    await deliver(shop, payment(expired.orderId)),
    await deliver(shop, payment(cancelled.orderId)),
  ];

  expect(outcomes).toEqual(['applied', 'applied']);
  for (const { productId, token } of [expired, cancelled]) {
    expect((await findOrder(shop, token))!.status).toBe('PAID');
    expect(await stockOf(shop, productId)).toMatchObject({ available: 3, held: 0, sold: 2 });
    expect(await findingsOf(shop, productId)).toEqual([]);
  }
});

test('a late payment without available units becomes a refund and never oversells', async () => {
  const { shop } = server;
  const expired = await pending(2, 2);
  const cancelled = await pending(2, 2);
  await cancelOrder(shop, cancelled.token);
  await moveClock(server.database, ORDER_OVER_MS);
  await sweepDue(shop);
  for (const { productId } of [expired, cancelled]) await hold(shop, productId);

  const outcomes = [
    await deliver(shop, payment(expired.orderId)),
    await deliver(shop, payment(cancelled.orderId)),
  ];

  expect(outcomes).toEqual(['refund_required', 'refund_required']);
  expect(await reasons(expired.orderId)).toEqual(['PAID_TOO_LATE']);
  expect(await reasons(cancelled.orderId)).toEqual(['ORDER_CANCELLED']);
  expect(await findRefunds(shop, [expired.orderId])).toMatchObject([
    { amount: '59.98', currency: 'USD' },
  ]);
  expect((await findOrder(shop, expired.token))!.status).toBe('EXPIRED');
});

test('a late payment first takes due units of others', async () => {
  const { shop } = server;
  const { orderId, productId, token } = await pending(2, 2);
  await moveClock(server.database, ORDER_OVER_MS);
  await sweepDue(shop);
  await hold(shop, productId, { quantity: 2 });
  await moveClock(server.database, 2 * ORDER_OVER_MS);

  const outcome = await deliver(shop, payment(orderId));

  expect(outcome).toBe('applied');
  expect((await findOrder(shop, token))!.status).toBe('PAID');
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('money for an order that the admin cancelled is refunded', async () => {
  const { shop, orderId, token } = await pending();
  await cancelOrder(shop, token);
  await server.database.rows("update orders set cancelled_by = 'OPERATOR' where id = $1", [
    orderId,
  ]);

  const outcome = await deliver(shop, payment(orderId));

  expect(outcome).toBe('refund_required');
  expect(await reasons(orderId)).toEqual(['ORDER_CANCELLED']);
});

test('a payment whose hold ended without an order becomes a refund with the next sweep', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop);
  const released = await hold(shop, productId);
  const due = await hold(shop, productId, { quantity: 3 });
  const failed = await hold(shop, productId);
  const events = [
    payment(released.orderId),
    payment(due.orderId),
    payment(failed.orderId, { reportedStatus: 'failed' }),
  ];
  const parked = [];
  for (const event of events) parked.push(await deliver(shop, event));

  await releaseHold(shop, tokenOf(shop, released));
  await moveClock(server.database, 121_000);
  await retryInbox(shop);
  const final = [];
  for (const event of events) final.push(await deliver(shop, event));

  expect(parked).toEqual(['parked', 'parked', 'parked']);
  expect(final).toEqual(['refund_required', 'refund_required', 'ignored']);
  expect(await findRefunds(shop, [due.orderId])).toMatchObject([
    { reason: 'ORDER_NEVER_CREATED', amount: '89.97', currency: 'USD' },
  ]);
});

test('a payment for an order that is never created is refunded after its wait', async () => {
  const { shop } = server;
  const stranger = payment(randomUUID(), { amount: '10.00' });
  const silent = payment(randomUUID());
  const first = [await deliver(shop, stranger), await deliver(shop, silent)];

  await retryInbox(shop);
  const waiting = await deliver(shop, stranger);
  await moveClock(server.database, 24 * 3600_000 + 1000);
  await retryInbox(shop);

  expect(first).toEqual(['parked', 'parked']);
  expect(waiting).toBe('parked');
  expect(await deliver(shop, stranger)).toBe('refund_required');
  expect(await findRefunds(shop, [stranger.orderId!])).toMatchObject([
    { amount: '10.00', currency: 'XXX' },
  ]);
  expect(await findRefunds(shop, [silent.orderId!])).toMatchObject([
    { amount: null, currency: null },
  ]);
});

test('an unknown status is recorded and ignored', async () => {
  const { shop, orderId, token } = await pending();

  const outcome = await deliver(shop, payment(orderId, { reportedStatus: 'authorized' }));

  expect(outcome).toBe('ignored');
  expect((await findOrder(shop, token))!.status).toBe('PENDING');
});

test('a paid order can be neither cancelled nor expired', async () => {
  const { shop, orderId, token, productId } = await pending();
  await deliver(shop, payment(orderId));

  const cancelled = await cancelOrder(shop, token);
  await moveClock(server.database, ORDER_OVER_MS);
  await sweepDue(shop);

  expect(codeOf(cancelled)).toBe('ORDER_FINAL');
  expect((await findOrders(shop, [orderId]))[0]!.status).toBe('PAID');
  expect(await stockOf(shop, productId)).toMatchObject({ sold: 2 });
});

test('if an amount is required, a success without one is a mismatch and is listed', async () => {
  await using strict = await openTestShop(server.url, { requireAmount: true });
  const { orderId } = await pending();

  const outcome = await deliver(strict.shop, payment(orderId));

  expect(outcome).toBe('refund_required');
  expect(await reasons(orderId)).toEqual(['AMOUNT_MISMATCH']);
});

test('a received event never changes, and a settled event is never reopened', async () => {
  const { shop, orderId } = await pending();
  const event = payment(orderId);
  await deliver(shop, event);
  const change = (assignment: string) =>
    server.database.rows(`update payment_events set ${assignment} where idempotency_key = $1`, [
      event.idempotencyKey,
    ]);

  await expect(change("payload = 'x'")).rejects.toThrow('what was received is never changed');
  await expect(change('amount = 1')).rejects.toThrow('what was received is never changed');
  await expect(change("status = 'PARKED'")).rejects.toThrow('never reopened');
  await expect(
    server.database.rows('delete from payment_events where idempotency_key = $1', [
      event.idempotencyKey,
    ]),
  ).rejects.toThrow('never deleted');
});

test('a purchase limit does not apply again to a late payment', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { maxPerCustomer: 2 });
  const customerId = 'limited';
  const made = await hold(shop, productId, { quantity: 2, customerId });
  const { id: orderId } = await order(shop, made);
  await moveClock(server.database, ORDER_OVER_MS);
  await sweepDue(shop);
  await hold(shop, productId, { quantity: 2, customerId });

  const outcome = await deliver(shop, payment(orderId));
  const more = await ask(shop, productId, { quantity: 1, customerId });

  expect(outcome).toBe('applied');
  expect(more).toMatchObject({ code: 'PURCHASE_LIMIT_EXCEEDED', remaining: 0 });
});
