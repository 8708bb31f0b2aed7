import { randomUUID } from 'node:crypto';
import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { findOrders } from '../../src/shop/purchases/reads/find-purchases.ts';
import { findRefunds } from '../../src/shop/payments/list-payments.ts';
import { receivePayment } from '../../src/shop/payments/inbox/receive-payment.ts';
import { deliver, hold, order, payment, answerBytesOf } from '../support/buyer.ts';
import {
  findingsOf,
  makeProduct,
  moveClock,
  openTestShop,
  stockOf,
  until,
  useTwoShops,
  type OpenShop,
} from '../support/shop.ts';

const [one, two] = useTwoShops();

afterEach(() => moveClock(one.database, 0));

/** Events that are parked although their order exists. */
const parkedBesideOrder = async (): Promise<number> =>
  (
    await one.database.rows<{ missed: number }>(
      "select count(*)::int as missed from payment_events e join orders o on o.id = e.order_id where e.status = 'PARKED'",
      [],
    )
  )[0]!.missed;

/** One crossing: the webhook and createOrder of one order, a little apart in either direction. */
async function cross(
  [ordering, paying]: readonly [OpenShop, OpenShop],
  productId: number,
  turn: number,
): Promise<void> {
  const made = await hold(ordering.shop, productId);
  const after = async <T>(turns: number, work: () => Promise<T>): Promise<T> => {
    for (let wait = 0; wait < turns; wait += 1) await new Promise(setImmediate);
    return work();
  };
  await Promise.all([
    after(turn % 7, () => order(ordering.shop, made)),
    after((turn * 3) % 11, () => deliver(paying.shop, payment(made.orderId))),
  ]);
}

test('a webhook and its createOrder that cross 2000 times never leave an event beside an unpaid order', async () => {
  const productId = await makeProduct(one.shop, { totalStock: 2000 });

  for (let turn = 0; turn < 2000; turn += 8) {
    await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        cross(index % 2 ? [one, two] : [two, one], productId, turn + index),
      ),
    );
  }

  expect(await parkedBesideOrder()).toBe(0);
  expect(await stockOf(one.shop, productId)).toMatchObject({ sold: 2000, held: 0, available: 0 });
  expect(await findingsOf(one.shop, productId)).toEqual([]);
}, 120_000);

/** If this fails, the crossing above proves nothing: without the lock the two must miss each other. */
test('without the lock on the order’s id, a crossing leaves the event parked beside its order', async () => {
  const noLock = async () => {};
  await using ordering = await openTestShop(one.url, { lockOrders: noLock });
  await using paying = await openTestShop(one.url, { lockOrders: noLock });
  const productId = await makeProduct(one.shop, { totalStock: 1_000_000 });
  let turn = 0;

  const missed = await until(
    'a mutual miss',
    async () => {
      await Promise.all(
        Array.from({ length: 8 }, () => cross([ordering, paying], productId, (turn += 1))),
      );
      return parkedBesideOrder();
    },
    25_000,
  );

  expect(missed).toBeGreaterThan(0);
}, 30_000);

test('one event delivered 100 times at once over two servers has one effect and 100 equal answers', async () => {
  const productId = await makeProduct(one.shop);
  const { id: orderId } = await order(one.shop, await hold(one.shop, productId, { quantity: 2 }));
  const event = payment(orderId);

  const receipts = await Promise.all(
    Array.from({ length: 100 }, (_, delivery) =>
      receivePayment((delivery % 2 ? one : two).shop, event),
    ),
  );

  const answers = receipts.map((receipt) => answerBytesOf(receipt)?.body);
  expect(new Set(answers).size).toBe(1);
  expect(receipts.filter(({ kind }) => kind === 'settled')).toHaveLength(1);
  expect(await stockOf(one.shop, productId)).toMatchObject({ sold: 2, version: 3 });
  const [{ duplicates }] = (await one.database.rows<{ duplicates: number }>(
    'select duplicates from payment_events where idempotency_key = $1',
    [event.idempotencyKey],
  )) as [{ duplicates: number }];
  expect(duplicates).toBe(99);
});

test('of 20 late payments for one available unit one pays its order and 19 are refunded', async () => {
  const productId = await makeProduct(one.shop, { totalStock: 20 });
  const holds = await Promise.all(Array.from({ length: 20 }, () => hold(one.shop, productId)));
  const orders = await Promise.all(holds.map((made) => order(one.shop, made)));
  await moveClock(one.database, 601_000);
  await sweepDue(one.shop);
  await Promise.all(Array.from({ length: 19 }, () => hold(one.shop, productId)));

  const outcomes = await Promise.all(
    orders.map(({ id }, position) => deliver((position % 2 ? one : two).shop, payment(id))),
  );

  const ids = orders.map(({ id }) => id);
  expect(outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === 'refund_required')).toHaveLength(19);
  expect((await findOrders(one.shop, ids)).filter(({ status }) => status === 'PAID')).toHaveLength(
    1,
  );
  expect((await findRefunds(one.shop, ids)).map(({ reason }) => reason)).toEqual(
    Array(19).fill('PAID_TOO_LATE'),
  );
  expect(await stockOf(one.shop, productId)).toMatchObject({ available: 0, held: 19, sold: 1 });
});

test('one payment reported at once for many orders is credited to one', async () => {
  const productId = await makeProduct(one.shop, { totalStock: 20 });
  const orders = await Promise.all(
    Array.from({ length: 10 }, async () => order(one.shop, await hold(one.shop, productId))),
  );
  const paymentId = randomUUID();

  const outcomes = await Promise.all(
    orders.map(({ id }, position) =>
      deliver((position % 2 ? one : two).shop, payment(id, { paymentId })),
    ),
  );

  expect(outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === 'ignored')).toHaveLength(9);
  expect(await stockOf(one.shop, productId)).toMatchObject({ sold: 1, held: 9 });
});

test('many simultaneous payments for one order pay it once, and the rest are refunded', async () => {
  const productId = await makeProduct(one.shop);
  const { id: orderId } = await order(one.shop, await hold(one.shop, productId));

  const outcomes = await Promise.all(
    Array.from({ length: 12 }, (_, delivery) =>
      deliver((delivery % 2 ? one : two).shop, payment(orderId)),
    ),
  );

  expect(outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(1);
  expect(await findRefunds(one.shop, [orderId])).toHaveLength(11);
  expect(await findingsOf(one.shop, productId)).toEqual([]);
});
