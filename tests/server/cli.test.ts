import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { deliver, hold, midSale, payment } from '../support/buyer.ts';
import { useCommandLine } from '../support/command-line.ts';
import { textOf } from '../support/project.ts';
import { startTestServer } from '../support/server.ts';
import {
  createTestDatabase,
  makeProduct,
  moveClock,
  openSession,
  openTestShop,
  until,
  type TestDatabase,
  type TestShop,
} from '../support/shop.ts';
import { admin } from '../support/test-postgres.ts';

jest.setTimeout(60_000);

let database: TestDatabase;
let server: TestShop;

beforeEach(async () => {
  database = await createTestDatabase();
  server = await openTestShop(database.url);
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await database.drop();
});

const { run, start } = useCommandLine(() => database.url);

/** Runs a command as a script would: its one JSON value. */
async function read(...args: string[]) {
  const { code, out, err } = await run([...args, '--json']);
  // oxlint-disable-next-line no-explicit-any
  return { code, err, value: JSON.parse(out) as any };
}

const sql = <Row = Record<string, unknown>>(statement: string) =>
  server.database.rows<Row>(statement, []);

const acts = () =>
  sql('select actor, address, request_id, act, outcome from operator_acts order by id');

const ON_RECORD = { actor: 'command line', address: null, request_id: null };

/** A product with a paid order, a pending one, and a hold. */
const sale = () =>
  midSale(server.shop, { terms: { name: 'Widget' }, fields: { paymentId: 'pay_1' } });

/** A payment that waits for an order that is never created. */
async function parked(): Promise<string> {
  const { shop } = server;
  const made = await hold(shop, await makeProduct(shop));
  await deliver(shop, payment(made.orderId));
  const [event] = await sql<{ id: string }>('select id from payment_events order by id desc');
  return event!.id;
}

test('status summarizes the shop, and exits with 3 when an item needs an admin', async () => {
  const { paid } = await sale();

  const well = await read('status');
  await deliver(server.shop, payment(paid.id));
  const owing = await run(['status']);

  expect(well).toMatchObject({
    code: 0,
    err: '',
    value: {
      products: { upcoming: 0, live: 1, ended: 0 },
      units: { total: 10, available: 4, held: 4, sold: 2 },
      database: { isStandby: false, applicationName: 'flash-sale' },
      activeHolds: 1,
      pendingOrders: 1,
      parked: { count: 0 },
      dead: { count: 0 },
      openRefunds: { count: 0 },
      pendingMigrations: 0,
    },
  });
  expect(owing.code).toBe(3);
  expect(owing.out).toMatch(/^Connection +(clear text|TLS\S+), application name flash-sale$/m);
  expect(owing.out).toMatch(/^Schema +up to date$/m);
  expect(owing.out).toMatch(/^Open refunds +1, oldest \d+ s$/m);
});

test('status --watch shows the status again and again, until SIGINT ends it with 0', async () => {
  const productId = await makeProduct(server.shop);
  const text = start(['status', '--watch', '1']);
  const json = start(['status', '--watch', '1', '--json']);
  await until('the first look of both', () => text.out() !== '' && json.out() !== '', 60_000);

  await hold(server.shop, productId, { quantity: 4 });
  const seen = [/^Units +16 available, 4 held, 0 sold of 20$/m, /"held":4,/];
  await until('the hold', () => seen[0]!.test(text.out()) && seen[1]!.test(json.out()), 60_000);
  text.child.kill('SIGINT');
  json.child.kill('SIGINT');

  expect(await Promise.all([text.ended, json.ended])).toEqual([0, 0]);
  expect(text.out()).toMatch(/^Database [^]*\nOpen refunds +0\n\nDatabase /);
  expect(text.out()).toMatch(/\n\n$/);
  expect(text.out()).not.toContain('\u001b');
  for (const line of json.out().trimEnd().split('\n'))
    expect(JSON.parse(line)).toMatchObject({ units: { total: 20 }, pendingMigrations: 0 });
  expect([text.err(), json.err()]).toEqual(['', '']);
});

test('status --watch reports that the database is away, and goes on when it is back', async () => {
  const watch = start(['status', '--watch', '1']);
  await until('the first look', () => watch.out() !== '', 60_000);
  const own = process.env['TEST_POSTGRES_URL']!;
  const name = new URL(database.url).pathname.slice(1);

  await admin(own, `alter database ${name} with allow_connections false`);
  await admin(
    own,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
  );
  await until('the report', () => watch.err() !== '', 60_000);
  const before = watch.out().length;
  await admin(own, `alter database ${name} with allow_connections true`);
  await until('a look after it', () => watch.out().length > before, 60_000);
  watch.child.kill('SIGTERM');

  expect(await watch.ended).toBe(0);
  expect(watch.err()).toMatch(/^(The database [^\n]*\.\n)+$/);
});

test('status exits with 3 for a day after a payment that names no order', async () => {
  const lost = payment(randomUUID(), { orderId: null, ignoredBecause: 'Money without an order.' });
  await deliver(server.shop, lost);

  const soon = await run(['status']);
  await moveClock(server.database, 24 * 3600_000 + 60_000);
  const later = await run(['status']);

  expect(soon.code).toBe(3);
  expect(soon.out).toMatch(/^Without order +1, .*; of the last 24 hours: 1$/m);
  expect(later.code).toBe(0);
  expect(later.out).toMatch(/^Without order +1, .*; of the last 24 hours: 0$/m);
});

test('products lists the catalogue with its units, by sale status and in pages', async () => {
  const { productId } = await sale();
  const upcoming = await makeProduct(server.shop, {
    name: 'Later',
    saleStartsAt: new Date('2100-01-01'),
  });

  const all = await run(['products']);
  const live = await read('products', '--status', 'live');
  const first = await read('products', '--first', '1');
  const second = await read('products', '--first', '1', '--after', String(first.value.next));

  expect(all.out.split('\n')[0]).toMatch(/^id +name +price +currency +sale +total +available/);
  expect(all.out).toMatch(
    /Later +29\.99 +USD +UPCOMING +20 +20 +0 +0 +2100-01-01T00:00:00\.000Z +-/,
  );
  expect(all.out).toContain('2 of 2.');
  expect(live.value).toMatchObject({
    rows: [{ id: productId, name: 'Widget', sale: 'LIVE', available: 4, held: 4, sold: 2 }],
    totalCount: 1,
    next: null,
  });
  expect(first.value).toMatchObject({ rows: [{ id: upcoming }], totalCount: 2, next: upcoming });
  expect(second.value).toMatchObject({ rows: [{ id: productId }], next: null });
});

test('stock shows the units of a product, its audit and its movements', async () => {
  const { productId } = await sale();

  const balanced = await run(['stock', String(productId), '--first', '2']);
  await sql('update stock_levels set available = 5, held = 3');
  const damaged = await read('stock', String(productId));
  const unknown = await run(['stock', '999999']);

  expect(balanced.code).toBe(0);
  expect(balanced.out).toContain('Audit: balanced at every version.');
  expect(balanced.out).toMatch(/^ +6 +10 +4 +4 +2$|10 +4 +4 +2$/m);
  expect(balanced.out).toMatch(/^product +productName +version [^]*\n +\d+ +Widget +5 /);
  expect(balanced.out).toMatch(/2 of \d+\. More: --after \d+/);
  expect(damaged.code).toBe(3);
  expect(damaged.value).toMatchObject({ balanced: false, available: 5, held: 3 });
  expect(damaged.value.findings).toContain(
    'Active holds and pending orders sum to 4 units, but the stock row has 3 held.',
  );
  expect(damaged.value.movements[0]).toMatchObject({ cause: 'HOLD', available: -3, held: 3 });
  expect(unknown).toEqual({ code: 1, out: '', err: 'No product has this id.\n' });
});

test('holds and orders are listed by status, product and customer, without tokens', async () => {
  const { productId, paid, pending, held } = await sale();

  const holds = await read('holds', '--status', 'active');
  const adas = await read('holds', '--customer', 'ada', '--product', String(productId));
  const orders = await read('orders');
  const bought = await read('orders', '--customer', 'ada');
  const paying = await read('orders', '--payment', 'pay_1');
  const ofOthers = await read('orders', '--customer', 'ben');
  const paidOnes = await run(['orders', '--status', 'paid', '--product', String(productId)]);

  expect(holds.value.rows).toEqual([
    {
      id: held.id,
      product: productId,
      productName: 'Widget',
      quantity: 3,
      status: 'ACTIVE',
      customerId: 'ben',
      createdAt: held.createdAt.toISOString(),
      expiresAt: held.expiresAt.toISOString(),
      orderId: held.orderId,
    },
  ]);
  expect(adas.value.rows).toMatchObject([{ quantity: 2, status: 'CONVERTED' }]);
  expect(orders.value.rows).toMatchObject([
    { id: pending.id, status: 'PENDING', productName: 'Widget', total: '29.99' },
    { id: paid.id, status: 'PAID', total: '59.98', currency: 'USD', paymentId: 'pay_1' },
  ]);
  expect(bought.value.rows).toMatchObject([{ id: paid.id }]);
  expect(paying.value).toMatchObject({ rows: [{ id: paid.id }], totalCount: 1 });
  expect(ofOthers.value.rows).toEqual([]);
  expect(paidOnes.out).toContain('1 of 1.');
  expect(paidOnes.out).toMatch(/^id +product +productName +quantity /);
  expect(paidOnes.out).toMatch(/59\.98 +USD +PAID +ada +pay_1/);
  const secret = server.shop.holdTokens.issue(held.id).split('.')[1]!;
  expect(JSON.stringify([holds, adas, orders, paidOnes])).not.toContain(secret);
});

test('control characters in a text of a buyer or of a product do not reach the terminal', async () => {
  const productId = await makeProduct(server.shop, { name: 'Wid\u001b[2J\nget' });
  await hold(server.shop, productId, { customerId: 'eve\u001b[2J\u202egnp\nPAID' });

  const holds = await run(['holds']);
  const paused = await run(['sale', 'pause', String(productId)]);
  const out = holds.out + paused.out;

  expect(out).toContain('eve�gnp�PAID');
  expect(out).toContain('(Wid�get) is paused.');
  expect(out).not.toContain('\u001b');
  expect(out).not.toContain('\u202e');
});

test('a parked payment is listed, and stays parked when it is replayed too early', async () => {
  const id = await parked();

  const list = await read('payments', '--status', 'parked');
  const replayed = await read('payments', 'replay', id);

  expect(list.value.rows).toMatchObject([{ id, status: 'PARKED', reportedStatus: 'success' }]);
  expect(list.value.rows[0]).not.toHaveProperty('payload');
  expect(replayed).toMatchObject({ code: 3, value: [{ id, status: 'PARKED' }] });
  expect(await acts()).toEqual([{ ...ON_RECORD, act: 'replayPaymentEvent', outcome: 'DONE' }]);
});

test('dead letters are listed and replayed, by id or all, each with an audit entry', async () => {
  const first = await parked();
  const second = await parked();
  await sql(
    `update payment_events set status = 'DEAD', attempts = 10, reason = 'the till was broken'`,
  );
  const dead = await run(['payments', 'dead']);
  await moveClock(server.database, 25 * 3600_000);

  const one = await run(['payments', 'replay', first]);
  const rest = await read('payments', 'replay', '--all');
  const none = await run(['payments', 'replay', '--all']);
  const unknown = await run(['payments', 'replay', '018f0000-0000-7000-8000-000000000000']);

  expect(dead.out).toMatch(/the till was broken/);
  expect(one).toMatchObject({ code: 0, err: '' });
  expect(one.out).toMatch(/REFUND_REQUIRED/);
  expect(rest).toMatchObject({ code: 0, value: [{ id: second, status: 'REFUND_REQUIRED' }] });
  expect(none).toEqual({ code: 0, out: 'No dead letters.\n', err: '' });
  expect(unknown).toEqual({ code: 1, out: '', err: 'No payment event has this id.\n' });
  expect(await acts()).toEqual([
    { ...ON_RECORD, act: 'replayPaymentEvent', outcome: 'DONE' },
    { ...ON_RECORD, act: 'replayPaymentEvent', outcome: 'DONE' },
    { ...ON_RECORD, act: 'replayPaymentEvent', outcome: 'PAYMENT_EVENT_NOT_FOUND' },
  ]);
});

test('a dead letter that meets a lock does not prevent the replay of the others', async () => {
  const first = await parked();
  const second = await parked();
  await sql(`update payment_events set status = 'DEAD', attempts = 10`);
  await moveClock(server.database, 25 * 3600_000);
  await using rival = await openSession(database.url);
  await rival.query('begin');
  await rival.query('select id from payment_events where id = $1 for update', [first]);

  const replayed = await read('payments', 'replay', '--all');
  await rival.query('rollback');

  expect(replayed.code).toBe(3);
  expect(replayed.value).toMatchObject([
    { id: first, status: 'BUSY' },
    { id: second, status: 'REFUND_REQUIRED' },
  ]);
});

test('a refund is listed and resolved, and keeps its first note', async () => {
  const { paid } = await sale();
  await deliver(server.shop, payment(paid.id, { paymentId: 'pay_2', amount: '59.98' }));
  const open = await read('refunds', '--status', 'open');
  const [{ id }] = open.value.rows;

  const resolved = await read('refunds', 'resolve', id, '--note', 'sent back, re_1');
  const again = await run(['refunds', 'resolve', id, '--note', 'another note']);
  const none = await run(['refunds', '--status', 'open']);
  const nobodys = '018f0000-0000-7000-8000-000000000000';
  const unknown = await run(['refunds', 'resolve', nobodys, '--note', 'x']);

  expect(open.value.rows).toMatchObject([
    { paymentId: 'pay_2', amount: '59.98', reason: 'DUPLICATE_PAYMENT', status: 'OPEN' },
  ]);
  expect(resolved).toMatchObject({
    code: 0,
    value: { id, status: 'RESOLVED', note: 'sent back, re_1' },
  });
  expect(again.out).toContain('sent back, re_1');
  expect(none.out).toBe('0 of 0.\n');
  expect(unknown).toEqual({ code: 1, out: '', err: 'No refund has this id.\n' });
  expect((await acts()).map(({ actor, outcome }) => [actor, outcome])).toEqual([
    ['command line', 'DONE'],
    ['command line', 'DONE'],
    ['command line', 'REFUND_NOT_FOUND'],
  ]);
});

test('reconcile exits with 3 on a discrepancy, and repairs counters with --fix', async () => {
  await sale();
  const well = await run(['reconcile']);
  await sql('update stock_levels set available = 5, held = 3');

  const found = await read('reconcile');
  const fixed = await run(['reconcile', '--fix']);
  const after = await read('reconcile');

  expect(well).toEqual({ code: 0, out: 'No discrepancies.\n', err: '' });
  expect(found).toMatchObject({ code: 3, err: '', value: { balanced: false, repaired: 0 } });
  expect(found.value.findings).not.toEqual([]);
  expect(fixed).toMatchObject({ code: 0, err: '' });
  expect(fixed.out).toMatch(/Repaired counters of 1 products\.\nNo discrepancies\.\n$/);
  expect(after).toMatchObject({ code: 0, value: { balanced: true, findings: [] } });
  expect((await acts()).every(({ actor }) => actor === 'command line')).toBe(true);
});

test('retention only counts without --yes', async () => {
  await sale();
  await moveClock(server.database, 100 * 24 * 3600_000);

  const counted = await run(['retention', '--older-than', '90d']);
  const untouched = await sql('select from orders where customer_id is not null');
  const done = await read('retention', '--older-than', '90d', '--yes');
  const again = await read('retention', '--older-than', '90d');

  expect(counted.code).toBe(0);
  expect(counted.out).toMatch(/customers of orders +1\n/);
  expect(counted.out).toContain('Nothing was changed.');
  expect(untouched).toHaveLength(1);
  expect(done.value).toEqual({
    olderThanDays: 90,
    blanked: true,
    rows: [
      { what: 'customers of holds', rows: 1 },
      { what: 'customers of orders', rows: 1 },
      { what: 'bodies of payment events', rows: 1 },
      { what: 'payloads of events', rows: 1 },
      { what: 'answers to deliveries', rows: 0 },
    ],
  });
  expect(again.value.rows.map(({ rows }: { rows: number }) => rows)).toEqual([0, 0, 0, 0, 0]);
});

test('an empty database is migrated and seeded by commands, once', async () => {
  const name = `flash_sale_cli_${process.pid}`;
  const url = process.env['TEST_POSTGRES_URL']!;
  await admin(url, `create database ${name}`);
  const DATABASE_URL = new URL(`/${name}`, url).toString();
  try {
    const early = await run(['products'], { DATABASE_URL });
    const first = await run(['migrate', '--json'], { DATABASE_URL });
    const second = await run(['migrate'], { DATABASE_URL });
    const seeded = await run(['seed', '--json'], { DATABASE_URL });
    const again = await run(['seed'], { DATABASE_URL });

    expect(early).toEqual({
      code: 1,
      out: '',
      err: 'The database schema is out of date: run npm run cli -- migrate first.\n',
    });
    expect(JSON.parse(first.out).applied.length).toBeGreaterThan(2);
    expect(second.out).toBe('The schema is up to date.\n');
    expect(JSON.parse(seeded.out)).toEqual({ seeded: true });
    expect(again).toMatchObject({
      code: 0,
      out: 'The catalogue is not empty; nothing was changed.\n',
    });
  } finally {
    await admin(url, `drop database ${name} with (force)`);
  }
});

test('webhook simulates the payment provider against a running server', async () => {
  await using running = await startTestServer({ DATABASE_URL: database.url });
  const productId = await makeProduct(server.shop);

  const paid = await run(['webhook', '--product', String(productId), '--url', running.url]);

  expect(paid).toMatchObject({ code: 0, err: '' });
  expect(paid.out).toMatch(/200 .*"outcome":"applied"/);
});

test('an invalid command line exits with 2 and prints nothing on standard output', async () => {
  const wrong: readonly (readonly [args: string[], complaint: RegExp])[] = [
    [[], /Usage: flash-sale/],
    [['nonsense'], /unknown command/],
    [['orders', '--status', 'lost'], /Allowed choices are pending, paid, cancelled, expired/],
    [['orders', '--first', '101'], /It must be 1 to 100\./],
    [['orders', '--after', '7'], /It must be a UUID\./],
    [['stock', 'widget'], /A product id is a whole number\./],
    [['payments', 'replay'], /Give the id of one event, or --all\./],
    [['refunds', 'resolve', '018f0000-0000-7000-8000-000000000000'], /--note/],
    [['retention', '--yes'], /--older-than/],
    [['retention', '--older-than', '0d'], /It must be a number of days, for example 90d\./],
  ];

  const ended = await Promise.all(wrong.map(([args]) => run(args)));

  expect(ended).toEqual(
    wrong.map(([, complaint]) => ({ code: 2, out: '', err: expect.stringMatching(complaint) })),
  );
});

test('help exits with 0 and lists the exit codes', async () => {
  const { code, out } = await run(['--help']);

  expect(code).toBe(0);
  expect(out).toContain('Exit codes: 0 success · 1 failure · 2 usage error · 3 success, and');
});

test('an unreachable database gives one line without the password, and exit code 1', async () => {
  const port = await freePort();
  const DATABASE_URL = `postgres://someone:a-password@127.0.0.1:${port}/shop`;

  for (const command of [
    ['status'],
    ['orders', '--json'],
    ['migrate'],
    ['reconcile'],
    ['payments', 'replay', '--all'],
  ]) {
    const { code, out, err } = await run(command, { DATABASE_URL });

    expect([command, code, out]).toEqual([command, 1, '']);
    expect(err).toMatch(
      /^(The database is away(; nothing was done)?\. \(.*ECONNREFUSED.*\)|DATABASE_URL cannot be used: .*ECONNREFUSED.*\.)\n$/,
    );
    expect(err).not.toContain('a-password');
  }
});

test('wrong settings are reported one a line, as the server reports them', async () => {
  const { code, out, err } = await run(['status'], { PORT: 'four', HOLD_TTL_SECONDS: 'long' });

  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toBe('PORT must be a whole number.\nHOLD_TTL_SECONDS must be a number.\n');
});

test('docs/operations.md lists every command', async () => {
  const { out } = await run(['--help']);
  const commands = [...out.matchAll(/^ {2}([a-z]+) (?:\[options\] )?/gm)].map(([, name]) => name!);
  const manual = textOf('docs/operations.md');

  expect(commands).toEqual(expect.arrayContaining(['status', 'retention', 'payments', 'webhook']));
  expect(commands.filter((name) => name !== 'help' && !manual.includes(`cli -- ${name}`))).toEqual(
    [],
  );
});

/** A port on which no process listens. */
async function freePort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  return port;
}
