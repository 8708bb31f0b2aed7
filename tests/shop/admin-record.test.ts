import { randomUUID } from 'node:crypto';
import { UnauthorizedAttempts } from '../../src/shop/admin/audit/unauthorized-attempts.ts';
import { BusyFault } from '../../src/lib/faults.ts';
import { adminAdjustStock } from '../../src/shop/admin/admin-adjust-stock.ts';
import { adminUpdateProduct, adminCreateProduct } from '../../src/shop/admin/admin-products.ts';
import { adminUpdateEndpoint } from '../../src/shop/admin/admin-webhooks.ts';
import { replayPaymentEvent } from '../../src/shop/admin/replay-event.ts';
import { deliver, hold, ADMIN_CALLER, order, payment } from '../support/buyer.ts';
import { startTestServer } from '../support/server.ts';
import { send } from '../support/graphql-client.ts';
import { makeProduct, openSession, useShop } from '../support/shop.ts';

const server = useShop({ forEachTest: true });

interface Row {
  readonly act: string;
  readonly outcome: string;
  readonly address: string | null;
  readonly asked: object | null;
  readonly before: object | null;
  readonly after: object | null;
  readonly times: number;
}

const record = () =>
  server.database.rows<Row>(
    'select act, outcome, address, asked, before, after, times from operator_acts order by id',
    [],
  );

const TERMS = {
  name: 'On record',
  description: null,
  price: '5.00',
  currency: 'usd',
  totalStock: 3,
  maxPerHold: 2,
  maxPerCustomer: null,
  saleStartsAt: null,
  saleEndsAt: null,
  imageUrl: null,
};

test('the audit log cannot be updated, deleted from or truncated', async () => {
  await adminCreateProduct(server.shop, ADMIN_CALLER, TERMS);
  await using session = await openSession(server.url);

  for (const statement of [
    "update operator_acts set actor = 'someone else'",
    'delete from operator_acts',
    'truncate operator_acts',
    'truncate stock_movements',
  ]) {
    await expect(session.query(statement)).rejects.toThrow(/never changed/);
  }

  expect(await record()).toHaveLength(1);
});

test('creating, changing and restocking a product is in the audit log, without keys', async () => {
  const { shop } = server;
  const made = await adminCreateProduct(shop, ADMIN_CALLER, TERMS);
  const { id } = made as { id: number };
  await adminUpdateProduct(shop, ADMIN_CALLER, { id, price: '6.00' });
  await adminUpdateProduct(shop, ADMIN_CALLER, { id: 999_999, price: '6.00' });
  const change = {
    productId: id,
    delta: 4,
    reason: 'more came',
    expectedVersion: 1,
    idempotencyKey: 'a key that is a secret',
  };
  await adminAdjustStock(shop, ADMIN_CALLER, change);
  await adminAdjustStock(shop, ADMIN_CALLER, { ...change, idempotencyKey: null });

  const rows = await record();

  expect(rows.map(({ act, outcome }) => [act, outcome])).toEqual([
    ['createProduct', 'DONE'],
    ['updateProduct', 'DONE'],
    ['updateProduct', 'PRODUCT_NOT_FOUND'],
    ['adjustStock', 'DONE'],
    ['adjustStock', 'STOCK_VERSION_CONFLICT'],
  ]);
  expect(rows[0]).toMatchObject({
    before: null,
    after: { id, name: 'On record', price: '5.00', currency: 'USD', totalStock: 3 },
  });
  expect(rows[1]).toMatchObject({
    asked: { id, price: '6.00' },
    before: { price: '5.00' },
    after: { price: '6.00' },
  });
  expect(rows[3]).toMatchObject({
    asked: { productId: id, delta: 4, reason: 'more came', expectedVersion: 1 },
    before: { version: 1, total: 3, available: 3 },
    after: { version: 2, total: 7, available: 7 },
  });
  expect(rows[4]!.before).toEqual(rows[4]!.after);
  expect(JSON.stringify(rows)).not.toContain('a key that is a secret');
});

test('an operation refused for text that Postgres cannot store is in the audit log', async () => {
  const refused = await adminUpdateEndpoint(server.shop, ADMIN_CALLER, {
    id: randomUUID(),
    url: 'https://a\0b \ud83d',
  });

  expect(refused).toMatchObject({ code: 'WEBHOOK_ENDPOINT_NOT_FOUND' });
  expect(await record()).toMatchObject([{ asked: { url: 'https://a\ufffdb \ufffd' } }]);
});

test('an operation that fails leaves neither a change nor an audit entry', async () => {
  await using session = await openSession(server.url);
  await session.query(`create function broken() returns trigger language plpgsql as $$
    begin raise exception 'the record is broken'; end $$`);
  await session.query(
    'create trigger broken before insert on operator_acts execute function broken()',
  );

  await expect(adminCreateProduct(server.shop, ADMIN_CALLER, TERMS)).rejects.toThrow(
    'the record is broken',
  );

  expect(await server.database.rows('select from products', [])).toEqual([]);
  expect(await record()).toEqual([]);
});

test('a replay that fails counts as a failed try with its reason, and is FAILED in the audit log', async () => {
  const { shop } = server;
  const made = await hold(shop, await makeProduct(shop));
  await deliver(shop, payment(made.orderId));
  const [event] = await server.database.rows<{ id: string }>('select id from payment_events', []);
  await using session = await openSession(server.url);
  await session.query(`create function broken() returns trigger language plpgsql as $$
    begin raise exception 'settling is broken'; end $$`);
  await session.query(
    "create trigger broken before update on payment_events for each row when (new.status = 'APPLIED') execute function broken()",
  );
  await order(shop, made);

  const failed = await replayPaymentEvent(shop, ADMIN_CALLER, event!.id);
  await session.query('drop trigger broken on payment_events');
  const replayed = await replayPaymentEvent(shop, ADMIN_CALLER, event!.id);

  expect(failed).toMatchObject({ status: 'PARKED', attempts: 1, reason: 'settling is broken' });
  expect(replayed).toMatchObject({ status: 'APPLIED', attempts: 1, reason: null });
  expect((await record()).map(({ outcome, after }) => [outcome, after])).toMatchObject([
    ['FAILED', { status: 'PARKED', attempts: 1 }],
    ['DONE', { status: 'APPLIED' }],
  ]);
});

test('a thousand unauthorized attempts of one address are sixty entries and one with the rest', async () => {
  const tries = new UnauthorizedAttempts(server.database);
  const attempt = (address: string) =>
    tries.record({ name: 'reconcile', address, requestId: 'a request' });

  await Promise.all(Array.from({ length: 1000 }, () => attempt('203.0.113.9')));
  await Promise.all(Array.from({ length: 60 }, () => attempt('203.0.113.10')));
  await tries.flush();
  await tries.flush();
  await attempt('203.0.113.9');

  const rows = await record();
  const of = (address: string) => rows.filter((row) => row.address === address);
  expect(of('203.0.113.9')).toHaveLength(62);
  expect(of('203.0.113.9').filter(({ times }) => times > 1)).toMatchObject([
    { act: 'additional attempts', outcome: 'DENIED', times: 940, asked: null },
  ]);
  expect(of('203.0.113.10')).toHaveLength(60);
  expect(rows.reduce((sum, { times }) => sum + times, 0)).toBe(1061);
});

test('attempts beyond the limit of addresses are counted together', async () => {
  const tries = new UnauthorizedAttempts(server.database);

  for (let host = 0; host < 1100; host += 1) {
    await tries.record({ name: 'orders', address: `2001:db8::${host}`, requestId: 'a request' });
  }
  await tries.flush();

  const together = (await record()).filter(({ address }) => address === null);
  expect(together.reduce((sum, { times }) => sum + times, 0)).toBe(100);
  expect(together).toHaveLength(61);
});

test('attempts that were not recorded stay counted, and are recorded with later ones', async () => {
  const tries = new UnauthorizedAttempts(server.database);
  const attempt = () =>
    tries.record({ name: 'reconcile', address: '203.0.113.11', requestId: 'a request' });
  for (let turn = 0; turn < 70; turn += 1) await attempt();
  await using session = await openSession(server.url);
  await session.query('begin');
  await session.query('lock table operator_acts');

  const untold = tries.flush();
  await expect(untold).rejects.toThrow(BusyFault);
  await session.query('rollback');
  for (let turn = 0; turn < 5; turn += 1) await attempt();
  await tries.flush();

  const recorded = (await record()).filter(({ times }) => times > 1);
  expect(recorded).toMatchObject([
    { act: 'additional attempts', address: '203.0.113.11', times: 15 },
  ]);
});

test('a server that stops records the attempts that it has counted', async () => {
  const running = await startTestServer({ DATABASE_URL: server.url });

  for (let turn = 0; turn < 70; turn += 1) await send(running.url, '{ refunds { totalCount } }');
  await running.stop();

  const times = (await record()).map((row) => row.times);
  expect(times.reduce((sum, each) => sum + each, 0)).toBe(70);
});
