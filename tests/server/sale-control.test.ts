import { releaseHold } from '../../src/shop/purchases/release-hold.ts';
import { AS_ADMIN, ask, CREATE_HOLD, REFUSAL, send } from '../support/graphql-client.ts';
import { deliver, hold, order, payment, tokenOf } from '../support/buyer.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, moveClock, openSession, until } from '../support/shop.ts';

/*
 * What an admin and a storefront see of a sale beside its stock: the pause, the picture, when it sold out,
 * and its course over time.
 */

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterEach(() => moveClock(server.database, 0));

afterAll(() => server.stop());

const PAUSE = `mutation ($id: ID!, $paused: Boolean!) { setSalePaused(productId: $id, paused: $paused) {
  __typename ... on Product { id saleStatus updatedAt } ${REFUSAL} } }`;

const pause = (id: number | string, paused: boolean) =>
  ask(server.url, PAUSE, { id: String(id), paused }, AS_ADMIN);

const createHold = (productId: number) =>
  ask(server.url, CREATE_HOLD, { input: { productId: String(productId) } });

describe('a pause', () => {
  test('stops new holds, and lets holds and orders go on', async () => {
    const productId = await makeProduct(server.shop);
    const made = await hold(server.shop, productId);

    expect(await pause(productId, true)).toMatchObject({
      __typename: 'Product',
      saleStatus: 'PAUSED',
    });
    expect(await createHold(productId)).toMatchObject({
      __typename: 'SaleNotOpen',
      saleStatus: 'PAUSED',
      message: 'The sale is paused.',
      retryable: true,
      opensInMs: null,
    });
    const { id } = await order(server.shop, made);
    await deliver(server.shop, payment(id));
    expect(
      await ask(server.url, '{ product(id: "' + productId + '") { saleStatus soldStock } }'),
    ).toEqual({ saleStatus: 'PAUSED', soldStock: 1 });

    expect(await pause(productId, false)).toMatchObject({ saleStatus: 'LIVE' });
    expect(await createHold(productId)).toMatchObject({ __typename: 'Hold' });
  });

  test('repeated changes nothing, and each call is in the audit log', async () => {
    const productId = await makeProduct(server.shop);
    const first = await pause(productId, true);

    expect(await pause(productId, true)).toEqual(first);
    expect(
      await server.database.rows(
        "select outcome, after->>'salePaused' as paused from operator_acts where act = 'setSalePaused' and asked->>'id' = $1",
        [String(productId)],
      ),
    ).toEqual([
      { outcome: 'DONE', paused: 'true' },
      { outcome: 'DONE', paused: 'true' },
    ]);
  });

  test('of a sale that has ended leaves it ended; before its start it is paused', async () => {
    const day = 24 * 3600_000;
    const ended = await makeProduct(server.shop, { saleEndsAt: new Date(Date.now() - day) });
    const upcoming = await makeProduct(server.shop, { saleStartsAt: new Date(Date.now() + day) });

    expect(await pause(ended, true)).toMatchObject({ saleStatus: 'ENDED' });
    expect(await pause(upcoming, true)).toMatchObject({ saleStatus: 'PAUSED' });
  });

  test.each(['0', '999999999', 'x'])('of the unknown product %s is refused', async (id) => {
    expect(await pause(id, true)).toMatchObject({ code: 'PRODUCT_NOT_FOUND', retryable: false });
  });

  test('answers Busy while the stock row is locked, and changes nothing', async () => {
    const productId = await makeProduct(server.shop);
    await using session = await openSession(server.databaseUrl);
    await session.query('begin');
    await session.query('select from stock_levels where product_id = $1 for update', [productId]);

    expect(await pause(productId, true)).toMatchObject({ __typename: 'Busy', retryable: true });

    await session.query('rollback');
    expect(await createHold(productId)).toMatchObject({ __typename: 'Hold' });
  });

  test('needs the admin token', async () => {
    const { errors } = await send(server.url, PAUSE, { id: '1', paused: true });

    expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
  });

  test('is a filter of the list of products', async () => {
    const productId = await makeProduct(server.shop);
    await pause(productId, true);
    const ids = async (status: string): Promise<string[]> =>
      (
        await ask(server.url, `{ products(first: 100, saleStatus: ${status}) { nodes { id } } }`)
      ).nodes.map(({ id }: { id: string }) => id);

    expect(await ids('PAUSED')).toContain(String(productId));
    for (const other of ['LIVE', 'UPCOMING', 'ENDED'])
      expect(await ids(other)).not.toContain(String(productId));
  });
});

describe('a picture', () => {
  const UPDATE = `mutation ($input: UpdateProductInput!) { updateProduct(input: $input) {
    ... on Product { imageUrl } } }`;

  test('is set, changed, kept and removed', async () => {
    const created = await ask(
      server.url,
      'mutation ($input: CreateProductInput!) { createProduct(input: $input) { id imageUrl } }',
      {
        input: {
          name: 'With a picture',
          price: '1.00',
          currency: 'EUR',
          totalStock: 1,
          imageUrl: 'https://example.org/a.png',
        },
      },
      AS_ADMIN,
    );
    const update = (change: object) =>
      ask(server.url, UPDATE, { input: { id: created.id, ...change } }, AS_ADMIN);

    expect(created.imageUrl).toBe('https://example.org/a.png');
    expect(await update({ name: 'Same picture' })).toEqual({
      imageUrl: 'https://example.org/a.png',
    });
    expect(await update({ imageUrl: 'https://example.org/b.png' })).toEqual({
      imageUrl: 'https://example.org/b.png',
    });
    expect(await update({ imageUrl: null })).toEqual({ imageUrl: null });
  });

  test.each([
    'http://example.org/a.png',
    'javascript:alert(1)',
    'data:image/png;base64,AA==',
    '/a.png',
    '',
    'https://user:secret@example.org/a.png',
    'https://example.org/\0',
    `https://example.org/${'x'.repeat(2029)}`,
  ])('at %s is refused', async (imageUrl) => {
    const productId = await makeProduct(server.shop);

    const { errors } = await send(
      server.url,
      UPDATE,
      { input: { id: String(productId), imageUrl } },
      AS_ADMIN,
    );

    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(errors![0]!.message).toMatch(/imageUrl/);
  });
});

test('soldOutAt is the instant of the last unit while none is available', async () => {
  const productId = await makeProduct(server.shop, { totalStock: 2 });
  const soldOutAt = async (): Promise<string | null> =>
    (await ask(server.url, `{ product(id: "${productId}") { soldOutAt availableStock } }`))
      .soldOutAt;
  await hold(server.shop, productId);
  expect(await soldOutAt()).toBeNull();

  const last = await hold(server.shop, productId);
  // Another server sold it: this one reads it within a second.
  const at = await until('the last unit', soldOutAt);
  expect(Math.abs(Date.parse(at!) - last.createdAt.getTime())).toBeLessThan(1000);
  // Held or sold, no unit became available.
  await deliver(server.shop, payment((await order(server.shop, last)).id));
  expect(await soldOutAt()).toBe(at);

  await ask(
    server.url,
    'mutation ($input: AdjustStockInput!) { adjustStock(input: $input) { __typename } }',
    { input: { productId: String(productId), delta: 1, reason: 'more' } },
    AS_ADMIN,
  );
  expect(await soldOutAt()).toBeNull();
});

describe('the timeline', () => {
  const TIMELINE = `query ($id: ID!, $from: DateTime!, $to: DateTime!, $step: Float) {
    saleTimeline(productId: $id, from: $from, to: $to, stepSeconds: $step) {
      at available held sold unitsHeld unitsReleased unitsExpired unitsSold revenue } }`;
  const START = Date.parse('2100-01-01T00:00:00Z');
  const at = (seconds: number) => new Date(START + seconds * 1000).toISOString();
  const timeline = (id: number | string, from: string, to: string, step?: number) =>
    send(server.url, TIMELINE, { id: String(id), from, to, step }, AS_ADMIN);
  const moveTo = (seconds: number) =>
    moveClock(server.database, START + seconds * 1000 - Date.now());

  test('has the counters at the end of each step, and what moved in it', async () => {
    await moveTo(-60);
    const productId = await makeProduct(server.shop, { totalStock: 10, price: '2.50' });
    await moveTo(10);
    const first = await hold(server.shop, productId, { quantity: 3 });
    const second = await hold(server.shop, productId, { quantity: 2 });
    await moveTo(30);
    await deliver(server.shop, payment((await order(server.shop, first)).id, { amount: '7.50' }));
    await releaseHold(server.shop, tokenOf(server.shop, second));

    const { data } = await timeline(productId, at(0), at(60), 20);

    expect(data!['saleTimeline']).toEqual([
      {
        at: at(20),
        available: 5,
        held: 5,
        sold: 0,
        unitsHeld: 5,
        unitsReleased: 0,
        unitsExpired: 0,
        unitsSold: 0,
        revenue: '0.00',
      },
      {
        at: at(40),
        available: 7,
        held: 0,
        sold: 3,
        unitsHeld: 0,
        unitsReleased: 2,
        unitsExpired: 0,
        unitsSold: 3,
        revenue: '7.50',
      },
      {
        at: at(60),
        available: 7,
        held: 0,
        sold: 3,
        unitsHeld: 0,
        unitsReleased: 0,
        unitsExpired: 0,
        unitsSold: 0,
        revenue: '0.00',
      },
    ]);
  });

  test('is empty for an unknown product', async () => {
    for (const id of ['999999999', 'x'])
      expect((await timeline(id, at(0), at(1))).data).toEqual({ saleTimeline: [] });
  });

  test('has at most 1,000 points', async () => {
    const productId = await makeProduct(server.shop);

    const { data } = await timeline(productId, at(0), at(1000));
    expect(data!['saleTimeline']).toHaveLength(1000);
    for (const [from, to, step] of [
      [at(0), at(1000.001), 1],
      [at(1), at(1), 1],
      [at(2), at(1), 1],
      [at(0), at(1), 0],
      [at(0), at(1), -1],
      [at(0), at(1), 0.0001],
    ] as const) {
      const { errors } = await timeline(productId, from, to, step);
      expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    }
  });

  test('needs the admin token', async () => {
    const { errors } = await send(server.url, TIMELINE, { id: '1', from: at(0), to: at(1) });

    expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
  });
});
