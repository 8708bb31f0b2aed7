import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { adminCancelOrder } from '../../src/shop/admin/admin-cancel-order.ts';
import { adminPauseSale } from '../../src/shop/admin/admin-pause-sale.ts';
import { adminAdjustStock } from '../../src/shop/admin/admin-adjust-stock.ts';
import { reconcile } from '../../src/shop/reconciliation/reconcile.ts';
import { adminReconcile } from '../../src/shop/admin/admin-reconcile.ts';
import { resolveRefund } from '../../src/shop/admin/resolve-refund.ts';
import { findOrders } from '../../src/shop/purchases/reads/find-purchases.ts';
import { findRefunds } from '../../src/shop/payments/list-payments.ts';
import type { LockStock } from '../../src/shop/stock/locked-stock.ts';
import { StockLevelTable } from '../../src/shop/stock/stock-level.entity.ts';
import type { Shop } from '../../src/shop/shop.ts';
import { deliver, hold, ADMIN_CALLER, order, payment } from '../support/buyer.ts';
import {
  findingsOf,
  makeProduct,
  openSession,
  openTestShop,
  stockOf,
  unlessBusy,
  until,
  useTwoShops,
} from '../support/shop.ts';

const [one, two] = useTwoShops({ forEachTest: true });

/** One server or the other, in turn. */
const turnOf = (turn: number): Shop => (turn % 2 ? one : two).shop;

const cancel = (shop: Shop, orderId: string, restock = true) =>
  unlessBusy(() => adminCancelOrder(shop, ADMIN_CALLER, { orderId, reason: 'a race', restock }));

const adjust = (shop: Shop, productId: number, delta: number) =>
  unlessBusy(() =>
    adminAdjustStock(shop, ADMIN_CALLER, {
      productId,
      delta,
      reason: 'a race',
      expectedVersion: null,
      idempotencyKey: null,
    }),
  );

const statusOf = async (orderId: string) => (await findOrders(one.shop, [orderId]))[0]!.status;

/**
 * Takes no lock on the order’s id, and removes the row locks of its transaction. Only the conditions of
 * the statements and the constraints remain.
 */
const noLockAtAll: Shop['lockOrders'] = async (tx) => {
  const findOne = tx.em.findOne.bind(tx.em) as (...given: unknown[]) => Promise<unknown>;
  tx.em.findOne = ((table: unknown, where: unknown, options: object) =>
    findOne(table, where, { ...options, lockMode: undefined })) as never;
};

const lookWithoutLock: LockStock = (tx, productId) => tx.findOne(StockLevelTable, { productId });

test('20 admins who cancel one paid order over two servers refund it once and return its units once', async () => {
  for (const restock of [true, false]) {
    const productId = await makeProduct(one.shop, { totalStock: 10 });
    const { id } = await order(one.shop, await hold(one.shop, productId, { quantity: 3 }));
    await deliver(one.shop, payment(id));

    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, turn) => cancel(turnOf(turn), id, restock)),
    );

    for (const answer of answers) expect(answer).toMatchObject({ id, status: 'CANCELLED' });
    expect(await findRefunds(one.shop, [id])).toMatchObject([{ reason: 'ORDER_CANCELLED' }]);
    expect(await stockOf(one.shop, productId)).toMatchObject({
      version: 4,
      total: restock ? 10 : 7,
      available: restock ? 10 : 7,
      sold: 0,
    });
    expect(await findingsOf(one.shop, productId)).toEqual([]);
  }
});

test('without the locks, two admins who cancel one paid order collide, and only the constraints stop the second', async () => {
  await using lockless = await openTestShop(one.url, { lockOrders: noLockAtAll });
  const productId = await makeProduct(one.shop, { totalStock: 1_000_000 });

  const stopped = await until('a collision', async () => {
    const { id } = await order(one.shop, await hold(one.shop, productId));
    await deliver(one.shop, payment(id));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 4 }, () => cancel(lockless.shop, id)),
    );
    return outcomes.find((outcome) => outcome.status === 'rejected');
  });

  expect(String(stopped.reason)).toMatch(/cancelled once|refunds_|one version at a time|stock_/);
});

test('an admin cancel and the payment of the same order that cross end in one of two ways, and lose no money', async () => {
  const productId = await makeProduct(one.shop, { totalStock: 400 });
  const ends = new Set<string>();

  for (let turn = 0; turn < 120; turn += 4) {
    await Promise.all(
      Array.from({ length: 4 }, async (_, index) => {
        const { id } = await order(one.shop, await hold(one.shop, productId));
        // From at once to 14 ms later: a payment first waits for its batch.
        const later = new Promise((resolve) => setTimeout(resolve, (turn / 4) % 15));
        const [answer, outcome] = await Promise.all([
          later.then(() => cancel(turnOf(index), id)),
          deliver(turnOf(index + 1), payment(id)),
        ]);
        ends.add(outcome);
        expect(answer).toMatchObject({ status: 'CANCELLED' });
        expect(await findRefunds(one.shop, [id])).toMatchObject([
          { reason: 'ORDER_CANCELLED', status: 'OPEN' },
        ]);
      }),
    );
  }

  expect([...ends].toSorted()).toEqual(['applied', 'refund_required']);
  expect(await stockOf(one.shop, productId)).toMatchObject({ available: 400, held: 0, sold: 0 });
  expect(await reconcile(one.shop)).toEqual({ balanced: true, findings: [], repaired: 0 });
}, 60_000);

test('without the locks, a cancel and a payment of the same order collide, and only the constraints stop one', async () => {
  await using lockless = await openTestShop(one.url, { lockOrders: noLockAtAll });
  const productId = await makeProduct(one.shop, { totalStock: 1_000_000 });

  const stopped = await until('a collision', async () => {
    const { id } = await order(one.shop, await hold(one.shop, productId));
    const outcomes = await Promise.allSettled([
      cancel(lockless.shop, id),
      deliver(lockless.shop, payment(id)),
    ]);
    return outcomes.find((outcome) => outcome.status === 'rejected');
  });

  expect(String(stopped.reason)).toMatch(/cancelled once|paid once|one version at a time|stock_/);
});

test('cancels, payments, adjustments, sweeps and repairs of one product at once keep the stock invariant at every version', async () => {
  const { shop } = one;
  const productId = await makeProduct(shop, { totalStock: 200 });
  const orders = await Promise.all(
    Array.from({ length: 60 }, async () => order(shop, await hold(shop, productId))),
  );

  await Promise.all(
    orders.flatMap(({ id }, turn) => [
      unlessBusy(() => deliver(turnOf(turn), payment(id))),
      cancel(turnOf(turn + 1), id, turn % 4 < 2),
      adjust(turnOf(turn), productId, turn % 2 ? 1 : -1),
      ...(turn % 10 === 0
        ? [
            unlessBusy(() => sweepDue(turnOf(turn))),
            unlessBusy(() => adminReconcile(turnOf(turn), ADMIN_CALLER, { fix: true })).then(
              ({ repaired }) => expect(repaired).toBe(0),
            ),
          ]
        : []),
    ]),
  );

  const { total, available, held, sold } = await stockOf(shop, productId);
  expect([held, sold]).toEqual([0, 0]);
  expect(total).toBe(available);
  expect(await reconcile(shop)).toMatchObject({ balanced: true, findings: [] });
}, 60_000);

test('without the lock on the stock row, a cancel and adjustments at once are stopped by the version alone', async () => {
  await using lockless = await openTestShop(one.url, { lockStock: lookWithoutLock });
  const productId = await makeProduct(one.shop, { totalStock: 1_000_000 });

  const stopped = await until('a collision', async () => {
    const { id } = await order(one.shop, await hold(one.shop, productId));
    await deliver(one.shop, payment(id));
    const outcomes = await Promise.allSettled([
      cancel(lockless.shop, id),
      ...Array.from({ length: 4 }, () => adjust(lockless.shop, productId, 1)),
    ]);
    return outcomes.find((outcome) => outcome.status === 'rejected');
  });

  expect(String(stopped.reason)).toMatch(/one version at a time|stock_|version/);
});

test('20 simultaneous repairs of damaged counters repair them once', async () => {
  const productId = await makeProduct(one.shop, { totalStock: 10 });
  await hold(one.shop, productId, { quantity: 4 });
  await one.database.rows(
    'update stock_levels set available = 10, held = 0 where product_id = $1',
    [productId],
  );

  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, turn) =>
      adminReconcile(turnOf(turn), ADMIN_CALLER, { fix: true }),
    ),
  );

  expect(outcomes.reduce((sum, { repaired }) => sum + repaired, 0)).toBe(1);
  expect(await stockOf(one.shop, productId)).toMatchObject({ available: 6, held: 4, version: 3 });
  expect(await findingsOf(one.shop, productId)).toEqual([]);
});

test('without the lock on the stock row, simultaneous repairs collide on the version', async () => {
  await using lockless = await openTestShop(one.url, { lockStock: lookWithoutLock });
  const productId = await makeProduct(one.shop, { totalStock: 10 });

  const stopped = await until('a collision', async () => {
    await one.database.rows(
      'update stock_levels set available = 9, sold = 1 where product_id = $1',
      [productId],
    );
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 4 }, () =>
        adminReconcile(lockless.shop, ADMIN_CALLER, { fix: true }),
      ),
      ...Array.from({ length: 4 }, () => adjust(lockless.shop, productId, 1)),
    ]);
    return outcomes.find((outcome) => outcome.status === 'rejected');
  });

  expect(String(stopped.reason)).toMatch(/one version at a time|stock_|version/);
});

test('a refund that 20 admins resolve at once is resolved once, with one note', async () => {
  const { id } = await order(one.shop, await hold(one.shop, await makeProduct(one.shop)));
  await deliver(one.shop, payment(id));
  await cancel(one.shop, id);
  const [refund] = await findRefunds(one.shop, [id]);

  const resolved = await Promise.all(
    Array.from({ length: 20 }, (_, turn) =>
      resolveRefund(turnOf(turn), ADMIN_CALLER, { refundId: refund!.id, note: `note ${turn}` }),
    ),
  );

  expect(new Set(resolved.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(await statusOf(id)).toBe('CANCELLED');
});

/** Holds in the table when a pause is answered that began beside a hold, and in the end. */
async function holdsBesidePause(pausing: Shop) {
  const productId = await makeProduct(one.shop);
  const count = async () => {
    const [row] = await one.database.rows<{ count: number }>(
      'select count(*)::int as count from holds where product_id = $1',
      [productId],
    );
    return row!.count;
  };
  const waiting = async () => {
    const [row] = await one.database.rows<{ count: number }>(
      "select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      [],
    );
    return row!.count;
  };
  await using session = await openSession(one.url);
  // The hold stops after its facts are read and before its commit.
  await session.query(`create or replace function stop_hold() returns trigger language plpgsql as $$
    begin perform pg_advisory_xact_lock(77); return new; end $$`);
  await session.query(
    'create or replace trigger stop_hold before insert on holds for each row execute function stop_hold()',
  );
  await session.query('select pg_advisory_lock(77)');
  const holding = hold(one.shop, productId);
  await until('the hold stops', async () => (await waiting()) === 1);
  let isAnswered = false;
  const atAnswer = adminPauseSale(pausing, ADMIN_CALLER, { id: productId, paused: true }).then(
    () => {
      isAnswered = true;
      return count();
    },
  );
  await until('the pause waits or is answered', async () => isAnswered || (await waiting()) === 2);
  const answered = isAnswered ? await atAnswer : undefined;
  await session.query('select pg_advisory_unlock(77)');
  await holding;
  return { atAnswer: answered ?? (await atAnswer), inTheEnd: await count() };
}

test('no hold is committed after a pause on another server was answered', async () => {
  expect(await holdsBesidePause(two.shop)).toEqual({ atAnswer: 1, inTheEnd: 1 });
});

test('the twin: a pause without the stock lock is answered before a hold that does not see it', async () => {
  await using broken = await openTestShop(one.url, { lockStock: lookWithoutLock });

  expect(await holdsBesidePause(broken.shop)).toEqual({ atAnswer: 0, inTheEnd: 1 });
});
