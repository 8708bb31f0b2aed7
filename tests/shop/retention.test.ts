import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { redactEnded, countEnded } from '../../src/shop/admin/redact-ended.ts';
import { adminUpdateProduct } from '../../src/shop/admin/admin-products.ts';
import { reconcile } from '../../src/shop/reconciliation/reconcile.ts';
import { resolveRefund } from '../../src/shop/admin/resolve-refund.ts';
import { findRefunds } from '../../src/shop/payments/list-payments.ts';
import { readEventFeed } from '../../src/shop/events/list-events.ts';
import { claimDeliveries, recordAttempts } from '../../src/shop/events/claim-deliveries.ts';
import { numberEvents } from '../../src/shop/events/number-events.ts';
import type { NewProduct } from '../../src/shop/stock/create-product.ts';
import { ask, deliver, hold, ADMIN_CALLER, midSale, order, payment } from '../support/buyer.ts';
import { makeProduct, moveClock, useShop } from '../support/shop.ts';

const server = useShop({ forEachTest: true });

const DAY_MS = 24 * 3600_000;
const NINETY = { olderThanDays: 90 };

const daysLater = (days: number) => moveClock(server.database, days * DAY_MS);

const sql = <Row = Record<string, unknown>>(statement: string) =>
  server.database.rows<Row>(statement, []);

const rowsBlanked = async (olderThanDays = 90) =>
  (await redactEnded(server.shop, ADMIN_CALLER, { olderThanDays })).map(({ rows }) => rows);

const customersOf = async (table: 'holds' | 'orders') =>
  (await sql<{ customer_id: string | null }>(`select customer_id from ${table} order by id`)).map(
    (row) => row.customer_id,
  );

/** An order paid by this customer for one unit. */
async function paidBy(customerId: string, terms: Partial<NewProduct> = {}) {
  const { shop } = server;
  const productId = await makeProduct(shop, terms);
  const { id: orderId } = await order(shop, await hold(shop, productId, { customerId }));
  const event = payment(orderId, { payload: `{"card":"of ${customerId}"}` });
  await deliver(shop, event);
  return { productId, orderId, event };
}

test('rows that ended long ago are redacted and stay, so that audits agree', async () => {
  const { shop } = server;
  const { event } = await midSale(shop);
  await daysLater(1);
  await sweepDue(shop);
  await daysLater(91);

  const foretold = await countEnded(shop, 90);
  const progress: number[][] = [];
  const blanked = await redactEnded(shop, ADMIN_CALLER, {
    ...NINETY,
    progress: (done, total) => void progress.push([done, total]),
  });
  const again = await rowsBlanked();

  expect(blanked).toEqual([
    { what: 'customers of holds', rows: 2 },
    { what: 'customers of orders', rows: 1 },
    { what: 'bodies of payment events', rows: 1 },
    // The paid order, and the pending one that expired.
    { what: 'payloads of events', rows: 2 },
    { what: 'answers to deliveries', rows: 0 },
  ]);
  expect(foretold).toEqual(blanked);
  expect(progress).toEqual([
    [2, 6],
    [3, 6],
    [4, 6],
    [6, 6],
  ]);
  expect(again).toEqual([0, 0, 0, 0, 0]);
  expect(await customersOf('holds')).toEqual([null, null, null]);
  expect(await sql('select payload, status from payment_events')).toEqual([
    { payload: '', status: 'APPLIED' },
  ]);
  expect(await reconcile(shop)).toMatchObject({ balanced: true });
  // A repeated event is recognized by its row.
  expect(await deliver(shop, event)).toBe('applied');
});

test('the client’s notes are redacted with the customer, and without one', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop);
  const noted = await hold(shop, productId, { metadata: { mail: 'ada@example.org' } });
  await deliver(shop, payment((await order(shop, noted)).id));
  await daysLater(91);

  expect(await rowsBlanked()).toEqual([1, 1, 1, 1, 0]);
  expect(await sql('select metadata from holds union all select metadata from orders')).toEqual([
    { metadata: {} },
    { metadata: {} },
  ]);
  expect((await readEventFeed(shop, { first: 1, after: null, type: null })).rows).toMatchObject([
    { type: 'ORDER_PAID', payload: '' },
  ]);
  expect(await rowsBlanked()).toEqual([0, 0, 0, 0, 0]);
});

test('the answers of endpoints are redacted with the payload that they answered', async () => {
  const { shop } = server;
  await paidBy('ada');
  await sql(`insert into webhook_endpoints (id, url, event_types, enabled, secret, created_at)
    values ('018f0000-0000-7000-8000-000000000001', 'https://example.org', '["ORDER_PAID"]', true, '', now())`);
  await numberEvents(shop);
  const [delivery] = await claimDeliveries(shop);
  const answer = { status: 200, retryAfterMs: null, answer: 'Thank you, Ada.', durationMs: 7 };
  await recordAttempts(shop, [{ delivery: delivery!, attempt: answer }]);
  await daysLater(91);

  expect(await rowsBlanked()).toEqual([1, 1, 1, 1, 1]);
  expect(await rowsBlanked()).toEqual([0, 0, 0, 0, 0]);
  expect(await sql('select attempts from webhook_deliveries')).toEqual([
    { attempts: [{ at: expect.any(String), status: 200, answer: '', durationMs: 7 }] },
  ]);
});

test('counting the rows for retention changes nothing', async () => {
  await paidBy('ada');
  await daysLater(91);

  await countEnded(server.shop, 90);

  expect(await customersOf('orders')).toEqual(['ada']);
  expect(await sql('select act from operator_acts')).toEqual([]);
});

test('rows that ended recently, or not yet, keep their customer and body', async () => {
  const { shop } = server;
  const { productId } = await paidBy('ada');
  await deliver(shop, payment('018f0000-0000-7000-8000-000000000000', { payload: '{"parked":1}' }));
  await daysLater(89);
  const live = await hold(shop, productId, { customerId: 'cleo' });
  await order(shop, live);

  const lately = await rowsBlanked();
  await daysLater(180);
  const pending = await rowsBlanked();

  expect(lately).toEqual([0, 0, 0, 0, 0]);
  // Cleo's hold became an order long ago. The order is still pending, before any sweep.
  expect(pending).toEqual([2, 1, 1, 1, 0]);
  expect(await customersOf('orders')).toEqual([null, 'cleo']);
  expect(await sql("select payload from payment_events where status = 'PARKED'")).toEqual([
    { payload: '{"parked":1}' },
  ]);
});

test('a limit per customer counts old purchases while its sale can continue', async () => {
  const { shop } = server;
  const { productId } = await paidBy('ada', { maxPerCustomer: 1 });
  await daysLater(200);

  const during = await rowsBlanked();
  const another = await ask(shop, productId, { customerId: 'ada' });
  const [clock] = await sql<{ now: string }>('select shop_clock() as now');
  await adminUpdateProduct(shop, ADMIN_CALLER, { id: productId, saleEndsAt: new Date(clock!.now) });
  await daysLater(291);
  const after = await rowsBlanked();

  expect(during).toEqual([1, 0, 1, 0, 0]);
  expect(another).toMatchObject({ code: 'PURCHASE_LIMIT_EXCEEDED' });
  expect(after).toEqual([0, 1, 0, 1, 0]);
});

test('a refund keeps its customer until long after it is resolved', async () => {
  const { shop } = server;
  const { orderId } = await paidBy('ada');
  await deliver(shop, payment(orderId, { payload: '{"second":1}' }));
  const [refund] = await findRefunds(shop, [orderId]);
  await daysLater(91);

  const open = await rowsBlanked();
  await resolveRefund(shop, ADMIN_CALLER, { refundId: refund!.id, note: 'sent back' });
  const resolved = await rowsBlanked();
  await daysLater(182);
  const atLast = await rowsBlanked();

  // The first payment was kept, so its body is not needed.
  expect(open).toEqual([0, 0, 1, 0, 0]);
  expect(resolved).toEqual([0, 0, 0, 0, 0]);
  expect(atLast).toEqual([1, 1, 1, 3, 0]);
});

test('more rows than a batch are redacted in several transactions, each with an audit entry', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 3000 });
  await Promise.all(
    Array.from({ length: 2500 }, (_, index) =>
      hold(shop, productId, { customerId: `customer ${index}` }),
    ),
  );
  await daysLater(1);
  await sweepDue(shop);
  await daysLater(92);

  const blanked = await rowsBlanked();

  expect(blanked).toEqual([2500, 0, 0, 0, 0]);
  expect(await sql('select act, outcome, asked, after from operator_acts order by id')).toEqual(
    [1000, 1000, 500].map((rows) => ({
      act: 'retention',
      outcome: 'DONE',
      asked: { olderThanDays: 90 },
      after: { 'customers of holds': rows },
    })),
  );
});

test('a body is redacted as a whole or not at all, and never while its event waits', async () => {
  const { shop } = server;
  await deliver(shop, payment('018f0000-0000-7000-8000-000000000000', { payload: '{"parked":1}' }));

  await expect(sql("update payment_events set payload = ''")).rejects.toThrow(
    'what was received is never changed',
  );
});
