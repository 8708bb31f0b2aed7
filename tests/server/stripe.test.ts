import { createHmac } from 'node:crypto';
import Stripe from 'stripe';
import { hold, order, tokenOf } from '../support/buyer.ts';
import { findOrder } from '../../src/shop/purchases/reads/find-purchases.ts';
import { findRefunds } from '../../src/shop/payments/list-payments.ts';
import { ShopMetrics } from '../../src/server/metrics/shop-metrics.ts';
import { readFigures } from '../../src/shop/reconciliation/read-figures.ts';
import { AS_ADMIN, ask } from '../support/graphql-client.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { newId } from '../../src/lib/ids.ts';
import { makeProduct, moveClock, until } from '../support/shop.ts';

const SECRETS = [
  'whsec_the_new_secret_of_the_endpoint',
  'whsec_the_old_secret_of_the_endpoint',
] as const;
const PATH = '/api/payments/webhook/stripe';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ STRIPE_WEBHOOK_SECRETS: SECRETS.join(',') });
});

afterEach(() => moveClock(server.database, 0));

afterAll(() => server.stop());

let count = 0;

/** An event as Stripe sends it; `intent` overrides fields of the payment intent. */
function stripeEvent(
  type: string,
  intent: object,
  id = `evt_${(count += 1)}`,
  livemode = true,
): string {
  const object = {
    id: `pi_${id}`,
    object: 'payment_intent',
    amount: 2999,
    amount_received: 2999,
    currency: 'usd',
    ...intent,
  };
  return JSON.stringify({ id, object: 'event', type, livemode, data: { object } }, null, 2);
}

const seconds = () => Math.floor(performance.timeOrigin / 1000 + performance.now() / 1000);

/** Delivers a payload with Stripe's own signature. */
async function deliver(
  payload: string,
  { url = server.url, secret = SECRETS[0] as string, timestamp = seconds(), signed = payload } = {},
) {
  const signature = Stripe.webhooks.generateTestHeaderString({
    payload: signed,
    secret,
    timestamp,
  });
  const response = await fetch(url + PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'stripe-signature': signature },
    body: payload,
  });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, replayed: response.headers.get('idempotent-replayed'), body };
}

async function pendingOrder(price = '29.99', currency = 'USD') {
  const { shop } = server;
  const made = await hold(shop, await makeProduct(shop, { price, currency }));
  await order(shop, made);
  return { orderId: made.orderId, find: () => findOrder(shop, tokenOf(shop, made)) };
}

test('a succeeded payment intent pays the order in its metadata, once', async () => {
  const { orderId, find } = await pendingOrder();
  const payload = stripeEvent(
    'payment_intent.succeeded',
    { metadata: { order_id: orderId } },
    'evt_paid',
  );

  const first = await deliver(payload);
  const again = await deliver(payload, { secret: SECRETS[1] });

  expect(first).toMatchObject({
    status: 200,
    replayed: null,
    body: {
      outcome: 'applied',
      idempotency_key: 'evt_paid',
      payment_id: 'pi_evt_paid',
      order_status: 'paid',
    },
  });
  expect(again).toMatchObject({ status: 200, replayed: 'true', body: first.body });
  expect(await find()).toMatchObject({
    status: 'PAID',
    paymentId: 'pi_evt_paid',
    paymentProvider: 'stripe',
  });
});

test('a failed or canceled payment intent keeps the order pending', async () => {
  const { orderId, find } = await pendingOrder();

  const failed = await deliver(
    stripeEvent('payment_intent.payment_failed', {
      metadata: { order_id: orderId },
      amount_received: 0,
    }),
  );
  const canceled = await deliver(
    stripeEvent('payment_intent.canceled', { metadata: { order_id: orderId }, amount_received: 0 }),
  );

  expect([failed.body['outcome'], canceled.body['outcome']]).toEqual(['applied', 'applied']);
  expect((await find())!.status).toBe('PENDING');
});

test('amounts are read in the smallest unit of their currency', async () => {
  const orders = [
    await pendingOrder('1500', 'JPY'),
    await pendingOrder('1.500', 'KWD'),
    await pendingOrder('15.00', 'EUR'),
  ];

  const outcomes = [];
  for (const [position, currency] of ['jpy', 'kwd', 'eur'].entries()) {
    const { orderId } = orders[position]!;
    const answer = await deliver(
      stripeEvent('payment_intent.succeeded', {
        amount_received: 1500,
        currency,
        metadata: { order_id: orderId },
      }),
    );
    outcomes.push(answer.body['outcome']);
  }

  expect(outcomes).toEqual(['applied', 'applied', 'applied']);
});

test('the received amount counts, not the requested one', async () => {
  const { orderId, find } = await pendingOrder();

  const partial = await deliver(
    stripeEvent('payment_intent.succeeded', {
      amount: 2999,
      amount_received: 1000,
      metadata: { order_id: orderId },
    }),
  );

  expect(partial.body['outcome']).toBe('refund_required');
  expect((await find())!.status).toBe('PENDING');
  expect(await findRefunds(server.shop, [orderId])).toMatchObject([
    { amount: '10.00', reason: 'AMOUNT_MISMATCH' },
  ]);
});

test('other events, and those without a usable order, are recorded and ignored', async () => {
  const answers = [
    await deliver(stripeEvent('charge.refunded', { metadata: { order_id: 'x' } })),
    await deliver(stripeEvent('payment_intent.succeeded', {})),
    await deliver(
      stripeEvent('payment_intent.succeeded', { metadata: { order_id: 'not a uuid' } }),
    ),
    await deliver(stripeEvent('payment_intent.succeeded', { metadata: null })),
  ];

  expect(answers).toEqual(
    answers.map(() =>
      expect.objectContaining({
        status: 200,
        body: expect.objectContaining({ outcome: 'ignored', order_id: null }),
      }),
    ),
  );
  const kept = await server.database.rows(
    "select from payment_events where provider = 'stripe' and order_id is null",
    [],
  );
  expect(kept).toHaveLength(4);
});

const LISTED = `query ($withoutOrder: Boolean!) { paymentEvents(first: 100, withoutOrder: $withoutOrder) {
  totalCount nodes { idempotencyKey paymentId orderId reportedStatus amount unreadableAmount currency
    status reason } } }`;

const listed = (withoutOrder = true) => ask(server.url, LISTED, { withoutOrder }, AS_ADMIN);

test.each([
  ['no metadata', {}],
  ['metadata of null', { metadata: null }],
  ['empty metadata', { metadata: {} }],
  ['an empty order id', { metadata: { order_id: '' } }],
  ['an order id of another form', { metadata: { order_id: '42' } }],
  ['an order id with a space', { metadata: { order_id: '018f0000-0000-7000-8000-000000000000 ' } }],
  ['an order id of braces', { metadata: { order_id: '{018f0000-0000-7000-8000-000000000000}' } }],
  ['an order id that is a number', { metadata: { order_id: 42 } }],
  ['another metadata key', { metadata: { orderId: '018f0000-0000-7000-8000-000000000000' } }],
])(
  'a payment with %s is recorded with its amount and listed as without an order',
  async (_what, intent) => {
    const id = `evt_lost_${(count += 1)}`;

    const answer = await deliver(stripeEvent('payment_intent.succeeded', intent, id));
    const { nodes } = await listed();

    expect(answer).toMatchObject({ status: 200, body: { outcome: 'ignored', order_id: null } });
    expect(answer.body['message']).toMatch(/^Money without an order: metadata\.order_id /);
    expect(nodes[0]).toEqual({
      idempotencyKey: id,
      paymentId: `pi_${id}`,
      orderId: null,
      reportedStatus: 'success',
      amount: '29.99',
      unreadableAmount: null,
      currency: 'USD',
      status: 'IGNORED',
      reason: expect.stringMatching(/^Money without an order: /),
    });
  },
);

test('a payment without a payment intent is listed as money without an order, with an order id too', async () => {
  const metadata = { order_id: '018f0000-0000-7000-8000-000000000000' };

  const answer = await deliver(
    stripeEvent('payment_intent.succeeded', { id: null, metadata }, 'evt_no_intent'),
  );
  const { nodes } = await listed();

  expect(answer).toMatchObject({ status: 200, body: { outcome: 'ignored', order_id: null } });
  expect(nodes[0]).toMatchObject({
    idempotencyKey: 'evt_no_intent',
    amount: '29.99',
    currency: 'USD',
    reason: 'Money without an order: the event names no payment intent.',
  });
});

test('a failed attempt without an order, and another type, are recorded but are not payments without an order', async () => {
  const before = (await listed()).totalCount;

  await deliver(stripeEvent('payment_intent.payment_failed', {}, 'evt_failed_lost'));
  await deliver(stripeEvent('payment_intent.created', {}, 'evt_created'));
  const { nodes } = await listed(false);

  expect((await listed()).totalCount).toBe(before);
  expect(nodes.slice(0, 2)).toMatchObject([
    { idempotencyKey: 'evt_created', reportedStatus: 'payment_intent.created', amount: null },
    { idempotencyKey: 'evt_failed_lost', reportedStatus: 'failed', amount: '29.99' },
  ]);
});

test('figures and metrics count payments without an order', async () => {
  const before = (await readFigures(server.shop)).withoutOrder.count;
  await deliver(stripeEvent('payment_intent.succeeded', {}));

  const { withoutOrder } = await readFigures(server.shop);
  const text = await new ShopMetrics(() => readFigures(server.shop)).text();

  expect(withoutOrder.count).toBe(before + 1);
  expect(text).toContain(`flashsale_payments_without_order ${before + 1}\n`);
});

test('only payments without an order of the last 24 hours cause an alert', async () => {
  const before = (await readFigures(server.shop)).withoutOrderLastDay;
  await deliver(stripeEvent('payment_intent.succeeded', {}));

  const now = await readFigures(server.shop);
  const text = await new ShopMetrics(async () => now).text();
  await moveClock(server.database, 24 * 3600_000 + 60_000);
  const aDayLater = await readFigures(server.shop);

  expect(now.withoutOrderLastDay).toBe(before + 1);
  expect(text).toContain(`flashsale_payments_without_order_last_day ${before + 1}\n`);
  expect(aDayLater.withoutOrderLastDay).toBe(0);
  expect(aDayLater.withoutOrder.count).toBe(now.withoutOrder.count);
});

describe('an event that was recorded without effect, and now has one', () => {
  /** Records an event as an earlier version did: by its type alone, without its money. */
  async function recordAsBefore(id: string, payload: string, status = 'IGNORED'): Promise<string> {
    const body = JSON.stringify({ message: 'Recorded.', idempotency_key: id, outcome: 'ignored' });
    await server.database.rows(
      `insert into payment_events (id, provider, idempotency_key, payment_id, reported_status, status,
         counted, attempts, duplicates, received_at, settled_at, payload, headers, answer_status, answer_body)
       values ($1, 'stripe', $2, $3, 'payment_intent.succeeded', $5, false, 0, 0,
         shop_clock(), shop_clock(), $4, '{}', 200, $6)`,
      [newId(), id, `pi_${id}`, payload, status, body],
    );
    return body;
  }

  test.each([
    ['without an order', () => ({})],
    ['of a pending order', (orderId: string) => ({ metadata: { order_id: orderId } })],
  ])('is answered as the first time, %s', async (_what, intentOf) => {
    const { orderId, find } = await pendingOrder();
    const id = `evt_before_${(count += 1)}`;
    const payload = stripeEvent('payment_intent.succeeded', intentOf(orderId), id);
    const body = await recordAsBefore(id, payload);

    const same = await deliver(payload);
    const spaced = await deliver(JSON.stringify({ ...JSON.parse(payload), pending_webhooks: 0 }));

    expect([same, spaced]).toEqual(
      Array(2).fill({ status: 200, replayed: 'true', body: JSON.parse(body) }),
    );
    expect((await find())!.status).toBe('PENDING');
    const [row] = await server.database.rows<{ duplicates: number }>(
      'select duplicates from payment_events where idempotency_key = $1',
      [id],
    );
    expect(row!.duplicates).toBe(2);
  });

  test('is a conflict if its content differs', async () => {
    const id = `evt_before_${(count += 1)}`;
    await recordAsBefore(id, stripeEvent('payment_intent.succeeded', {}, id));
    const { orderId } = await pendingOrder();

    const answers = [
      await deliver(stripeEvent('payment_intent.succeeded', { amount_received: 1 }, id)),
      await deliver(
        stripeEvent('payment_intent.succeeded', { metadata: { order_id: orderId } }, id),
      ),
    ];

    expect(answers.map(({ status }) => status)).toEqual([422, 422]);
    expect(answers[0]!.body['error']).toBe('idempotency_key_reused');
  });

  test('is a conflict if its body is redacted or not an event', async () => {
    for (const stored of ['', 'not JSON', '[]', '{}']) {
      const id = `evt_before_${(count += 1)}`;
      await recordAsBefore(id, stored);

      const answer = await deliver(stripeEvent('payment_intent.succeeded', {}, id));

      expect(answer.status).toBe(422);
    }
  });
});

describe('amounts in Stripe’s smallest units', () => {
  test.each([
    ['JPY', 1500, '1500'],
    ['VND', 1500, '1500'],
    ['MGA', 1500, '1500.00'],
    ['ISK', 150_000, '1500'],
    ['UGX', 150_000, '1500'],
    ['HUF', 150_000, '1500.00'],
    ['TWD', 150_000, '1500.00'],
    ['KWD', 1500, '1.500'],
    ['TND', 1500, '1.500'],
    ['EUR', 1500, '15.00'],
  ])('%s %i pay an order of %s', async (currency, amount_received, price) => {
    const { orderId } = await pendingOrder(price, currency);

    const answer = await deliver(
      stripeEvent('payment_intent.succeeded', {
        amount_received,
        currency: currency.toLowerCase(),
        metadata: { order_id: orderId },
      }),
    );

    expect(answer.body).toMatchObject({ outcome: 'applied', order_status: 'paid' });
  });

  test('a payment in an unknown currency is refunded', async () => {
    const { orderId } = await pendingOrder();

    const answer = await deliver(
      stripeEvent('payment_intent.succeeded', { currency: 'zzz', metadata: { order_id: orderId } }),
    );

    expect(answer.body['outcome']).toBe('refund_required');
    expect(await findRefunds(server.shop, [orderId])).toMatchObject([
      { amount: '29.99', currency: 'ZZZ', reason: 'AMOUNT_MISMATCH' },
    ]);
  });

  test.each([1.5, -1, 1e21, '29.99', '2999', ''])(
    'an unreadable success of %j is recorded as a payment',
    async (amount_received) => {
      const { orderId, find } = await pendingOrder();

      const answer = await deliver(
        stripeEvent('payment_intent.succeeded', {
          amount_received,
          metadata: { order_id: orderId },
        }),
      );

      expect(answer).toMatchObject({ status: 200, body: { outcome: 'refund_required' } });
      expect((await find())!.status).toBe('PENDING');
      expect(await findRefunds(server.shop, [orderId])).toMatchObject([
        { amount: null, currency: null, reason: 'AMOUNT_MISMATCH' },
      ]);
    },
  );
});

describe('payments of Stripe’s test mode', () => {
  test('have an effect if they are allowed, as in development', async () => {
    const { orderId } = await pendingOrder();

    const answer = await deliver(
      stripeEvent(
        'payment_intent.succeeded',
        { metadata: { order_id: orderId } },
        undefined,
        false,
      ),
    );

    expect(answer.body['outcome']).toBe('applied');
  });

  test('are recorded and ignored if they are not allowed, and are not payments without an order', async () => {
    await using live = await startTestServer({
      DATABASE_URL: server.databaseUrl,
      STRIPE_WEBHOOK_SECRETS: SECRETS.join(','),
      STRIPE_ALLOW_TEST_MODE: 'false',
    });
    const { orderId, find } = await pendingOrder();
    const { url } = live;
    const intent = { metadata: { order_id: orderId } };
    const before = (await listed()).totalCount;

    const payload = stripeEvent('payment_intent.succeeded', intent, 'evt_test_mode', false);
    const answer = await deliver(payload, { url });
    const again = await deliver(payload, { url });
    await deliver(stripeEvent('payment_intent.succeeded', {}, undefined, false), { url });
    await deliver(
      stripeEvent('payment_intent.payment_failed', { ...intent, amount: 'x' }, undefined, false),
      { url },
    );
    const untouched = (await find())!.status;
    const real = await deliver(stripeEvent('payment_intent.succeeded', intent), { url });

    expect(answer).toMatchObject({ status: 200, body: { outcome: 'ignored' } });
    expect(answer.body['message']).toContain('STRIPE_ALLOW_TEST_MODE');
    expect(again).toMatchObject({ replayed: 'true', body: answer.body });
    expect(untouched).toBe('PENDING');
    const allowedNow = await deliver(payload);

    expect((await listed()).totalCount).toBe(before);
    expect(allowedNow).toMatchObject({ status: 200, replayed: 'true', body: answer.body });
    expect(real.body['outcome']).toBe('applied');
  });
});

test('a wrong, missing, stale or future signature is refused by the database’s clock', async () => {
  const payload = stripeEvent('payment_intent.succeeded', {});

  const answers = [
    await deliver(payload, { secret: 'whsec_another' }),
    await deliver(payload, { signed: payload.replace('2999', '2998') }),
    await deliver(payload, { timestamp: seconds() - 302 }),
    await deliver(payload, { timestamp: seconds() + 302 }),
  ];
  const unsigned = await fetch(server.url + PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: payload,
  });
  await moveClock(server.database, 3_600_000);
  // The server's estimate follows a step of the clock within three seconds.
  await until(
    'a refusal by the stepped clock',
    async () => (await deliver(payload)).status === 401,
  );
  const freshByDatabase = await deliver(payload, { timestamp: seconds() + 3600 });

  expect([...answers, { status: unsigned.status }].map(({ status }) => status)).toEqual(
    Array(5).fill(401),
  );
  expect(answers[0]!.body).toMatchObject({ error: 'bad_signature' });
  expect(freshByDatabase.status).toBe(200);
});

test('an old signature does not become valid with a second timestamp', async () => {
  const payload = stripeEvent('payment_intent.succeeded', {});
  const old = Stripe.webhooks.generateTestHeaderString({
    payload,
    secret: SECRETS[0],
    timestamp: seconds() - 86_400,
  });

  const statuses = [];
  for (const signature of [`t=${seconds()},${old}`, `${old},t=${seconds()}`]) {
    const { status } = await fetch(server.url + PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'stripe-signature': signature },
      body: payload,
    });
    statuses.push(status);
  }

  expect(statuses).toEqual([401, 401]);
});

test('a Stripe body that is not UTF-8 is malformed with a valid signature, else refused', async () => {
  const event = stripeEvent('payment_intent.succeeded', {});
  const timestamp = seconds();
  const send = async (body: Buffer, signed: Buffer | string) => {
    const hmac = createHmac('sha256', SECRETS[0]).update(`${timestamp}.`).update(signed);
    const { status } = await fetch(server.url + PATH, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'stripe-signature': `t=${timestamp},v1=${hmac.digest('hex')}`,
      },
      body: Uint8Array.from(body),
    });
    return status;
  };
  const notUtf8 = Buffer.from(event.replace('usd', '\xff'), 'latin1');
  const marked = Buffer.from(`\ufeff${event}`);

  expect([await send(notUtf8, notUtf8), await send(notUtf8, notUtf8.toString())]).toEqual([
    400, 401,
  ]);
  expect([await send(marked, marked), await send(marked, event)]).toEqual([400, 401]);
});

test('malformed events are refused with a clear error', async () => {
  const statuses = [];
  for (const payload of [
    '[]',
    'not json',
    '{}',
    stripeEvent('payment_intent.payment_failed', {
      amount: 1.5,
      metadata: { order_id: '018f0000-0000-7000-8000-000000000000' },
    }),
  ]) {
    statuses.push((await deliver(payload)).status);
  }

  expect(statuses).toEqual([400, 400, 422, 422]);
});

test('Stripe’s route is off until its secrets are set', async () => {
  await using without = await startTestServer();

  const response = await fetch(without.url + PATH, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  });

  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ error: 'not_found' });
});

test('in production with Stripe alone its webhook is on, and the other one is off', async () => {
  await using alone = await startTestServer({
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    ALLOW_DATA_LOSS: 'true',
    STRIPE_WEBHOOK_SECRETS: SECRETS[0],
  });
  const post = (path: string) =>
    fetch(alone.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });

  const ours = await post('/api/payments/webhook');
  const asked = await fetch(`${alone.url}/api/payments/webhook`);
  const stripes = await post(PATH);

  expect([ours.status, asked.status, stripes.status]).toEqual([404, 404, 401]);
  expect(await ours.json()).toMatchObject({ error: 'not_found' });
});

test('with Stripe’s secrets alone a development server on loopback accepts unsigned events', async () => {
  const response = await fetch(`${server.url}/api/payments/webhook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });

  expect(response.status).toBe(422);
});
