import { randomUUID } from 'node:crypto';
import {
  AS_ADMIN,
  ask,
  CREATE_HOLD,
  CREATE_ORDER,
  PRODUCT_QUERY,
  REFUSAL,
  send,
  sendRaw,
} from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { ADMIN_TOKEN, startTestServer, type TestServer } from '../support/server.ts';
import { findingsOf, openSession, stockOf } from '../support/shop.ts';

const CREATE_PRODUCT = `mutation ($input: CreateProductInput!) { createProduct(input: $input) {
  id name description price { amount currency } totalStock availableStock heldStock soldStock stockVersion
  maxPerHold maxPerCustomer saleStatus saleStartsAt saleEndsAt } }`;
const ADJUST_STOCK = `mutation ($input: AdjustStockInput!) { adjustStock(input: $input) { __typename ${REFUSAL}
  ... on Product { id totalStock availableStock heldStock soldStock stockVersion }
  ... on StockVersionConflict { currentVersion } ... on StockBelowCommitted { committed }
  ... on Busy { retryAfterMs } } }`;
const STOCK_AUDIT = `query ($id: ID!) { stockAudit(productId: $id) {
  productId balanced versions total available held sold findings } }`;

const GOOD = { name: 'Admin Widget', price: '12.50', currency: 'USD', totalStock: 10 };

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.stop());

const as = (query: string, variables: object) => ask(server.url, query, variables, AS_ADMIN);

const create = (wanted: object = {}) => as(CREATE_PRODUCT, { input: { ...GOOD, ...wanted } });

const adjust = (productId: string, change: object) =>
  as(ADJUST_STOCK, { input: { productId, reason: 'a test', ...change } });

/** How much there is of everything: what a refused act must leave as it was. */
const sizes = () =>
  server.database.rows(
    `select (select count(*) from products) as products, (select count(*) from stock_movements) as movements,
      (select sum(version) from stock_levels) as versions`,
    [],
  );

/** The message of an operation that must be refused as malformed, without any effect. */
async function complaint(query: string, input: object): Promise<string> {
  const before = await sizes();
  const { status, data, errors } = await send(server.url, query, { input }, AS_ADMIN);
  expect(status).toBeLessThan(500);
  expect(data ?? null).toBeNull();
  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  expect(await sizes()).toEqual(before);
  return errors![0]!.message;
}

describe('a new product', () => {
  test('it is on sale at once, with the defaults of the contract', async () => {
    const made = await create();
    const shown = await ask(server.url, PRODUCT_QUERY, { id: made.id });

    expect(made).toEqual({
      id: expect.stringMatching(/^[1-9]\d*$/),
      name: 'Admin Widget',
      description: null,
      price: { amount: '12.50', currency: 'USD' },
      totalStock: 10,
      availableStock: 10,
      heldStock: 0,
      soldStock: 0,
      stockVersion: 1,
      maxPerHold: 10,
      maxPerCustomer: null,
      saleStatus: 'LIVE',
      saleStartsAt: null,
      saleEndsAt: null,
    });
    expect(shown).toMatchObject(made);
    expect(await findingsOf(server.shop, Number(made.id))).toEqual([]);
  });

  test('it has every field that was given', async () => {
    const made = await create({
      name: '𝄞 e\u0301',
      description: '',
      price: '1500',
      currency: 'jpy',
      totalStock: 0,
      maxPerHold: 1,
      maxPerCustomer: 2,
      saleStartsAt: '2030-01-01T00:00:00+01:00',
      saleEndsAt: '2030-01-02T00:00:00.500Z',
    });

    expect(made).toMatchObject({
      name: '𝄞 e\u0301',
      description: '',
      price: { amount: '1500', currency: 'JPY' },
      totalStock: 0,
      maxPerHold: 1,
      maxPerCustomer: 2,
      saleStatus: 'UPCOMING',
      saleStartsAt: '2029-12-31T23:00:00.000Z',
      saleEndsAt: '2030-01-02T00:00:00.500Z',
    });
  });

  test.each([
    ['0', 'USD', '0.00'],
    ['0.10', 'USD', '0.10'],
    ['19.99', 'USD', '19.99'],
    ['12.500', 'USD', '12.50'],
    ['007', 'EUR', '7.00'],
    ['1500.00', 'JPY', '1500'],
    ['1.234', 'KWD', '1.234'],
    ['9999999999.99', 'USD', '9999999999.99'],
  ])('a price of %s %s is shown as %s', async (price, currency, amount) => {
    expect((await create({ price, currency })).price).toEqual({ amount, currency });
  });

  test.each([
    ['more digits than the currency has', { price: '12.505' }],
    ['a fraction of a yen', { price: '1500.5', currency: 'JPY' }],
    ['four digits of a dinar', { price: '1.2345', currency: 'KWD' }],
    ['a negative price', { price: '-1.00' }],
    ['a plus', { price: '+1.00' }],
    ['an exponent', { price: '1e2' }],
    ['a comma', { price: '12,50' }],
    ['a point at the end', { price: '12.' }],
    ['a point at the front', { price: '.5' }],
    ['two points', { price: '1.2.3' }],
    ['an empty price', { price: '' }],
    ['spaces', { price: ' 1' }],
    ['a price of 25 digits', { price: '1'.repeat(25) }],
    ['a hold of more than fifteen digits', { price: '9999999999999.99', maxPerHold: 10 }],
    ['a price that is a number', { price: 12.5 }],
    ['a currency that is none', { currency: 'XQQ' }],
    ['a currency of two letters', { currency: 'US' }],
    ['a currency with a space', { currency: 'USD ' }],
    ['an empty currency', { currency: '' }],
    ['negative stock', { totalStock: -1 }],
    ['more stock than an integer', { totalStock: 2_147_483_648 }],
    ['stock that is a fraction', { totalStock: 1.5 }],
    ['stock that is text', { totalStock: '10' }],
    ['no stock', { totalStock: null }],
    ['a maximum of 0 per hold', { maxPerHold: 0 }],
    ['a limit of 0', { maxPerCustomer: 0 }],
    ['a negative limit', { maxPerCustomer: -5 }],
    ['no name', { name: '' }],
    ['a name of 201 characters', { name: 'x'.repeat(201) }],
    ['a description of 5,001 characters', { description: 'x'.repeat(5001) }],
    [
      'a window reversed',
      { saleStartsAt: '2030-01-02T00:00:00Z', saleEndsAt: '2030-01-01T00:00:00Z' },
    ],
    [
      'a window of no length',
      { saleStartsAt: '2030-01-01T00:00:00Z', saleEndsAt: '2030-01-01T00:00:00Z' },
    ],
    ['a day that does not exist', { saleStartsAt: '2030-02-30T00:00:00Z' }],
    ['a time without a zone', { saleStartsAt: '2030-01-01T00:00:00' }],
    ['a time that is a number', { saleStartsAt: true }],
    ['a time that is a word', { saleStartsAt: 'tomorrow' }],
    ['a field of its own', { soldStock: 5 }],
    ['an id of its own', { id: '1' }],
  ])('%s is refused', async (_what, wrong) => {
    const message = await complaint(CREATE_PRODUCT, { ...GOOD, ...wrong });

    expect(message).not.toMatch(/node_modules|constraint|\.(ts|js)\b/);
  });
});

describe('an adjustment', () => {
  test('it adds and removes units, one version each, down to the held and sold units', async () => {
    const { id } = await create({ totalStock: 5 });
    const { orderId, token } = await ask(server.url, CREATE_HOLD, {
      input: { productId: id, quantity: 2 },
    });
    await ask(server.url, CREATE_ORDER, { token });
    await deliver(server.url, success(orderId));
    await ask(server.url, CREATE_HOLD, { input: { productId: id } });

    const added = await adjust(id, { delta: 3 });
    const taken = await adjust(id, { delta: -5 });
    const tooMuch = await adjust(id, { delta: -1 });

    expect(added).toMatchObject({ totalStock: 8, availableStock: 5, heldStock: 1, soldStock: 2 });
    expect(taken).toMatchObject({
      totalStock: 3,
      availableStock: 0,
      stockVersion: added.stockVersion + 1,
    });
    expect(tooMuch).toEqual({
      __typename: 'StockBelowCommitted',
      code: 'STOCK_BELOW_COMMITTED',
      message: 'A total of 2 requested, 3 are held and sold.',
      retryable: true,
      committed: 3,
    });
    expect(await as(STOCK_AUDIT, { id })).toEqual({
      productId: id,
      balanced: true,
      versions: taken.stockVersion,
      total: 3,
      available: 0,
      held: 1,
      sold: 2,
      findings: [],
    });
  });

  test('it is refused when the stock has another version', async () => {
    const { id, stockVersion } = await create();
    await ask(server.url, CREATE_HOLD, { input: { productId: id } });

    const stale = await adjust(id, { delta: 1, expectedVersion: stockVersion });
    const fresh = await adjust(id, { delta: 1, expectedVersion: stockVersion + 1 });

    expect(stale).toMatchObject({
      __typename: 'StockVersionConflict',
      code: 'STOCK_VERSION_CONFLICT',
      retryable: false,
      currentVersion: 2,
    });
    expect(fresh).toMatchObject({ __typename: 'Product', totalStock: 11, stockVersion: 3 });
  });

  test('one key used 20 times at once takes effect once, and later returns the current stock', async () => {
    const { id } = await create();
    const change = { delta: 4, expectedVersion: 1, idempotencyKey: randomUUID() };

    const answers = await Promise.all(Array.from({ length: 20 }, () => adjust(id, change)));
    await adjust(id, { delta: 1 });
    const later = await adjust(id, change);

    expect(answers.map(({ totalStock }) => totalStock)).toEqual(Array(20).fill(14));
    expect(later).toMatchObject({ totalStock: 15, stockVersion: 3 });
    expect(await findingsOf(server.shop, Number(id))).toEqual([]);
  });

  test('a key with other arguments is refused', async () => {
    const [{ id }, { id: other }] = [await create(), await create()];
    const change = { delta: 4, idempotencyKey: randomUUID() };
    await adjust(id, change);

    const answers = [
      await adjust(id, { ...change, delta: 5 }),
      await adjust(id, { ...change, reason: 'another' }),
      await adjust(id, { ...change, expectedVersion: 2 }),
      await adjust(other, change),
    ];

    for (const answer of answers) {
      expect(answer).toMatchObject({
        __typename: 'IdempotencyKeyReused',
        code: 'IDEMPOTENCY_KEY_REUSED',
        retryable: false,
      });
    }
    expect(await stockOf(server.shop, Number(id))).toMatchObject({ total: 14 });
    expect(await stockOf(server.shop, Number(other))).toMatchObject({ total: 10 });
  });

  test('an unknown product has no stock to adjust or audit', async () => {
    for (const id of ['2000000000', 'x', '-1', '', "1'--"]) {
      expect(await adjust(id, { delta: 1 })).toMatchObject({ code: 'PRODUCT_NOT_FOUND' });
      expect(await as(STOCK_AUDIT, { id })).toBeNull();
    }
  });

  test('a locked stock row is BUSY', async () => {
    const { id } = await create();
    await using session = await openSession(server.databaseUrl);
    await session.query('begin');
    await session.query('select * from stock_levels where product_id = $1 for update', [id]);

    const busy = await adjust(id, { delta: 1 });
    await session.query('rollback');

    expect(busy).toMatchObject({ __typename: 'Busy', code: 'BUSY', retryable: true });
    expect(await stockOf(server.shop, Number(id))).toMatchObject({ version: 1 });
  });

  test.each([
    ['a delta of 0', { delta: 0 }],
    ['no delta', { delta: null }],
    ['a delta that is a fraction', { delta: 0.5 }],
    ['a delta beyond an integer', { delta: 2_147_483_648 }],
    ['more units than an integer', { delta: 2_147_483_647 }],
    ['no reason', { delta: 1, reason: '' }],
    ['a reason of 501 characters', { delta: 1, reason: 'x'.repeat(501) }],
    ['an expected version that is text', { delta: 1, expectedVersion: '1' }],
    ['a key of 15 characters', { delta: 1, idempotencyKey: 'x'.repeat(15) }],
    ['a key of 129 characters', { delta: 1, idempotencyKey: 'x'.repeat(129) }],
    ['an empty key', { delta: 1, idempotencyKey: '' }],
    ['a field of its own', { delta: 1, total: 100 }],
  ])('%s is refused', async (_what, wrong) => {
    const { id } = await create();

    await complaint(ADJUST_STOCK, { productId: id, reason: 'a test', ...wrong });
  });
});

describe('an audit', () => {
  test('it finds changes made by SQL', async () => {
    const { id } = await create({ totalStock: 5 });
    await server.database.rows(
      'update stock_levels set available = available - 1, sold = sold + 1 where product_id = $1',
      [Number(id)],
    );

    const found = await as(STOCK_AUDIT, { id });

    expect(found).toMatchObject({ balanced: false, sold: 1 });
    expect(found.findings.length).toBeGreaterThan(0);
  });
});

describe('the Authorization header', () => {
  test.each([
    ['bearer', `bearer ${ADMIN_TOKEN}`],
    ['BEARER', `BEARER ${ADMIN_TOKEN}`],
    ['bEaReR', `bEaReR ${ADMIN_TOKEN}`],
    ['several spaces', `Bearer    ${ADMIN_TOKEN}`],
    ['a tab', `Bearer \t${ADMIN_TOKEN}`],
    ['spaces around', `  Bearer ${ADMIN_TOKEN}  `],
  ])('gives the admin’s rights with %s', async (_what, authorization) => {
    const { id } = await create({ totalStock: 5 });

    const audit = await ask(server.url, STOCK_AUDIT, { id }, { authorization });

    expect(audit).toMatchObject({ balanced: true });
  });
});

describe('a caller without the admin token', () => {
  const WRONG: [string, Record<string, string>][] = [
    ['no token', {}],
    ['another token', { authorization: 'Bearer another token' }],
    ['an empty token', { authorization: 'Bearer ' }],
    ['only the scheme', { authorization: 'Bearer' }],
    ['the token without the scheme', { authorization: ADMIN_TOKEN }],
    ['no space after the scheme', { authorization: `Bearer${ADMIN_TOKEN}` }],
    ['the scheme twice', { authorization: `Bearer Bearer ${ADMIN_TOKEN}` }],
    ['another case of the token', { authorization: `Bearer ${ADMIN_TOKEN.toUpperCase()}` }],
    ['the token as a password', { authorization: `Basic ${btoa(`admin:${ADMIN_TOKEN}`)}` }],
    ['a token cut by one character', { authorization: `Bearer ${ADMIN_TOKEN.slice(0, -1)}` }],
    ['a token too long by one character', { authorization: `Bearer ${ADMIN_TOKEN}x` }],
    ['the token in another header', { 'x-admin-token': ADMIN_TOKEN }],
  ];

  test.each(WRONG)('%s gives no access and changes nothing', async (_what, headers) => {
    const { id } = await create();
    const before = await sizes();
    const operations: [string, object][] = [
      [CREATE_PRODUCT, { input: GOOD }],
      [CREATE_PRODUCT, { input: { ...GOOD, price: 'x' } }],
      [ADJUST_STOCK, { input: { productId: id, delta: 1, reason: 'a test' } }],
      [ADJUST_STOCK, { input: { productId: '2000000000', delta: 0, reason: 'a test' } }],
      [STOCK_AUDIT, { id }],
    ];

    for (const [query, variables] of operations) {
      const { status, data, errors } = await send(server.url, query, variables, headers);
      expect(status).toBeLessThan(500);
      expect(Object.values(data ?? {}).filter(Boolean)).toEqual([]);
      expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    }
    expect(await sizes()).toEqual(before);
  });

  test('the token gives no access from a page of another site', async () => {
    const { headers } = await sendRaw(server.url, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://evil.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    const own = await sendRaw(server.url, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://localhost:3000',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });

    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(own.headers['access-control-allow-origin']).toBe('http://localhost:3000');
    expect(own.headers['access-control-allow-credentials']).toBeUndefined();
  });
});

describe('in production', () => {
  let strict: TestServer;

  beforeAll(async () => {
    strict = await startTestServer({
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      DATABASE_URL: server.databaseUrl,
      PAYMENT_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      // The test's database has fsync off.
      ...({ ALLOW_DATA_LOSS: 'true' } as object),
    });
  });

  afterAll(() => strict.stop());

  test('there is no explorer, no introspection and no suggestion', async () => {
    const page = await fetch(`${strict.url}/graphql`, { headers: { accept: 'text/html' } });
    const introspected = [
      await send(strict.url, '{ __schema { types { name } } }'),
      await send(strict.url, '{ __type(name: "Query") { name } }'),
    ];
    const misspelt = await send(strict.url, '{ produts { nodes { id } } }');
    const good = await send(strict.url, '{ products { totalCount } }');

    expect(page.status).toBe(400);
    expect(page.headers.get('content-type')).toMatch(/json/);
    for (const { status, errors } of introspected) {
      expect(status).toBe(400);
      expect(errors![0]!.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    }
    expect(misspelt.text).not.toMatch(/did you mean|products/i);
    expect(good.status).toBe(200);
  });

  test('no page of another origin may call it', async () => {
    const { headers } = await sendRaw(strict.url, {
      headers: { 'content-type': 'application/json', origin: 'http://localhost:3000' },
      body: '{"query":"{ __typename }"}',
    });

    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});
