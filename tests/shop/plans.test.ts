import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { releaseHold } from '../../src/shop/purchases/release-hold.ts';
import { createHolds } from '../../src/shop/purchases/create-hold.ts';
import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { readSettings } from '../../src/config/settings.ts';
import { openDemo } from '../../src/server/providers/demo/demo.ts';
import { endSessions } from '../../src/shop/payments/end-sessions.ts';
import { findSession } from '../../src/shop/payments/find-session.ts';
import { startPayment } from '../../src/shop/payments/start-payment.ts';
import { readFigures } from '../../src/shop/reconciliation/read-figures.ts';
import { retryInbox } from '../../src/shop/payments/inbox/retry-inbox.ts';
import { claimDeliveries, recordAttempts } from '../../src/shop/events/claim-deliveries.ts';
import { readEventFeed } from '../../src/shop/events/list-events.ts';
import { recordLateStockEvents } from '../../src/shop/stock/late-stock-events.ts';
import { adminCancelOrder } from '../../src/shop/admin/admin-cancel-order.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import type { Hold } from '../../src/shop/purchases/hold.entity.ts';
import { ADMIN_CALLER, deliver, hold, order, payment, tokenOf } from '../support/buyer.ts';
import {
  createTestDatabase,
  makeProduct,
  moveClock,
  openSession,
  openTestShop,
  useShop,
} from '../support/shop.ts';
import { sentStatements, type SentStatement } from '../support/statement-log.ts';

const server = useShop();

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
  insert into shop_events (id, recorded, position, sequence, type, product_id, order_id, at, snapshot)
    select shop_event_id(), nextval('shop_events_recorded'), row_number() over (), 1, 'ORDER_PAID', product_id, id,
      now() - interval '1 day', null
    from orders;
  insert into shop_events (id, recorded, position, sequence, type, product_id, at, snapshot)
    select shop_event_id(), nextval('shop_events_recorded'), 100000 + id, 1, 'PRODUCT_SOLD_OUT', id,
      now() - interval '1 day', null
    from products;
  insert into payment_sessions (id, order_id, provider, status, description, payment_id, created_at, failures, ended_at)
    select gen_random_uuid(), id, 'demo', 'ENDED', '1 × Product', 'demo ' || id, now(), 0, now() from orders;
  analyze;`;

beforeAll(async () => {
  await using session = await openSession(server.url);
  await session.query(HISTORY);
}, 120_000);

/** A session that plans as the shop's sessions do: once for each statement, by indexes only. */
async function openPlanningSession(url: string) {
  const session = await openSession(url);
  await session.query(
    'set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set enable_bitmapscan = off',
  );
  return session;
}

type PlanningSession = Awaited<ReturnType<typeof openPlanningSession>>;

/** The nodes of the plan of a prepared statement. */
async function planOf(
  session: PlanningSession,
  name: string,
  values: readonly unknown[],
  option = '',
): Promise<PlanNode[]> {
  const literals = values.map((value) => literalOf(value)).join(', ');
  const { rows } = await session.query<Explained>(
    `explain (format json${option}) execute ${name}${literals && `(${literals})`}`,
  );
  return nodesOf(rows[0]!['QUERY PLAN'][0]!.Plan);
}

function literalOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value))
    return pg.escapeLiteral(`{${value.map((one) => JSON.stringify(String(one))).join(',')}}`);
  return pg.escapeLiteral(
    value instanceof Date ? value.toISOString() : `${value as string | number}`,
  );
}

/** The tables that a statement would read from end to end. */
async function scannedWhole(statements: readonly SentStatement[]): Promise<string[]> {
  await using session = await openPlanningSession(server.url);
  const { rows } = await session.query<{ name: string }>(
    'select indexrelid::regclass::text as name from pg_index where indpred is not null',
  );
  // Such an index has few rows of its table.
  const partial = new Set(rows.map(({ name }) => name));
  const scanned: PlanNode[] = [];
  for (const { text, values } of statements) {
    if (!/^(select|with|update|insert)/.test(text)) continue;
    await session.query(`prepare planned as ${text}`);
    const nodes = await planOf(session, 'planned', values);
    await session.query('deallocate planned');
    // A limit ends the scan of an ordered index.
    const limited = nodes.filter((node) => node['Node Type'] === 'Limit').flatMap(inputsOf);
    scanned.push(...nodes.filter((node) => !limited.includes(node)));
  }
  const isWhole = (node: PlanNode): boolean =>
    // There are few endpoints.
    node['Relation Name'] !== 'webhook_endpoints' &&
    (node['Node Type'] === 'Seq Scan' ||
      (/Index (Only )?Scan$/.test(node['Node Type']) &&
        node['Index Cond'] === undefined &&
        !partial.has(node['Index Name']!)));
  return scanned.filter(isWhole).map((node) => node['Relation Name'] ?? node['Index Name']!);
}

test('every statement of a hold, a reclaim, an order and a payment finds its rows by an index', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop, { totalStock: 25, maxPerCustomer: 5 });
  const batch = () =>
    Array.from({ length: 25 }, (_, position) => ({
      quantity: 1,
      customerId: `c ${position}`,
      metadata: {},
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
    await recordLateStockEvents(shop);
    await readEventFeed(shop, { first: 100, after: 50_000, type: null });
  });

  expect([holding.length, reclaiming.length]).toEqual([5, 6]);
  expect(await scannedWhole(holding)).toEqual([]);
  expect(await scannedWhole(reclaiming)).toEqual([]);
  expect(await scannedWhole(sweeping)).toEqual([]);
  expect(await scannedWhole(buying)).toEqual([]);
});

test('every statement of a payment session finds its rows by an index', async () => {
  const { shop } = server;
  const { payments: provider } = openDemo(
    readSettings({ ADMIN_TOKEN: 'a', HOLD_TOKEN_SECRETS: 'a' }, 'no such .env file'),
    'http://127.0.0.1:4000',
  );
  const selling = { ...shop, paymentProviders: new Map([['demo', provider!]]) };
  const made = await hold(shop, await makeProduct(shop));
  await order(shop, made);
  const holdToken = tokenOf(shop, made);

  const starting = await sentStatements(async () => {
    const answer = await startPayment(selling, { holdToken, provider: null, returnUrl: null });
    await findSession(shop, 'demo', 'id' in answer ? answer.id : '');
  });
  await cancelOrder(shop, holdToken);
  const ending = await sentStatements(() => endSessions(shop, provider!));

  expect([starting, ending].map((sent) => sent.length > 3)).toEqual([true, true]);
  expect(await scannedWhole(starting)).toEqual([]);
  expect(await scannedWhole(ending)).toEqual([]);
});

test('the figures are read without reading settled rows', async () => {
  const { shop } = server;

  const looking = await sentStatements(() => readFigures(shop));

  expect(looking.length).toBeGreaterThan(0);
  expect(await scannedWhole(looking)).toEqual([]);
});

/** Payments of unknown orders, as many as a faulty provider sends in an hour. */
const STRANGERS = `
  insert into payment_events (id, provider, idempotency_key, payment_id, order_id, reported_status, status, counted,
      attempts, next_try_at, duplicates, received_at, payload, headers, answer_status, answer_body)
    select gen_random_uuid(), 'payments', 'stranger ' || n, 'stranger ' || n, gen_random_uuid(), 'success',
      'PARKED', false, 0, now(), 0, now(), '{}', '{}', 202, '{}'
    from generate_series(1, 2000) n`;

test('with any number of waiting payments, a sweep scans no whole table', async () => {
  await using session = await openSession(server.url);
  await session.query(STRANGERS);
  await session.query('analyze payment_events');

  const looking = await sentStatements(() => retryInbox(server.shop));

  expect(looking.filter(({ text }) => text.includes('payment_events'))).toHaveLength(1);
  expect(await scannedWhole(looking)).toEqual([]);
});

/**
 * The first minute of a sale: 20,000 active holds of one hot product in tables without statistics.
 * Postgres gathers no statistics on the first day of a table's life until a minute is over.
 */
const RUSH = `
  insert into holds (id, order_id, product_id, quantity, customer_id, idempotency_key_hash, unit_price_minor,
      currency, status, created_at, expires_at, held_version)
    select gen_random_uuid(), gen_random_uuid(), $1::int, 1, 'rusher ' || n, md5('rush ' || n), 100, 'USD',
      'ACTIVE', shop_clock(), shop_clock() + interval '1 day', 2 from generate_series(1, 20000) n`;

test('a plan made for empty tables still reads the rows of its own keys and customers only', async () => {
  const rush = await createTestDatabase();
  await using _dropped = { [Symbol.asyncDispose]: () => rush.drop() };
  await using own = await openTestShop(rush.url);
  const productId = await makeProduct(own.shop, { totalStock: 50_000, maxPerCustomer: 5 });
  await using session = await openPlanningSession(rush.url);
  await session.query('alter table holds set (autovacuum_enabled = false)');
  const factsOf = async (size: number): Promise<SentStatement> => {
    const batch = Array.from({ length: size }, (_, position) => ({
      quantity: 1,
      customerId: `newcomer ${position}`,
      metadata: {},
      keyHash: randomUUID(),
    }));
    const sent = await sentStatements(() => createHolds(own.shop, productId, batch));
    return sent.find(({ text }) => text.startsWith('select c.now'))!;
  };

  const first = await factsOf(1);
  await session.query(`prepare facts as ${first.text}`);
  await planOf(session, 'facts', first.values);
  await session.query(RUSH, [productId]);
  const { values } = await factsOf(400);
  const nodes = await planOf(session, 'facts', values, ', analyze');

  const executed = nodes.filter((node) => node['Actual Loops']! > 0);
  const scanned = executed.flatMap((node) => node['Index Name'] ?? []);
  expect(scanned).toEqual(expect.arrayContaining(['holds_idempotency_key', 'holds_of_customer']));
  expect(scanned.filter((name) => /^holds_(due|of_product)/.test(name))).toEqual([]);
  expect(executed.map((node) => node['Node Type'])).not.toContain('Seq Scan');
  for (const node of executed) expect(node['Rows Removed by Filter'] ?? 0).toBeLessThanOrEqual(1);
});

/** The same minute for orders and payments: 20,000 pending and 20,000 paid orders of the product. */
const RUSH_OF_ORDERS = `
  with converted as (
    insert into holds (id, order_id, product_id, quantity, customer_id, idempotency_key_hash, unit_price_minor,
        currency, status, created_at, expires_at, held_version)
      select gen_random_uuid(), gen_random_uuid(), $1::int, 1, 'payer ' || n, md5('order ' || n), 100, 'USD',
        'CONVERTED', shop_clock(), shop_clock() + interval '1 day', 2 from generate_series(1, 40000) n
      returning *),
  ordered as (
    insert into orders (id, hold_id, product_id, quantity, customer_id, unit_price_minor, currency, status,
        payment_provider, payment_id, created_at, payment_expires_at, paid_at, updated_at, sold_version)
      select order_id, id, product_id, 1, customer_id, 100, 'USD',
        case when right(customer_id, 1) < '5' then 'PAID' else 'PENDING' end,
        case when right(customer_id, 1) < '5' then 'payments' end,
        case when right(customer_id, 1) < '5' then 'paid ' || customer_id end, shop_clock(),
        shop_clock() + interval '1 day', case when right(customer_id, 1) < '5' then shop_clock() end, shop_clock(),
        case when right(customer_id, 1) < '5' then 3 end
      from converted returning *)
  insert into payment_events (id, provider, idempotency_key, payment_id, order_id, reported_status, status, counted,
      attempts, duplicates, received_at, settled_at, payload, headers, answer_status, answer_body)
    select gen_random_uuid(), 'payments', 'event ' || id, payment_id, id, 'success', 'APPLIED', true,
      0, 0, now(), now(), '{}', '{}', 200, '{}'
    from ordered where status = 'PAID'`;

/** An endpoint that takes every order. */
const ENDPOINT = `
  insert into webhook_endpoints (id, url, event_types, enabled, secret, created_at)
    values (gen_random_uuid(), 'https://shop.example/hook', '["ORDER_PAID", "ORDER_CANCELLED"]', true, 'secret', shop_clock())`;

/** 60,000 numbered events, and 60,000 deliveries of them to one endpoint. */
const RUSH_OF_EVENTS = `
  with happened as (
    insert into shop_events (id, recorded, position, sequence, type, product_id, order_id, at, snapshot)
      select shop_event_id(), nextval('shop_events_recorded'), 1000 + n, 1, 'ORDER_PAID', $1::int,
        gen_random_uuid(), shop_clock(), null
      from generate_series(1, 60000) n returning id)
  insert into webhook_deliveries (id, event_id, endpoint_id, status, failures, attempts)
    select shop_event_id(), happened.id, w.id, 'DELIVERED', 0, '[]' from happened, webhook_endpoints w`;

/** Rows and index entries that statements have read. */
const READ = `
  select (select sum(seq_tup_read) from pg_stat_user_tables) + (select sum(idx_tup_read) from pg_stat_user_indexes)
    as read`;

test('sessions that prepared their statements with empty tables read few rows in the first minute of a sale', async () => {
  const rush = await createTestDatabase();
  await using _dropped = { [Symbol.asyncDispose]: () => rush.drop() };
  await using own = await openTestShop(rush.url, { poolMax: 1 });
  const productId = await makeProduct(own.shop, { totalStock: 150_000, maxPerCustomer: 500 });
  await using session = await openSession(rush.url);
  for (const table of ['holds', 'orders', 'payment_events', 'shop_events', 'webhook_deliveries'])
    await session.query(`alter table ${table} set (autovacuum_enabled = false)`);
  const rowsRead = async (): Promise<number> => {
    await own.database.rows('select pg_stat_force_next_flush()', []);
    const { rows } = await session.query<{ read: string }>(READ);
    return Number(rows[0]!.read);
  };
  let made: Hold;
  const steps: Readonly<Record<string, () => Promise<unknown>>> = {
    hold: async () => (made = await hold(own.shop, productId, { customerId: 'one' })),
    order: () => order(own.shop, made),
    payment: () => deliver(own.shop, payment(made.orderId)),
    'duplicate payment': () => deliver(own.shop, payment(made.orderId)),
    'admin cancel': () =>
      adminCancelOrder(own.shop, ADMIN_CALLER, {
        orderId: made.orderId,
        reason: 'a test',
        restock: true,
      }),
    'late payment': () => deliver(own.shop, payment(made.orderId, { paymentId: randomUUID() })),
    release: async () =>
      releaseHold(
        own.shop,
        tokenOf(own.shop, await hold(own.shop, productId, { customerId: 'one' })),
      ),
    'cancelled order': async () => {
      const other = await hold(own.shop, productId, { customerId: 'one' });
      await order(own.shop, other);
      await cancelOrder(own.shop, tokenOf(own.shop, other));
    },
    'early payment': async () => {
      const other = await hold(own.shop, productId, { customerId: 'one' });
      await deliver(own.shop, payment(other.orderId));
      await order(own.shop, other);
    },
    sweep: () => sweepDue(own.shop),
    retries: () => retryInbox(own.shop),
    'late stock events': () => recordLateStockEvents(own.shop),
    'event feed': () => readEventFeed(own.shop, { first: 10, after: null, type: null }),
    deliveries: async () => {
      const claimed = await claimDeliveries(own.shop);
      expect(claimed).not.toEqual([]);
      const attempt = { status: 200, retryAfterMs: null, answer: '', durationMs: 1 };
      await recordAttempts(
        own.shop,
        claimed.map((delivery) => ({ delivery, attempt })),
      );
    },
  };
  await session.query(ENDPOINT);
  for (const step of Object.values(steps)) await step();
  await session.query(RUSH, [productId]);
  await session.query(RUSH_OF_ORDERS, [productId]);
  await session.query(RUSH_OF_EVENTS, [productId]);

  const read: Record<string, number> = {};
  for (const [name, step] of Object.entries(steps)) {
    const before = await rowsRead();
    await step();
    read[name] = (await rowsRead()) - before;
  }

  expect(Object.entries(read).filter(([, rows]) => rows > 200)).toEqual([]);
}, 60_000);

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

interface Explained {
  readonly 'QUERY PLAN': readonly { readonly Plan: PlanNode }[];
}

const inputsOf = (node: PlanNode): readonly PlanNode[] => node.Plans ?? [];

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...inputsOf(node).flatMap(nodesOf)];
}
