import { randomUUID } from 'node:crypto';
import { AS_ADMIN, ask, CREATE_HOLD, CREATE_ORDER, send } from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, until } from '../support/shop.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.stop());

const as = (query: string, variables: object = {}) => ask(server.url, query, variables, AS_ADMIN);

const STATUS = `{ shopStatus { now activeHolds pendingOrders openRefunds { count oldestSeconds } dead { count }
  parked { count } withoutOrder { count } deliveries { count } sweepLagSeconds stockLockSeconds
  lastReconciliation { at balanced findings } holdAnswers { processId held refused { code count } } } }`;

const STORY = `query ($id: ID!) { orderStory(id: $id) { hold { id orderId status } order { status refunds { reason status } }
  paymentEvents { status } events { type orderId } } }`;

async function buy(productId: number, input: object = {}) {
  return ask(server.url, CREATE_HOLD, { input: { productId: String(productId), ...input } });
}

describe('shopStatus', () => {
  test('counts the answers to requests for holds, refusals by code', async () => {
    const productId = await makeProduct(server.shop, { totalStock: 2 });
    const before = await as(STATUS);
    await buy(productId, { quantity: 2 });
    await buy(productId);
    await buy(productId);
    const after = await as(STATUS);

    const refusedOf = ({ holdAnswers }: typeof after) =>
      holdAnswers.refused.find(({ code }: { code: string }) => code === 'INSUFFICIENT_STOCK')
        ?.count ?? 0;
    expect(after.holdAnswers.processId).toBe(before.holdAnswers.processId);
    expect(after.holdAnswers.held - before.holdAnswers.held).toBe(1);
    expect(refusedOf(after) - refusedOf(before)).toBe(2);
    expect(after.activeHolds - before.activeHolds).toBe(1);
  });

  test('shows how long another session has locked stock', async () => {
    const productId = await makeProduct(server.shop);
    await server.database.sessions.use(async (session) => {
      await session.query('begin', []);
      await session.query('select 1 from stock_levels where product_id = $1 for update', [
        productId,
      ]);
      // Longer than any batch of this server, which locks stock for milliseconds.
      await until('the age of the lock', async () => (await as(STATUS)).stockLockSeconds > 0.5);
      await session.query('rollback', []);
    });
    await until('its end', async () => (await as(STATUS)).stockLockSeconds < 0.5);
  });

  test('has the last recorded reconciliation', async () => {
    expect((await as(STATUS)).lastReconciliation).toBeNull();
    await as('mutation { reconcile { balanced } }');
    expect((await as(STATUS)).lastReconciliation).toMatchObject({ balanced: true, findings: 0 });
  });

  test('requires the admin token', async () => {
    const { errors } = await send(server.url, STATUS);
    expect(errors?.[0]?.extensions?.['code']).toBe('UNAUTHENTICATED');
  });
});

describe('orderStory', () => {
  test('has the hold, the order, its payments, its refunds and its events, by order and by hold', async () => {
    const productId = await makeProduct(server.shop, { totalStock: 5 });
    const { id, orderId, token } = await buy(productId);
    await ask(server.url, CREATE_ORDER, { token });
    await deliver(server.url, success(orderId));
    await deliver(server.url, success(orderId));

    const story = await as(STORY, { id: orderId });
    expect(story).toEqual({
      hold: { id, orderId, status: 'CONVERTED' },
      order: { status: 'PAID', refunds: [{ reason: 'DUPLICATE_PAYMENT', status: 'OPEN' }] },
      paymentEvents: [{ status: 'APPLIED' }, { status: 'REFUND_REQUIRED' }],
      events: [
        { type: 'ORDER_PAID', orderId },
        { type: 'REFUND_OPENED', orderId },
      ],
    });
    expect(await as(STORY, { id })).toEqual(story);
  });

  test('begins with a hold that has no order', async () => {
    const { id } = await buy(await makeProduct(server.shop));
    expect(await as(STORY, { id })).toMatchObject({ hold: { id }, order: null, events: [] });
  });

  test('shows a payment whose order never existed', async () => {
    const orderId = randomUUID();
    await deliver(server.url, success(orderId));
    expect(await as(STORY, { id: orderId })).toMatchObject({ hold: null, paymentEvents: [{}] });
  });

  test.each([randomUUID(), 'no id', ''])('is null for the unknown id "%s"', async (id) => {
    expect(await as(STORY, { id })).toBeNull();
  });
});

describe('auditLog', () => {
  const LOG = `query ($action: String, $outcome: String, $after: String, $first: Int! = 20) {
    auditLog(action: $action, outcome: $outcome, after: $after, first: $first) {
      nodes { id at actor address action outcome arguments before after times }
      pageInfo { hasNextPage endCursor } totalCount } }`;

  test('lists operations newest first, with arguments and rows as JSON', async () => {
    const productId = String(await makeProduct(server.shop, { totalStock: 5 }));
    const input = { productId, delta: 3, reason: 'more' };
    await as('mutation ($input: AdjustStockInput!) { adjustStock(input: $input) { __typename } }', {
      input,
    });
    const { nodes } = await as(LOG, { action: 'adjustStock', first: 1 });

    expect(nodes).toEqual([
      expect.objectContaining({
        actor: 'admin token',
        action: 'adjustStock',
        outcome: 'DONE',
        times: 1,
      }),
    ]);
    expect(JSON.parse(nodes[0].arguments)).toMatchObject({ delta: 3, reason: 'more' });
    expect(JSON.parse(nodes[0].before).total).toBe(5);
    expect(JSON.parse(nodes[0].after).total).toBe(8);
  });

  test('lists attempts without the token, filtered by outcome, in pages', async () => {
    await send(server.url, LOG);
    await send(server.url, LOG);
    const first = await as(LOG, { outcome: 'DENIED', first: 1 });
    const second = await as(LOG, {
      outcome: 'DENIED',
      first: 1,
      after: first.pageInfo.endCursor,
    });

    expect(first.nodes[0]).toMatchObject({
      actor: 'unauthorized',
      action: 'auditLog',
      arguments: null,
    });
    expect(first.totalCount).toBeGreaterThanOrEqual(2);
    expect(second.nodes[0].id < first.nodes[0].id).toBe(true);
  });

  test('refuses a cursor of another list and text that Postgres cannot store', async () => {
    for (const variables of [{ after: 'x' }, { action: 'a\0' }, { first: 0 }, { first: 101 }]) {
      const { errors } = await send(server.url, LOG, variables, AS_ADMIN);
      expect(errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
    }
  });
});

test('holds are filtered by the time of their creation', async () => {
  const productId = String(await makeProduct(server.shop));
  const { id, createdAt } = await buy(Number(productId), {}).then(
    async (hold) =>
      (
        await as('query ($id: ID!) { orderStory(id: $id) { hold { id createdAt } } }', {
          id: hold.id,
        })
      ).hold,
  );
  const LIST = `query ($productId: ID, $from: DateTime, $to: DateTime) {
    holds(productId: $productId, createdAfter: $from, createdBefore: $to) { nodes { id } } }`;

  expect((await as(LIST, { productId, from: createdAt })).nodes).toEqual([{ id }]);
  expect((await as(LIST, { productId, to: createdAt })).nodes).toEqual([]);
});
