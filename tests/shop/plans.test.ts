import { randomUUID } from 'node:crypto';
import { createHolds } from '../../src/shop/purchases/create-hold.ts';
import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { readFigures } from '../../src/shop/reconciliation/read-figures.ts';
import { retryInbox } from '../../src/shop/payments/retry-inbox.ts';
import { deliver, hold, order, payment } from '../support/buyer.ts';
import {
  createTestDatabase,
  makeProduct,
  moveClock,
  openSession,
  openTestShop,
  type TestDatabase,
  type TestShop,
} from '../support/shop.ts';
import { sentStatements, type SentStatement } from '../support/statement-log.ts';

let database: TestDatabase;
let server: TestShop;

/** 100,000 rows in every table that a statement of a sale looks into, nearly all of them history. */
const HISTORY = `
  insert into products (name, price_minor, currency, max_per_hold)
    select 'Product ' || n, 100, 'USD', 10 from generate_series(1, 100000) n;
  insert into stock_levels (product_id, total, available, held, sold, version)
    select id, 10, 10, 0, 0, 1 from products where name like 'Product %';
  insert into holds (id, order_id, product_id, quantity, customer_id, idempotency_key_hash, unit_price_minor,
      currency, status, created_at, expires_at, held_version, released_version)
    select gen_random_uuid(), gen_random_uuid(), n, 1, 'customer ' || n, md5(n::text), 100, 'USD',
      case when n % 50 = 0 then 'ACTIVE' else 'CONVERTED' end, now(), now() + interval '1 day', 2, null
    from generate_series(1, 100000) n;
  insert into orders (id, hold_id, product_id, quantity, customer_id, unit_price_minor, currency, status,
      payment_provider, payment_id, created_at, payment_expires_at, paid_at, updated_at, sold_version)
    select order_id, id, product_id, 1, customer_id, 100, 'USD', 'PAID', 'payments', 'paid ' || product_id,
      now(), now() + interval '1 day', now(), now(), 3
    from holds where status = 'CONVERTED';
  insert into payment_events (id, provider, idempotency_key, payment_id, order_id, reported_status, status, counted,
      attempts, duplicates, received_at, settled_at, payload, headers, answer_status, answer_body)
    select gen_random_uuid(), 'payments', 'event ' || id, payment_id, id, 'success', 'APPLIED', true,
      0, 0, now(), now(), '{}', '{}', 200, '{}'
    from orders;
  insert into refunds (id, event_id, order_id, provider, payment_id, amount, currency, reason, status, created_at,
      resolved_at)
    select gen_random_uuid(), id, order_id, provider, payment_id, 1, 'USD', 'DUPLICATE_PAYMENT', 'RESOLVED', now(), now()
    from payment_events;
  analyze;`;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await openTestShop(database.url);
  await using session = await openSession(database.url);
  await session.query(HISTORY);
}, 120_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database.drop();
});

/** The tables that a statement would read from end to end. */
async function scannedWhole(statements: readonly SentStatement[]): Promise<string[]> {
  await using session = await openSession(database.url);
  const plans: string[] = [];
  for (const { text, values } of statements) {
    if (!/^(select|with|update|insert)/.test(text)) continue;
    const { rows } = await session.query({ text: `explain ${text}`, values: [...values] });
    plans.push(...rows.map((row) => row['QUERY PLAN'] as string));
  }
  return plans.filter((line) =>
    /Seq Scan on (products|stock_levels|holds|orders|payment_events|refunds)/.test(line),
  );
}

test('every statement of a hold, a reclaim, an order and a payment finds its rows by an index', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 25, maxPerCustomer: 5 });
  const batch = () =>
    Array.from({ length: 25 }, (_, position) => ({
      quantity: 1,
      customerId: `c ${position}`,
      keyHash: randomUUID(),
    }));

  const holding = await sentStatements(() => createHolds(shop, productId, batch()));
  await moveClock(server.database, 130_000);
  const reclaiming = await sentStatements(() => createHolds(shop, productId, batch()));
  await moveClock(server.database, 260_000);
  const sweeping = await sentStatements(() => sweepDue(shop));
  const buying = await sentStatements(async () => {
    const { id } = await order(shop, await hold(shop, productId, { customerId: 'the buyer' }));
    await deliver(shop, payment(id));
    await retryInbox(shop);
  });

  expect([holding.length, reclaiming.length]).toEqual([5, 6]);
  expect(await scannedWhole(holding)).toEqual([]);
  expect(await scannedWhole(reclaiming)).toEqual([]);
  expect(await scannedWhole(sweeping)).toEqual([]);
  expect(await scannedWhole(buying)).toEqual([]);
});

test('the operator’s figures are read without reading what is settled', async () => {
  const { shop } = server;

  const looking = await sentStatements(() => readFigures(shop));

  expect(looking.length).toBeGreaterThan(0);
  expect(await scannedWhole(looking)).toEqual([]);
});

/** Payments of nobody's orders, as many as a confused provider sends in a bad hour. */
const STRANGERS = `
  insert into payment_events (id, provider, idempotency_key, payment_id, order_id, reported_status, status, counted,
      attempts, next_try_at, duplicates, received_at, payload, headers, answer_status, answer_body)
    select gen_random_uuid(), 'payments', 'stranger ' || n, 'stranger ' || n, gen_random_uuid(), 'success',
      'PARKED', false, 0, now(), 0, now(), '{}', '{}', 202, '{}'
    from generate_series(1, 2000) n`;

test('however many payments wait for orders, a sweep reads no table from end to end', async () => {
  await using session = await openSession(database.url);
  await session.query(STRANGERS);
  await session.query('analyze payment_events');

  const looking = await sentStatements(() => retryInbox(server.shop));

  expect(looking.filter(({ text }) => text.includes('payment_events'))).toHaveLength(1);
  expect(await scannedWhole(looking)).toEqual([]);
});

/**
 * The first minute of a sale: 20,000 live holds of the one hot product in tables of which nothing is
 * known. Postgres gathers no statistics on the first day of a table's life until a minute is over.
 */
const RUSH = `
  insert into holds (id, order_id, product_id, quantity, customer_id, idempotency_key_hash, unit_price_minor,
      currency, status, created_at, expires_at, held_version)
    select gen_random_uuid(), gen_random_uuid(), $1::int, 1, 'rusher ' || n, md5('rush ' || n), 100, 'USD',
      'ACTIVE', shop_clock(), shop_clock() + interval '1 day', 2 from generate_series(1, 20000) n`;

test('a batch reads the rows of its own keys and customers, before any statistics are gathered', async () => {
  const rush = await createTestDatabase();
  await using _dropped = { [Symbol.asyncDispose]: () => rush.drop() };
  await using own = await openTestShop(rush.url);
  const productId = await makeProduct(own.shop, { totalStock: 50_000, maxPerCustomer: 5 });
  await using session = await openSession(rush.url);
  await session.query('alter table holds set (autovacuum_enabled = false)');
  await session.query(RUSH, [productId]);
  const batch = Array.from({ length: 400 }, (_, position) => ({
    quantity: 1,
    customerId: `newcomer ${position}`,
    keyHash: randomUUID(),
  }));

  const sent = await sentStatements(() => createHolds(own.shop, productId, batch));
  const facts = sent.find(({ text }) => text.startsWith('select c.now'))!;
  const { rows } = await session.query({
    text: `explain (analyze, format json) ${facts.text}`,
    values: [...facts.values],
  });

  const executed = nodesOf((rows[0] as Explained)['QUERY PLAN'][0]!.Plan).filter(
    (node) => node['Actual Loops']! > 0,
  );
  const scanned = executed.flatMap((node) => node['Index Name'] ?? []);
  expect(scanned).toEqual(expect.arrayContaining(['holds_idempotency_key', 'holds_of_customer']));
  expect(scanned.filter((name) => /^holds_(due|of_product)/.test(name))).toEqual([]);
  expect(executed.map((node) => node['Node Type'])).not.toContain('Seq Scan');
  for (const node of executed) expect(node['Rows Removed by Filter'] ?? 0).toBeLessThanOrEqual(1);
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

interface Explained {
  readonly 'QUERY PLAN': readonly { readonly Plan: PlanNode }[];
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}
