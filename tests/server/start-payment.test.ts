import { randomUUID } from 'node:crypto';
import { HoldTokens } from '../../src/shop/purchases/hold-token.ts';
import type { Hold } from '../../src/shop/purchases/reads/find-purchases.ts';
import { deliver, hold, order, payment } from '../support/buyer.ts';
import { ask, CANCEL_ORDER, CREATE_ORDER, REFUSAL, send } from '../support/graphql-client.ts';
import { HOLD_TOKEN_SECRET, startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, moveClock } from '../support/shop.ts';
import { StripeStandIn, type StripeFault } from '../support/stripe-stand-in.ts';

/*
 * startPayment at Stripe: what is asked, what is answered, and that no payment is started twice.
 */

let stripe: StripeStandIn;
let server: TestServer;

beforeAll(async () => {
  stripe = await StripeStandIn.open();
  server = await startTestServer({
    STRIPE_SECRET_KEY: 'sk_test_a_key_for_tests_only',
    STRIPE_API_URL: stripe.url,
    ALLOWED_ORIGINS: 'https://shop.example',
  });
});

afterEach(() => {
  stripe.fault = () => undefined;
  return moveClock(server.database, 0);
});

afterAll(async () => {
  await server.stop();
  await stripe[Symbol.asyncDispose]();
});

const TOKENS = new HoldTokens([HOLD_TOKEN_SECRET]);

const tokenOf = ({ id }: Hold): string => TOKENS.issue(id);

const START = `mutation ($token: String!, $provider: String, $returnUrl: String) {
  startPayment(holdToken: $token, provider: $provider, returnUrl: $returnUrl) {
    __typename ${REFUSAL} ... on OrderFinal { order { id status } }
    ... on PaymentSession { provider id clientSecret url amount { amount currency } expiresAt } } }`;

const start = (token: string, more: object = {}) => ask(server.url, START, { token, ...more });

async function pendingOrder(price = '29.99', currency = 'USD', quantity = 1) {
  const { shop } = server;
  const productId = await makeProduct(shop, { price, currency, name: 'Widget' });
  const made = await hold(shop, productId, { quantity });
  const { id, paymentExpiresAt } = await order(shop, made);
  return { id, token: tokenOf(made), paymentExpiresAt, made };
}

const intentsOf = (orderId: string) =>
  stripe
    .objectsOf('payment_intent')
    .filter(({ metadata }) => (metadata as Record<string, string>)['order_id'] === orderId);

const callsFor = (orderId: string) =>
  stripe.calls.filter(({ idempotencyKey }) => idempotencyKey === `order:${orderId}`);

test('a payment intent of the total, in its currency, with the order in its metadata', async () => {
  const { id, token, paymentExpiresAt } = await pendingOrder('29.99', 'USD', 2);

  const session = await start(token);

  const [intent, ...more] = intentsOf(id);
  expect(more).toEqual([]);
  expect(intent).toMatchObject({
    amount: 5998,
    currency: 'usd',
    metadata: { order_id: id },
    automatic_payment_methods: { enabled: true },
    description: '2 × Widget',
  });
  expect(session).toEqual({
    __typename: 'PaymentSession',
    provider: 'stripe',
    id: intent!['id'],
    clientSecret: intent!['client_secret'],
    url: null,
    amount: { amount: '59.98', currency: 'USD' },
    expiresAt: paymentExpiresAt.toISOString(),
  });
  expect(callsFor(id)).toHaveLength(1);
});

test('with returnUrl a Checkout Session, which ends within 32 minutes', async () => {
  const { id, token } = await pendingOrder();
  const returnUrl = 'https://shop.example/thanks?order=1';

  const session = await start(token, { returnUrl });

  const checkout = stripe.objects.get(session.id)!;
  expect(session).toMatchObject({ clientSecret: null, url: checkout['url'] });
  expect(checkout).toMatchObject({
    mode: 'payment',
    amount_total: 2999,
    currency: 'usd',
    success_url: returnUrl,
    cancel_url: returnUrl,
    metadata: { order_id: id },
    intent_metadata: { order_id: id },
    line_item: '1 × Widget',
  });
  expect(Number(checkout['expires_at']) - Date.now() / 1000).toBeLessThan(32 * 60);
});

test.each([
  ['JPY', '1500', 1500],
  ['ISK', '1500', 150_000],
  ['KWD', '1.500', 1500],
  ['EUR', '15.00', 1500],
  ['MGA', '1500.00', 1500],
])('%s %s is %i in the units of Stripe', async (currency, price, units) => {
  const { id, token } = await pendingOrder(price, currency);

  await start(token);

  expect(intentsOf(id)).toMatchObject([{ amount: units, currency: currency.toLowerCase() }]);
});

test('an amount that Stripe has no unit for is refused without a call', async () => {
  const { id, token } = await pendingOrder('1500.50', 'MGA');

  expect(await start(token)).toMatchObject({ code: 'PAYMENT_UNAVAILABLE' });
  expect(callsFor(id)).toEqual([]);
});

test('the session that exists is returned again, also with other arguments', async () => {
  const { id, token } = await pendingOrder();
  const first = await start(token);

  const again = await start(token, {
    provider: 'stripe',
    returnUrl: 'https://shop.example/elsewhere',
  });

  expect(again).toEqual(first);
  expect(callsFor(id)).toHaveLength(1);
});

test('parallel calls share one call', async () => {
  const { id, token } = await pendingOrder();

  const sessions = await Promise.all(Array.from({ length: 20 }, () => start(token)));

  expect(new Set(sessions.map((session) => session.id)).size).toBe(1);
  expect(callsFor(id)).toHaveLength(1);
  expect(intentsOf(id)).toHaveLength(1);
});

test.each<StripeFault>(['500', '429', 'work-then-500'])(
  'after %s the payment is unavailable, and the next call starts it, once',
  async (fault) => {
    const { id, token } = await pendingOrder();
    stripe.failNext(fault);

    const failed = await start(token);
    const session = await start(token);

    expect(failed).toMatchObject({
      __typename: 'PaymentUnavailable',
      code: 'PAYMENT_UNAVAILABLE',
      retryable: true,
    });
    expect(session.__typename).toBe('PaymentSession');
    expect(intentsOf(id).map((intent) => intent['id'])).toEqual([session.id]);
    expect(callsFor(id)).toHaveLength(2);
  },
);

test.each<StripeFault>(['reset', 'work-then-reset'])(
  'after %s the package repeats the call with the same key',
  async (fault) => {
    const { id, token } = await pendingOrder();
    stripe.failNext(fault);

    const session = await start(token);

    expect(intentsOf(id).map((intent) => intent['id'])).toEqual([session.id]);
    expect(callsFor(id)).toHaveLength(2);
  },
);

test.each<StripeFault>(['hang', 'work-then-hang'])(
  'a call that ends in %s is unavailable after ten seconds, and the next one starts the payment, once',
  async (fault) => {
    const { id, token } = await pendingOrder();
    stripe.failNext(fault);

    const failed = await start(token);
    const session = await start(token);

    expect(failed).toMatchObject({ code: 'PAYMENT_UNAVAILABLE', retryable: true });
    expect(intentsOf(id).map((intent) => intent['id'])).toEqual([session.id]);
  },
);

test('a refused payment begins again with the arguments of the next call', async () => {
  const { token } = await pendingOrder('0.10');
  const refused = await start(token);
  const returnUrl = 'https://shop.example/';

  const session = await start(token, { returnUrl });

  expect(refused).toMatchObject({ code: 'PAYMENT_UNAVAILABLE' });
  expect(stripe.objects.get(session.id)).toMatchObject({ success_url: returnUrl });
});

test('an unknown token, and a hold without an order, have no order', async () => {
  const { shop } = server;
  const held = await hold(shop, await makeProduct(shop));
  const callsBefore = stripe.calls.length;

  const answers = [
    await start('nonsense'),
    await start(TOKENS.issue(randomUUID())),
    await start(tokenOf(held)),
  ];

  expect(answers).toMatchObject(Array(3).fill({ code: 'ORDER_NOT_FOUND' }));
  expect(stripe.calls).toHaveLength(callsBefore);
});

test('a paid, a cancelled, an expired and a free order are final', async () => {
  const callsBefore = stripe.calls.length;
  const paid = await pendingOrder();
  await deliver(server.shop, payment(paid.id));
  const cancelled = await pendingOrder();
  await ask(server.url, CANCEL_ORDER, { token: cancelled.token });
  const free = await hold(server.shop, await makeProduct(server.shop, { price: '0.00' }));
  await ask(server.url, CREATE_ORDER, { token: tokenOf(free) });
  const due = await pendingOrder();
  const answers = [
    await start(paid.token),
    await start(cancelled.token),
    await start(tokenOf(free)),
  ];
  await moveClock(server.database, 601_000);
  const expired = await start(due.token);

  expect(answers).toMatchObject([
    { code: 'ORDER_FINAL', order: { id: paid.id, status: 'PAID' } },
    { code: 'ORDER_FINAL', order: { status: 'CANCELLED' } },
    { code: 'ORDER_FINAL', order: { status: 'PAID' } },
  ]);
  expect(expired).toMatchObject({ code: 'ORDER_FINAL', message: 'This order expired unpaid.' });
  expect(stripe.calls).toHaveLength(callsBefore);
});

test('an unknown provider is unavailable, and no later call helps', async () => {
  const { token } = await pendingOrder();

  for (const provider of ['paypal', '', '__proto__', 'payments'])
    expect(await start(token, { provider })).toMatchObject({
      code: 'PAYMENT_UNAVAILABLE',
      message: 'The payment provider is not configured.',
      retryable: false,
    });
});

test.each([
  'https://evil.example/',
  'https://shop.example.evil.example/',
  'https://shop.example@evil.example/',
  'https://user:secret@shop.example/',
  'https://shop.example:444/',
  'http://shop.example/',
  'http://127.0.0.1/',
  'javascript:alert(1)',
  'data:text/html,x',
  '//shop.example/',
  '/thanks',
  '',
  'https://shop.example\\@evil.example/',
  'https://shop.example/\nhttps://evil.example/',
  ' https://shop.example/',
  `https://shop.example/${'x'.repeat(2028)}`,
])('returnUrl %j is refused, and nothing is started', async (returnUrl) => {
  const { id, token } = await pendingOrder();

  const { errors } = await send(server.url, START, { token, returnUrl });

  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  expect(errors![0]!.message).toMatch(/^returnUrl /);
  expect(callsFor(id)).toEqual([]);
});

test('the session is stored before the provider is asked', async () => {
  const { id, token } = await pendingOrder();
  const statuses: string[] = [];
  stripe.fault = () => {
    void server.database
      .rows<{ status: string }>('select status from payment_sessions where order_id = $1', [id])
      .then((rows) => statuses.push(...rows.map(({ status }) => status)));
    return undefined;
  };

  await start(token);
  const [row] = await server.database.rows<{ status: string }>(
    'select status from payment_sessions where order_id = $1',
    [id],
  );

  expect(statuses).toHaveLength(1);
  expect(row!.status).toBe('STARTED');
});
