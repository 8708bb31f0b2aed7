import { randomUUID } from 'node:crypto';
import { AS_ADMIN, ask, CREATE_HOLD, CREATE_ORDER, send } from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { ADMIN_TOKEN, startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, moveClock } from '../support/shop.ts';

const PAGE = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount';

/** The admin's lists by the name of their field. */
const LISTS = ['orders', 'holds', 'paymentEvents', 'refunds', 'stockMovements'] as const;

let server: TestServer;
let productId: string;
const holds: { id: string; orderId: string; token: string }[] = [];

/** Seven holds of one product: five ordered, four paid, and two of those paid twice. */
beforeAll(async () => {
  server = await startTestServer();
  productId = String(await makeProduct(server.shop, { totalStock: 100 }));
  for (let buyer = 0; buyer < 7; buyer += 1) {
    const input = { productId, customerId: `buyer ${buyer % 2}` };
    holds.push(await ask(server.url, CREATE_HOLD, { input }));
  }
  for (const { token } of holds.slice(0, 5)) await ask(server.url, CREATE_ORDER, { token });
  for (const { orderId } of holds.slice(0, 4)) await deliver(server.url, success(orderId));
  for (const { orderId } of holds.slice(0, 2)) await deliver(server.url, success(orderId));
});

afterEach(() => moveClock(server.database, 0));

afterAll(() => server.stop());

const as = (query: string, variables: object = {}) => ask(server.url, query, variables, AS_ADMIN);

type List = (typeof LISTS)[number];

const argumentsOf = (list: List, given: string) =>
  list === 'stockMovements' ? `productId: "${productId}", ${given}` : given;

const page = (list: List, given: string) =>
  as(
    `{ ${list}(${argumentsOf(list, given)}) { nodes { ${list === 'stockMovements' ? 'id: version' : 'id'} } ${PAGE} } }`,
  );

const idsOf = ({ nodes }: { nodes: { id: string }[] }) => nodes.map(({ id }) => id);

describe('a list of the admin', () => {
  test.each(LISTS)('%s: pages of two equal one page of a hundred, in order', async (list) => {
    const whole = await page(list, 'first: 100');
    const paged: string[] = [];
    let after = '';
    for (;;) {
      const part = await page(list, `first: 2${after}`);
      paged.push(...idsOf(part));
      expect(part.totalCount).toBe(whole.totalCount);
      expect(part.pageInfo.hasPreviousPage).toBe(after !== '');
      if (!part.pageInfo.hasNextPage) break;
      after = `, after: "${part.pageInfo.endCursor}"`;
    }

    expect(paged).toEqual(idsOf(whole));
    expect(new Set(paged).size).toBe(whole.totalCount);
    expect(whole.totalCount).toBeGreaterThan(1);
    expect(whole.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: false });
  });

  test.each(LISTS)(
    '%s: a page has 20 rows by default, and a page after the last is empty',
    async (list) => {
      const whole = await page(list, 'first: 100');
      const beyond = await page(list, `first: 5, after: "${whole.pageInfo.endCursor}"`);
      const unsaid = await as(
        list === 'stockMovements'
          ? `{ ${list}(productId: "${productId}") { totalCount nodes { __typename } } }`
          : `{ ${list} { totalCount nodes { __typename } } }`,
      );

      expect(beyond).toEqual({
        nodes: [],
        pageInfo: { hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null },
        totalCount: whole.totalCount,
      });
      expect(unsaid.nodes).toHaveLength(Math.min(20, unsaid.totalCount));
    },
  );

  test.each(LISTS)('%s: a page of no size, or of too many, is refused', async (list) => {
    for (const first of ['0', '-1', '101', '1000', '2147483648', '1.5', 'null', '"2"']) {
      const { errors, status } = await send(
        server.url,
        `{ ${list}(${argumentsOf(list, `first: ${first}`)}) { totalCount } }`,
        {},
        AS_ADMIN,
      );
      expect([first, status < 500, ['BAD_USER_INPUT', 'GRAPHQL_VALIDATION_FAILED']]).toEqual([
        first,
        true,
        expect.arrayContaining([errors![0]!.extensions.code]),
      ]);
    }
  });

  test.each(LISTS)('%s: a cursor that is none, or another list’s, is refused', async (list) => {
    const others = await Promise.all(
      LISTS.filter((other) => other !== list).map(
        async (other) => (await page(other, 'first: 1')).pageInfo.endCursor as string,
      ),
    );
    const own = (await page(list, 'first: 1')).pageInfo.endCursor as string;
    const products = await as('{ products { pageInfo { endCursor } } }');
    const cursors = [
      ...others,
      products.pageInfo.endCursor,
      '',
      'x',
      '%%%',
      `${own}=`,
      ` ${own}`,
      own.slice(0, -1),
      Buffer.from('order:1').toString('base64url'),
      Buffer.from(`order:${'x'.repeat(5000)}`).toString('base64url'),
      Buffer.from("order:' or 1=1 --").toString('base64url'),
      'a\u0000b',
    ];

    for (const after of cursors) {
      const product = list === 'stockMovements' ? ', productId: $product' : '';
      const { errors, data } = await send(
        server.url,
        `query ($after: String${product && ', $product: ID!'}) { ${list}(after: $after${product}) { totalCount } }`,
        { after, product: productId },
        AS_ADMIN,
      );
      expect([after, data ?? null]).toEqual([after, null]);
      expect(errors).toMatchObject([
        { message: 'after is not a cursor of this list.', extensions: { code: 'BAD_USER_INPUT' } },
      ]);
    }
  });

  test('the movements of another product are another list', async () => {
    const other = await makeProduct(server.shop);
    const { endCursor } = (await page('stockMovements', 'first: 1')).pageInfo;

    const { errors } = await send(
      server.url,
      `{ stockMovements(productId: "${other}", after: "${endCursor}") { totalCount } }`,
      {},
      AS_ADMIN,
    );

    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});

describe('the filters of a list', () => {
  const count = async (list: string) =>
    (await as(`{ ${list} { totalCount } }`)).totalCount as number;

  test('orders are filtered by status and product', async () => {
    expect(await count(`orders(productId: "${productId}")`)).toBe(5);
    expect(await count(`orders(productId: "${productId}", status: PAID)`)).toBe(4);
    expect(await count(`orders(productId: "${productId}", status: PENDING)`)).toBe(1);
    expect(await count(`orders(productId: "${productId}", status: EXPIRED)`)).toBe(0);
    const { nodes } = await as(
      `{ orders(status: PENDING) { nodes { id product { id } totalAmount { amount } refunds { id } } } }`,
    );
    expect(nodes).toEqual([
      {
        id: holds[4]!.orderId,
        product: { id: productId },
        totalAmount: { amount: '29.99' },
        refunds: [],
      },
    ]);
  });

  test('holds are filtered by status, product and customer, without their tokens', async () => {
    const fields = 'id productId quantity customerId status createdAt expiresAt';
    const { nodes } = await as(`{ holds(status: ACTIVE) { nodes { ${fields} } } }`);
    const withToken = await send(server.url, '{ holds { nodes { token } } }', {}, AS_ADMIN);

    expect(nodes.map(({ id }: { id: string }) => id)).toEqual([holds[6]!.id, holds[5]!.id]);
    expect(nodes[0]).toMatchObject({
      productId,
      quantity: 1,
      customerId: 'buyer 0',
      status: 'ACTIVE',
    });
    expect(await count('holds(customerId: "buyer 1")')).toBe(3);
    expect(await count('holds(customerId: "buyer 1", status: CONVERTED)')).toBe(2);
    expect(await count('holds(customerId: "")')).toBe(0);
    expect(withToken.status).toBe(400);
  });

  test('a hold is listed as EXPIRED from its deadline on', async () => {
    await server.database.rows('update holds set expires_at = shop_clock() where status = $1', [
      'ACTIVE',
    ]);

    expect(await count('holds(status: ACTIVE)')).toBe(0);
    const { nodes } = await as('{ holds(status: EXPIRED) { nodes { status } } }');
    expect(nodes).toEqual([{ status: 'EXPIRED' }, { status: 'EXPIRED' }]);
  });

  test('payment events are filtered by status and order, refunds by status', async () => {
    const { orderId } = holds[0]!;
    expect(await count(`paymentEvents(orderId: "${orderId}")`)).toBe(2);
    expect(await count(`paymentEvents(orderId: "${orderId.toUpperCase()}", status: APPLIED)`)).toBe(
      1,
    );
    expect(await count('paymentEvents(status: REFUND_REQUIRED)')).toBe(2);
    expect(await count('paymentEvents(status: DEAD)')).toBe(0);
    expect(await count('refunds(status: OPEN)')).toBe(2);
    expect(await count('refunds(status: RESOLVED)')).toBe(0);
  });

  test('a filter that no row can match gives an empty list', async () => {
    for (const id of ['0', '-1', 'x', '2147483648', '1e3', randomUUID(), "1' or '1'='1"]) {
      expect(await count(`orders(productId: ${JSON.stringify(id)})`)).toBe(0);
      expect(await count(`holds(productId: ${JSON.stringify(id)})`)).toBe(0);
      expect(await count(`paymentEvents(orderId: ${JSON.stringify(id)})`)).toBe(0);
      expect(await count(`stockMovements(productId: ${JSON.stringify(id)})`)).toBe(0);
    }
  });

  test('a customer id with NUL is refused, and a null filter is no filter', async () => {
    const { errors } = await send(
      server.url,
      'query ($customerId: String) { holds(customerId: $customerId) { totalCount } }',
      { customerId: 'a\u0000b' },
      AS_ADMIN,
    );
    const all = await count('holds(customerId: null, status: null, productId: null, after: null)');

    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(all).toBe(7);
  });
});

describe('without the admin token', () => {
  const OPERATIONS: readonly [name: string, operation: string][] = [
    [
      'createProduct',
      'mutation { createProduct(input: { name: "x", price: "1", currency: "USD", totalStock: 1 }) { id } }',
    ],
    ['updateProduct', 'mutation { updateProduct(input: { id: "1", name: "x" }) { __typename } }'],
    [
      'adjustStock',
      'mutation { adjustStock(input: { productId: "1", delta: 1, reason: "x" }) { __typename } }',
    ],
    [
      'adminCancelOrder',
      `mutation { adminCancelOrder(orderId: "${randomUUID()}", reason: "x") { __typename } }`,
    ],
    ['replayPaymentEvent', `mutation { replayPaymentEvent(id: "${randomUUID()}") { __typename } }`],
    [
      'resolveRefund',
      `mutation { resolveRefund(id: "${randomUUID()}", note: "x") { __typename } }`,
    ],
    ['reconcile', 'mutation { reconcile { balanced } }'],
    ['adminOrder', `{ adminOrder(id: "${randomUUID()}") { id } }`],
    ['orders', '{ orders { totalCount } }'],
    ['holds', '{ holds { totalCount } }'],
    ['paymentEvents', '{ paymentEvents { totalCount } }'],
    ['refunds', '{ refunds { totalCount } }'],
    ['events', '{ events { totalCount } }'],
    ['stockMovements', '{ stockMovements(productId: "1") { totalCount } }'],
    ['stockAudit', '{ stockAudit(productId: "1") { balanced } }'],
  ];

  test.each(OPERATIONS)(
    '%s is refused, and the attempt is in the audit log',
    async (name, operation) => {
      const buyer = { authorization: `Bearer ${holds[0]!.token}` };
      const near = { authorization: `Bearer ${ADMIN_TOKEN.slice(0, -1)}` };
      const tries = () =>
        server.database.rows<{ act: string }>(
          "select actor, address, outcome, asked, before, after, times from operator_acts where outcome = 'DENIED' and act = $1",
          [name],
        );

      for (const headers of [{}, buyer, near]) {
        const { status, data, errors } = await send(server.url, operation, {}, headers);
        expect(status).toBeLessThan(500);
        expect(Object.values(data ?? {}).filter(Boolean)).toEqual([]);
        expect(errors).toMatchObject([
          {
            message: 'This operation requires the admin token.',
            extensions: { code: 'UNAUTHENTICATED' },
          },
        ]);
      }

      expect(await tries()).toEqual(
        Array(3).fill({
          actor: 'unauthorized',
          address: expect.stringContaining('127.0.0.1'),
          outcome: 'DENIED',
          asked: null,
          before: null,
          after: null,
          times: 1,
        }),
      );
      const [dump] = await server.database.rows<{ text: string }>(
        'select string_agg(a::text, $1) as text from operator_acts a',
        ['\n'],
      );
      for (const secret of [holds[0]!.token, ADMIN_TOKEN.slice(0, -1)])
        expect(dump!.text).not.toContain(secret);
    },
  );
});
