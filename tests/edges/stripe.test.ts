import { createHmac } from 'node:crypto';
import Stripe from 'stripe';
import { hold, order, tokenOf } from '../support/buyer.ts';
import { findOrder } from '../../src/orders/find-orders.ts';
import { findRefunds } from '../../src/payments/find-refunds.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, moveClock } from '../support/shop.ts';

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
function stripeEvent(type: string, intent: object, id = `evt_${(count += 1)}`): string {
  const object = {
    id: `pi_${id}`,
    object: 'payment_intent',
    amount: 2999,
    amount_received: 2999,
    currency: 'usd',
    ...intent,
  };
  return JSON.stringify({ id, object: 'event', type, data: { object } }, null, 2);
}

const seconds = () => Math.floor(performance.timeOrigin / 1000 + performance.now() / 1000);

/** Delivers a payload with Stripe's own signature. */
async function deliver(
  payload: string,
  { secret = SECRETS[0] as string, timestamp = seconds(), signed = payload } = {},
) {
  const signature = Stripe.webhooks.generateTestHeaderString({
    payload: signed,
    secret,
    timestamp,
  });
  const response = await fetch(server.url + PATH, {
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

test('a succeeded payment intent pays the order named in its metadata, once', async () => {
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

test('what was received counts, not what was asked for', async () => {
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
  const fresh = await deliver(payload);
  const freshByDatabase = await deliver(payload, { timestamp: seconds() + 3600 });

  expect([...answers, { status: unsigned.status }].map(({ status }) => status)).toEqual(
    Array(5).fill(401),
  );
  expect(answers[0]!.body).toMatchObject({ error: 'bad_signature' });
  expect([fresh.status, freshByDatabase.status]).toEqual([401, 200]);
});

test('an old signature is not made fresh by a second timestamp', async () => {
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

test('a body of Stripe’s that is no plain UTF-8 is malformed when its bytes are signed, else not trusted', async () => {
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
    stripeEvent('payment_intent.succeeded', {
      amount_received: 1.5,
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

test('in production with Stripe alone its webhook is on, and the other one is not there', async () => {
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

test('with Stripe’s secrets alone a development server on loopback still takes unsigned events', async () => {
  const response = await fetch(`${server.url}/api/payments/webhook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });

  expect(response.status).toBe(422);
});
