import { jest } from '@jest/globals';
import { ask, codeOf, deliver, hold, midSale, order, payment } from '../support/buyer.ts';
import { useCommandLine } from '../support/command-line.ts';
import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { findingsOf, makeProduct, moveClock, stockOf, useShop } from '../support/shop.ts';

/*
 * The commands that change the shop: the admin operations of the API and the console, from a shell.
 */

// Each command starts a process.
jest.setTimeout(180_000);

const server = useShop({ forEachTest: true });

const commandLine = useCommandLine(() => server.url);

const run = (...args: (string | number)[]) => commandLine.run(args.map(String));

/** Runs a command as a script would: its one JSON value. */
async function read(...args: (string | number)[]) {
  const { code, out, err } = await run(...args, '--json');
  // oxlint-disable-next-line no-explicit-any
  return { code, err, value: JSON.parse(out) as any };
}

const sql = <Row = Record<string, unknown>>(statement: string) =>
  server.database.rows<Row>(statement, []);

/** The audit log, oldest first. */
const audited = async () =>
  (await sql('select actor, act, outcome from operator_acts order by id')).map((row) =>
    Object.values(row).join(' '),
  );

/** A digest of every row of every table. */
async function fingerprint(): Promise<Record<string, unknown>> {
  const tables = await sql<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`,
  );
  const digests: Record<string, unknown> = {};
  for (const { name } of tables) {
    const [row] = await sql<{ digest: string }>(
      `select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) as digest from "${name}" t`,
    );
    digests[name] = row!.digest;
  }
  return digests;
}

const SNEAKER = ['--name', 'Sneaker', '--price', '149.00', '--currency', 'eur'];

const UNKNOWN_ORDER = '018f0000-0000-7000-8000-000000000000';

test('products create creates a product with its stock, and prints its terms', async () => {
  const picture = ['--image-url', 'https://example.com/sneaker.png'];
  const terms = ['--max-per-customer', 2, '--sale-starts-at', '2100-01-01', ...picture];
  const created = await read('products', 'create', ...SNEAKER, '--total-stock', 25, ...terms);
  const text = await run('products', 'create', ...SNEAKER, '--total-stock', 0);

  const { productId } = created.value;
  expect(created).toMatchObject({
    code: 0,
    err: '',
    value: {
      action: 'createProduct',
      dryRun: false,
      before: null,
      after: {
        id: productId,
        name: 'Sneaker',
        price: '149.00',
        currency: 'EUR',
        totalStock: 25,
        maxPerHold: 10,
        maxPerCustomer: 2,
        saleStartsAt: '2100-01-01T00:00:00.000Z',
        imageUrl: 'https://example.com/sneaker.png',
      },
    },
  });
  expect(await stockOf(server.shop, productId)).toMatchObject({ total: 25, available: 25 });
  expect(text).toMatchObject({ code: 0, err: '' });
  expect(text.out).toMatch(
    /^Product \d+ \(Sneaker\) is created\.\n\nfield +before +after\nid +- +\d/,
  );
  expect(text.out).toMatch(/^price +- +149\.00$/m);
  expect(text.out).not.toContain('saleEndsAt');
  expect(await audited()).toEqual([
    'command line createProduct DONE',
    'command line createProduct DONE',
  ]);
});

test('products update changes what is given, removes what is negated, and keeps the rest', async () => {
  const productId = await makeProduct(server.shop, {
    description: 'Of wool',
    maxPerCustomer: 2,
    saleEndsAt: new Date('2100-01-01'),
  });

  const removed = ['--no-max-per-customer', '--no-sale-ends-at'];
  const terms = ['--price', '19.50', '--max-per-hold', 3, ...removed];
  const changed = await run('products', 'update', productId, ...terms);
  const same = await run('products', 'update', productId, '--price', '19.5');
  const unknown = await run('products', 'update', 999_999, '--price', '1');

  expect(changed).toEqual({
    code: 0,
    err: '',
    out: [
      `Product ${productId} (Test Widget) is changed.`,
      '',
      'field           before                    after',
      'price           29.99                     19.50',
      'maxPerHold      10                        3',
      'maxPerCustomer  2                         -',
      'saleEndsAt      2100-01-01T00:00:00.000Z  -',
      '',
    ].join('\n'),
  });
  expect(same).toEqual({ code: 0, err: '', out: 'Nothing changes: it is so already.\n' });
  expect(unknown).toEqual({ code: 1, out: '', err: 'No product has this id.\n' });
  expect((await sql('select description from products'))[0]).toEqual({ description: 'Of wool' });
  expect(await audited()).toEqual([
    'command line updateProduct DONE',
    'command line updateProduct DONE',
    'command line updateProduct PRODUCT_NOT_FOUND',
  ]);
});

test('stock adjust adds units and takes them out, and shows each refusal', async () => {
  const { productId } = await midSale(server.shop);
  const adjust = (by: number, ...more: (string | number)[]) =>
    run('stock', 'adjust', productId, '--by', by, '--reason', 'a recount', ...more);
  const { version } = await stockOf(server.shop, productId);

  const added = await adjust(5, '--expected-version', version);
  const conflict = await adjust(5, '--expected-version', version);
  const removed = await adjust(-9);
  const tooMany = await adjust(-1);
  const once = await adjust(2, '--idempotency-key', 'recount of Friday');
  const again = await adjust(2, '--idempotency-key', 'recount of Friday');
  const reused = await adjust(3, '--idempotency-key', 'recount of Friday');

  expect(added.out).toMatch(
    /^The stock of product \d+ \(Test Widget\) is adjusted by 5\.\n\nfield +before +after\n/,
  );
  expect(added.out).toMatch(/^total +10 +15\navailable +4 +9\n$/m);
  expect(conflict).toEqual({
    code: 1,
    out: '',
    err: `Version ${version} expected, ${version + 1} found.\n`,
  });
  expect(removed.out).toMatch(/^available +9 +0\n$/m);
  expect(tooMany).toEqual({
    code: 1,
    out: '',
    err: 'A total of 5 requested, 6 are held and sold.\n',
  });
  expect([once.code, again.code, reused.code]).toEqual([0, 0, 1]);
  expect(again.out).toBe('Nothing changes: it is so already.\n');
  expect(await stockOf(server.shop, productId)).toMatchObject({ total: 8, available: 2 });
  expect(await findingsOf(server.shop, productId)).toEqual([]);
  expect(await audited()).toEqual([
    'command line adjustStock DONE',
    'command line adjustStock STOCK_VERSION_CONFLICT',
    'command line adjustStock DONE',
    'command line adjustStock STOCK_BELOW_COMMITTED',
    'command line adjustStock DONE',
    'command line adjustStock DONE',
    // A key that was used before is found before the operation changes anything.
    'command line adjustStock IDEMPOTENCY_KEY_REUSED',
  ]);
});

test('a sale is paused, resumed and closed', async () => {
  const { shop } = server;
  const productId = await makeProduct(shop);
  const later = await makeProduct(shop, { saleStartsAt: new Date('2100-01-01') });

  const paused = await run('sale', 'pause', productId);
  const whilePaused = await ask(shop, productId);
  const resumed = await read('sale', 'resume', productId);
  const afterwards = await ask(shop, productId);
  const closed = await run('sale', 'close', productId);
  const afterClose = await ask(shop, productId);
  const again = await run('sale', 'close', productId);
  const tooEarly = await run('sale', 'close', later);
  const unknown = await Promise.all(
    ['pause', 'resume', 'close'].map((what) => run('sale', what, 999_999)),
  );

  expect(paused.out).toMatch(
    /^The sale of product \d+ \(Test Widget\) is paused\.\n\nfield +before +after\nsalePaused +false +true\n$/,
  );
  expect(whilePaused).toMatchObject({ code: 'SALE_NOT_OPEN', saleStatus: 'PAUSED' });
  expect(resumed.value).toMatchObject({
    action: 'setSalePaused',
    productId,
    before: { salePaused: true },
    after: { salePaused: false },
  });
  expect(codeOf(afterwards)).toBe('OK');
  expect(closed.out).toMatch(/ is closed\.\n\nfield +before +after\nsaleEndsAt +- +\d{4}-/);
  expect(afterClose).toMatchObject({ code: 'SALE_NOT_OPEN', saleStatus: 'ENDED' });
  expect(again.err).toMatch(/^The sale ended at \S+Z\.\n$/);
  expect(tooEarly).toEqual({
    code: 1,
    out: '',
    err: 'The sale has not started: pause it, or change its times.\n',
  });
  for (const ended of unknown)
    expect(ended).toEqual({ code: 1, out: '', err: 'No product has this id.\n' });
  expect((await audited()).slice(0, 3)).toEqual([
    'command line setSalePaused DONE',
    'command line setSalePaused DONE',
    'command line updateProduct DONE',
  ]);
});

test('orders cancel returns the units of a pending order and refunds a paid one', async () => {
  const { shop } = server;
  const { productId, paid, pending: expired } = await midSale(shop);
  const other = await order(shop, await hold(shop, productId));
  await deliver(shop, payment(other.id));
  await moveClock(server.database, 3600_000);
  await sweepDue(shop);
  const pending = await order(shop, await hold(shop, productId));
  const cancel = (id: string, ...more: string[]) =>
    run('orders', 'cancel', id, '--reason', 'damaged', ...more);

  const late = await cancel(expired.id);
  const unpaid = await cancel(pending.id);
  const withdrawn = await cancel(paid.id);
  const restocked = await read('orders', 'cancel', other.id, '--reason', 'damaged', '--restock');
  const unknown = await cancel(UNKNOWN_ORDER);

  expect(late).toEqual({ code: 1, out: '', err: 'This order expired unpaid.\n' });
  expect(unpaid.out).toMatch(
    /^Order \S+ is cancelled\.\n\nfield +before +after\nstatus +PENDING +/,
  );
  expect(withdrawn.out).toMatch(/^status +PAID +CANCELLED$/m);
  expect(withdrawn.out).toMatch(/^refundId +- +[0-9a-f-]{36}$/m);
  expect(restocked.value).toMatchObject({
    action: 'adminCancelOrder',
    orderId: other.id,
    after: { status: 'CANCELLED', restocked: true },
  });
  expect(unknown).toEqual({ code: 1, out: '', err: 'No order has this id.\n' });
  expect(await sql('select reason from refunds')).toEqual([
    { reason: 'ORDER_CANCELLED' },
    { reason: 'ORDER_CANCELLED' },
  ]);
  expect(await findingsOf(shop, productId)).toEqual([]);
});

test('a dry run shows what would change, and changes nothing', async () => {
  const { productId, paid, pending } = await midSale(server.shop);
  const acts: readonly (readonly [args: (string | number)[], change: RegExp])[] = [
    [['products', 'create', ...SNEAKER, '--total-stock', 25], /^price +- +149\.00$/m],
    [['products', 'update', productId, '--price', '1'], /^price +29\.99 +1\.00$/m],
    [['stock', 'adjust', productId, '--by', -4, '--reason', 'x'], /^available +4 +0$/m],
    [['sale', 'pause', productId], /^salePaused +false +true$/m],
    [['sale', 'close', productId], /^saleEndsAt +- +\d{4}-/m],
    [['orders', 'cancel', pending.id, '--reason', 'x'], /^status +PENDING +CANCELLED$/m],
    [['orders', 'cancel', paid.id, '--reason', 'x'], /^refundId +- +\(new\)$/m],
  ];
  const before = await fingerprint();

  for (const [args, change] of acts) {
    const text = await run(...args, '--dry-run');
    expect(text).toMatchObject({ code: 0, err: '' });
    expect(text.out).toMatch(/^Dry run: nothing was changed\. Without --dry-run:\n/);
    expect(text.out).toMatch(change);
  }
  const refused = await run('stock', 'adjust', productId, '--by=-5', '--reason=x', '--dry-run');
  const json = await read(...acts[0]![0], '--dry-run');

  expect(refused).toEqual({
    code: 1,
    out: '',
    err: 'A total of 5 requested, 6 are held and sold.\n',
  });
  expect(json.value).toMatchObject({ dryRun: true, productId: null, after: { id: '(new)' } });
  expect(await fingerprint()).toEqual(before);
  expect(await audited()).toEqual([]);
});

test('invalid input gives one line, exit code 2, and no entry in the audit log', async () => {
  const productId = await makeProduct(server.shop);
  const wrong: readonly (readonly [args: (string | number)[], complaint: RegExp])[] = [
    [['products', 'create', '--name', 'x'], /required option '--price <decimal>'/],
    [['products', 'create', ...SNEAKER, '--total-stock', '-1'], /whole number from 0 to/],
    [['products', 'create', ...SNEAKER, '--total-stock=1', '--name='], /1 to 200 characters/],
    [['products', 'create', ...SNEAKER, '--total-stock=1', '--price=1.234'], /^price is 1\.234; /],
    [['products', 'create', ...SNEAKER, '--total-stock=1', '--currency=XXX'], /^currency is XXX; /],
    [['products', 'create', ...SNEAKER, '--total-stock=1', '--image-url=x'], /^imageUrl must be/],
    [['products', 'update', productId], /^Give at least one change\.\n$/],
    [['products', 'update', productId, '--price', '-1'], /plain decimal/],
    [['products', 'update', productId, '--max-per-hold', '0'], /whole number from 1 to/],
    [['products', 'update', productId, '--sale-ends-at', 'soon'], /time in ISO 8601/],
    [['stock', 'adjust', productId, '--reason', 'x'], /required option '--by <n>'/],
    [['stock', 'adjust', productId, '--by', '1.5', '--reason', 'x'], /whole number from/],
    [['stock', 'adjust', productId, '--by=1', '--reason=x', '--idempotency-key=x'], /16 to 128/],
    [['stock', 'adjust', productId, '--by=2147483647', '--reason=x'], /^delta is too large; /],
    [['sale', 'pause', 'widget'], /A product id is a whole number\./],
    [['sale'], /Usage: flash-sale sale/],
    [['orders', 'cancel', '7', '--reason', 'x'], /It must be a UUID\./],
    [['orders', 'cancel', UNKNOWN_ORDER], /required option '--reason <text>'/],
  ];

  for (const [args, complaint] of wrong) {
    const ended = await run(...args);
    expect([args, ended]).toEqual([
      args,
      { code: 2, out: '', err: expect.stringMatching(complaint) },
    ]);
    if (args.length > 1) expect(ended.err.trimEnd()).not.toContain('\n');
  }
  expect(await audited()).toEqual([]);
});
