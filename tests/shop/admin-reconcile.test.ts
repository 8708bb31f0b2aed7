import { randomUUID } from 'node:crypto';
import cron from 'node-cron';
import { noopMetrics } from '../../src/server/metrics/meters.ts';
import { startSchedule } from '../../src/server/schedule.ts';
import { adminCancelOrder } from '../../src/shop/admin/admin-cancel-order.ts';
import { reconcile } from '../../src/shop/reconciliation/reconcile.ts';
import { adminReconcile } from '../../src/shop/admin/admin-reconcile.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { retryInbox } from '../../src/shop/payments/inbox/retry-inbox.ts';
import { deliver, hold, ADMIN_CALLER, order, payment, tokenOf } from '../support/buyer.ts';
import {
  findingsOf,
  makeProduct,
  moveClock,
  openSession,
  stockOf,
  useShop,
} from '../support/shop.ts';

/* A database for each test: what one breaks, a reconciliation finds in every other. */
const server = useShop({ forEachTest: true });

const sql = (statement: string, params: readonly unknown[] = []) =>
  server.database.rows<Record<string, unknown>>(statement, params);

const fix = () => adminReconcile(server.shop, ADMIN_CALLER, { fix: true });

const acts = () => sql('select act, outcome, asked, before, after from operator_acts order by id');

/** A paid order of two of a new product's ten. */
async function paid() {
  const productId = await makeProduct(server.shop, { totalStock: 10 });
  const made = await hold(server.shop, productId, { quantity: 2 });
  const { id: orderId } = await order(server.shop, made);
  await deliver(server.shop, payment(orderId));
  return { productId, orderId, holdId: made.id };
}

/** Runs statements past the triggers that forbid them: damage as a disk or a person could do it. */
async function damage(...statements: string[]): Promise<void> {
  await using session = await openSession(server.url);
  await session.query('set session_replication_role = replica');
  for (const statement of statements) await session.query(statement);
}

test('each hour everything is compared, and nothing is repaired', async () => {
  const { productId } = await paid();
  await sql('update stock_levels set available = 10, sold = 0 where product_id = $1', [productId]);
  const logged: { readonly facts: object; readonly message: string }[] = [];
  const say = (facts: object, message: string) => void logged.push({ facts, message });
  const log = { debug() {}, info: say, warn: say, error: say };
  const reported: boolean[] = [];
  const meters = {
    ...noopMetrics,
    reconciled: (balanced: boolean) => void reported.push(balanced),
  };
  const schedule = startSchedule(server.shop, {
    sweepCron: '0 0 0 1 1 *',
    allowPrivateNetworks: true,
    refundsAutomatic: true,
    log,
    meters,
  });
  const task = [...cron.getTasks().values()].find(({ name }) => name === 'reconciliation')!;

  const next = task.getNextRun()!;
  await task.execute();
  await schedule.stop();

  // Not at the full hour, when sales open.
  expect([next.getMinutes(), next.getSeconds()]).toEqual([17, 0]);
  expect(reported).toEqual([false]);
  expect(logged).toEqual([
    {
      facts: {
        balanced: false,
        findings: 2,
        first: expect.arrayContaining([
          `Product ${productId}: Paid orders sum to 2 units, but the stock row has 0 sold.`,
        ]),
      },
      message: 'Reconciliation completed',
    },
  ]);
  expect(await stockOf(server.shop, productId)).toMatchObject({ sold: 0, version: 3 });
  expect(await acts()).toEqual([]);
});

test('a sale with every kind of outcome is balanced', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 20 });
  const holds = await Promise.all(Array.from({ length: 12 }, () => hold(shop, productId)));
  const orders = await Promise.all(holds.slice(0, 9).map((made) => order(shop, made)));
  const cancel = (at: number, restock: boolean) =>
    adminCancelOrder(shop, ADMIN_CALLER, { orderId: orders[at]!.id, reason: 'x', restock });
  for (const { id } of orders.slice(0, 5)) await deliver(shop, payment(id));
  await deliver(shop, payment(orders[0]!.id));
  await deliver(shop, payment(orders[5]!.id, { amount: '1.00', currency: 'USD' }));
  await deliver(shop, payment(randomUUID()));
  await deliver(shop, payment(holds[9]!.orderId));
  await cancel(1, true);
  await cancel(2, false);
  await cancel(5, false);
  await cancelOrder(shop, tokenOf(shop, holds[6]!));
  await deliver(shop, payment(orders[5]!.id));
  await deliver(shop, payment(orders[6]!.id));
  await moveClock(server.database, 25 * 3600_000);
  await sweepDue(shop);
  await retryInbox(shop);
  await deliver(shop, payment(orders[7]!.id));

  const found = await reconcile(shop);

  expect(found).toEqual({ balanced: true, findings: [], repaired: 0 });
  expect(await stockOf(shop, productId)).toMatchObject({ total: 19, held: 0, sold: 5 });
});

test('counters changed by SQL are found and repaired by fix, and the sale continues', async () => {
  const { shop } = server;
  const { productId } = await paid();
  const untouched = await makeProduct(shop);
  await sql(
    'update stock_levels set available = 9, sold = 1, held = 3, total = 13 where product_id = $1',
    [productId],
  );

  const seen = await reconcile(shop);
  const looked = await adminReconcile(shop, ADMIN_CALLER, { fix: false });
  const fixed = await fix();
  const after = await fix();

  expect(seen).toMatchObject({ balanced: false, repaired: 0 });
  expect(seen.findings).toContain(
    `Product ${productId}: Paid orders sum to 2 units, but the stock row has 1 sold.`,
  );
  expect(looked).toEqual(seen);
  expect(fixed).toEqual({ balanced: true, findings: seen.findings, repaired: 1 });
  expect(after).toEqual({ balanced: true, findings: [], repaired: 0 });
  expect(await stockOf(shop, productId)).toMatchObject({
    total: 10,
    available: 8,
    held: 0,
    sold: 2,
    version: 4,
  });
  expect(await stockOf(shop, untouched)).toMatchObject({ version: 1 });
  expect(
    await sql('select cause, reason from stock_movements where product_id = $1 and version = 4', [
      productId,
    ]),
  ).toEqual([
    { cause: 'REPAIR', reason: 'The stock row had 9 available, 3 held and 1 sold of 13.' },
  ]);
  await hold(shop, productId, { quantity: 8 });
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('after a change of rows, the movement of the repair has the difference', async () => {
  const { productId, orderId } = await paid();
  await damage(`update orders set quantity = 1 where id = '${orderId}'`);

  const { repaired } = await fix();

  expect(repaired).toBe(1);
  expect(await stockOf(server.shop, productId)).toMatchObject({ available: 9, sold: 1, total: 10 });
  expect(
    await sql(
      'select available_delta, held_delta, sold_delta, total_delta from stock_movements where version = 4',
    ),
  ).toEqual([{ available_delta: 1, held_delta: 0, sold_delta: -1, total_delta: 0 }]);
  const findings = await findingsOf(server.shop, productId);
  expect(findings.filter((finding) => !finding.startsWith('Version '))).toEqual([]);
});

test('a repair is in the audit log with the counters before and after', async () => {
  const { productId } = await paid();
  await sql('update stock_levels set available = 10, sold = 0 where product_id = $1', [productId]);

  await fix();

  expect(await acts()).toEqual([
    {
      act: 'reconcile',
      outcome: 'DONE',
      asked: { fix: true, productId },
      before: { version: 3, total: 10, available: 10, held: 0, sold: 0 },
      after: { version: 4, total: 10, available: 8, held: 0, sold: 2 },
    },
    {
      act: 'reconcile',
      outcome: 'DONE',
      asked: { fix: true },
      before: null,
      after: { balanced: true, findings: expect.any(Number), repaired: 1 },
    },
  ]);
});

test('fix repairs only counters: payments and rows with discrepancies need an admin', async () => {
  const { shop } = server;
  const { orderId } = await paid();
  await damage(
    `update payment_events set status = 'IGNORED', counted = false where order_id = '${orderId}'`,
  );

  const fixed = await fix();

  expect(fixed).toEqual({
    balanced: false,
    findings: [`Order ${orderId} is paid, but no applied payment event paid it.`],
    repaired: 0,
  });
  expect(await reconcile(shop)).toMatchObject({ balanced: false });
});

test('more held and sold than offered is not repaired: the admin must offer more', async () => {
  const { productId } = await paid();
  await damage(
    `update stock_movements set total_delta = 1, available_delta = 1 where product_id = ${productId} and version = 1`,
  );

  const fixed = await fix();

  expect(fixed).toMatchObject({ balanced: false, repaired: 0 });
  expect(await stockOf(server.shop, productId)).toMatchObject({ total: 10, sold: 2, version: 3 });
});

test('a product with a locked row is skipped, and the others are repaired', async () => {
  const [one, other] = [await paid(), await paid()];
  await sql('update stock_levels set available = 10, sold = 0');
  await using session = await openSession(server.url);
  await session.query('begin');
  await session.query('select from stock_levels where product_id = $1 for update', [one.productId]);

  const fixed = await fix();
  await session.query('rollback');

  expect(fixed).toMatchObject({ balanced: false, repaired: 1 });
  expect(await findingsOf(server.shop, one.productId)).not.toEqual([]);
  expect(await findingsOf(server.shop, other.productId)).toEqual([]);
});

const DAMAGES: readonly [
  what: string,
  pattern: RegExp,
  damage: (made: Awaited<ReturnType<typeof paid>>) => string,
][] = [
  [
    'an applied payment whose order is not paid by it',
    /^Payment event \S+ is applied, but it paid no order\.$/m,
    ({ orderId }) => `update orders set payment_id = 'another' where id = '${orderId}'`,
  ],
  [
    'a refund that is required and missing',
    /^Payment event \S+ requires a refund, but has none\.$/m,
    () => 'delete from refunds',
  ],
  [
    'a refund of money that was kept',
    /^Refund \S+ exists, but its payment was kept\.$/m,
    () => "update payment_events set status = 'IGNORED' where status = 'REFUND_REQUIRED'",
  ],
  [
    'a payment that waits although its order exists',
    /^Payment event \S+ waits for its order, but the order exists\.$/m,
    () => "update payment_events set status = 'PARKED' where status = 'REFUND_REQUIRED'",
  ],
  [
    'a hold that became no order',
    /^Hold \S+ is converted, but its order does not exist\.$/m,
    ({ orderId }) => `delete from orders where id = '${orderId}'`,
  ],
  [
    'an order of another price than its hold',
    /^Order \S+ differs from its hold\.$/m,
    ({ orderId }) => `update orders set unit_price_minor = 1 where id = '${orderId}'`,
  ],
  [
    'a paid order whose units were never moved',
    /Paid orders sum to 3 units, but the stock row has 2 sold\.$/m,
    ({ orderId }) => `update orders set quantity = 3 where id = '${orderId}'`,
  ],
  [
    'a movement that is missing',
    /Movement 3 is at position 2\.$/m,
    ({ productId }) =>
      `delete from stock_movements where product_id = ${productId} and version = 2`,
  ],
  [
    'a product without a stock row',
    /The product has no stock row\.$/m,
    ({ productId }) => `delete from stock_levels where product_id = ${productId}`,
  ],
];

test.each(DAMAGES)('%s is found', async (_what, pattern, done) => {
  const made = await paid();
  await deliver(server.shop, payment(made.orderId));
  expect(await reconcile(server.shop)).toMatchObject({ balanced: true });

  await damage(done(made));

  const { balanced, findings } = await reconcile(server.shop);
  expect(balanced).toBe(false);
  expect(findings.join('\n')).toMatch(pattern);
});

test('a cancelled paid order without its refund is found', async () => {
  const { orderId } = await paid();
  await adminCancelOrder(server.shop, ADMIN_CALLER, { orderId, reason: 'x', restock: true });
  expect(await reconcile(server.shop)).toMatchObject({ balanced: true });

  await damage('delete from refunds');

  expect((await reconcile(server.shop)).findings).toEqual([
    `Order ${orderId} was cancelled after it was paid, but its payment has no refund.`,
  ]);
});

test('a thousand findings are listed as the first five hundred and the number of the rest', async () => {
  const productId = await makeProduct(server.shop, { totalStock: 2000 });
  for (let batch = 0; batch < 600; batch += 100) {
    await Promise.all(Array.from({ length: 100 }, () => hold(server.shop, productId)));
  }
  await damage(`update holds set held_version = held_version + 5000`);
  await damage(
    `insert into stock_movements select product_id, version + 10000, 0, 0, 0, 0, 'HOLD', null, at from stock_movements`,
    `insert into stock_movements select ${productId}, n, -1, 1, 0, 0, 'HOLD', null, now() from generate_series(20001, 20600) n`,
  );

  const { findings } = await reconcile(server.shop);

  expect(findings).toHaveLength(501);
  expect(findings.at(-1)).toMatch(/^And \d+ more\.$/);
});
