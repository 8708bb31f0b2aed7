import { endSessions } from '../../src/shop/payments/end-sessions.ts';
import { startPayment } from '../../src/shop/payments/start-payment.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { findOrders } from '../../src/shop/purchases/reads/find-purchases.ts';
import { stripeClient, stripePayments } from '../../src/server/providers/stripe/stripe-payments.ts';
import { deliver, hold, order, payment, tokenOf } from '../support/buyer.ts';
import { makeProduct, moveClock, until, useShop } from '../support/shop.ts';
import { payAtStripe } from '../support/stripe-checkout.ts';
import { StripeStandIn, type StripeFault } from '../support/stripe-stand-in.ts';

/*
 * The payment of an order that has ended is cancelled at Stripe, until Stripe reports it as final.
 */

const server = useShop({ forEachTest: true });
let stripe: StripeStandIn;
let provider: ReturnType<typeof stripePayments>;

beforeEach(async () => {
  stripe = await StripeStandIn.open();
  provider = stripePayments(stripeClient('sk_test_a_key_for_tests_only', stripe.url));
});

afterEach(() => stripe[Symbol.asyncDispose]());

const shop = () => ({
  ...server.shop,
  paymentProviders: new Map([[provider.name, provider]]),
  isReturnOrigin: () => true,
});

const end = () => endSessions(server.shop, provider);

/** A pending order with a started payment. */
async function started(returnUrl: string | null = null) {
  const made = await hold(server.shop, await makeProduct(server.shop));
  const { id } = await order(server.shop, made);
  const token = tokenOf(server.shop, made);
  const session = await startPayment(shop(), { holdToken: token, provider: null, returnUrl });
  return { id, token, paymentId: 'id' in session ? session.id : undefined };
}

async function sessions() {
  return server.database.rows<Record<string, unknown>>(
    'select status, failures, payment_id, client_secret, url, return_url, last_error from payment_sessions order by id',
    [],
  );
}

const statusAtStripe = (id: string | undefined) => stripe.objects.get(id!)!['status'];

test('the payment of a pending order stays', async () => {
  const { paymentId } = await started();

  expect(await end()).toBe(0);
  expect(statusAtStripe(paymentId)).toBe('requires_payment_method');
});

test('a cancelled order’s payment is cancelled, once, and its secrets are removed', async () => {
  const { token, paymentId } = await started();
  await cancelOrder(server.shop, token);

  expect(await end()).toBe(1);
  expect(await end()).toBe(0);
  expect(statusAtStripe(paymentId)).toBe('canceled');
  expect(stripe.callsOf(`POST /v1/payment_intents/${paymentId}/cancel`)).toHaveLength(1);
  expect(await sessions()).toEqual([
    expect.objectContaining({ status: 'ENDED', client_secret: null, payment_id: paymentId }),
  ]);
});

test('an expired order’s Checkout Session is expired', async () => {
  const { paymentId } = await started('https://shop.example/');
  await moveClock(server.database, 601_000);
  await sweepDue(server.shop);

  expect(await end()).toBe(1);
  expect(statusAtStripe(paymentId)).toBe('expired');
  expect(await sessions()).toMatchObject([{ status: 'ENDED', url: null, return_url: null }]);
});

test('the payment that paid the order is not cancelled, and Stripe is not asked', async () => {
  const { id, paymentId } = await started();
  payAtStripe(stripe.objects, paymentId!);
  await deliver(server.shop, payment(id, { provider: 'stripe', paymentId: paymentId! }));

  expect(await end()).toBe(1);
  expect(stripe.calls).toHaveLength(1);
  expect(await sessions()).toMatchObject([{ status: 'ENDED' }]);
});

test('a paid Checkout Session is complete', async () => {
  const { id, paymentId } = await started('https://shop.example/');
  const intent = payAtStripe(stripe.objects, paymentId!);
  await deliver(server.shop, payment(id, { provider: 'stripe', paymentId: String(intent['id']) }));

  expect(await end()).toBe(1);
  expect(intent['status']).toBe('succeeded');
});

test('an order paid by another payment ends the one that was started', async () => {
  const { id, paymentId } = await started();
  await deliver(server.shop, payment(id));

  expect(await end()).toBe(1);
  expect(statusAtStripe(paymentId)).toBe('canceled');
});

test('a success that wins against the cancellation is a late payment', async () => {
  const { id, token, paymentId } = await started();
  await cancelOrder(server.shop, token);
  payAtStripe(stripe.objects, paymentId!);

  expect(await end()).toBe(1);
  const outcome = await deliver(
    server.shop,
    payment(id, { provider: 'stripe', paymentId: paymentId! }),
  );

  expect(outcome).toBe('applied');
  expect(await findOrders(server.shop, [id])).toMatchObject([{ status: 'PAID', paymentId }]);
});

test.each([
  ['a payment intent', null],
  ['a Checkout Session', 'https://shop.example/'],
])('%s that is processed is tried until it is final', async (_what, returnUrl) => {
  const { token, paymentId } = await started(returnUrl);
  await cancelOrder(server.shop, token);
  const intent = payAtStripe(stripe.objects, paymentId!, 'processing');
  const tries = [];
  for (let minutes = 1; minutes <= 3; minutes += 1) {
    tries.push(await end());
    await moveClock(server.database, minutes * 60_000);
  }
  const [waiting] = await sessions();
  intent['status'] = 'requires_payment_method';

  expect(tries).toEqual([0, 0, 0]);
  expect(waiting).toMatchObject({ status: 'STARTED', failures: 3, last_error: expect.anything() });
  expect(await end()).toBe(1);
  expect(intent['status']).toBe('canceled');
});

test.each<StripeFault>([
  '500',
  '429',
  'work-then-500',
  'work-then-reset',
  'reset',
  'work-then-hang',
])(
  'a cancellation that meets %s is repeated after a wait, until Stripe has confirmed it',
  async (fault) => {
    const { token, paymentId } = await started();
    await cancelOrder(server.shop, token);
    // Each of its calls lasts ten seconds.
    stripe.failNext(fault, fault === 'work-then-hang' ? 1 : 2);
    const first = await end();
    const atOnce = await end();
    const calls = stripe.calls.length;
    await moveClock(server.database, 5000);
    await end();
    await moveClock(server.database, 15_000);
    await end();

    expect([first, atOnce]).toEqual([0, 0]);
    expect(calls).toBeLessThanOrEqual(3);
    expect(await sessions()).toMatchObject([{ status: 'ENDED' }]);
    expect(statusAtStripe(paymentId)).toBe('canceled');
  },
);

describe('a start with an unknown outcome', () => {
  test.each<StripeFault>(['work-then-500', '500'])(
    'after %s is asked for with the same key when the order ends, and no payment stays',
    async (fault) => {
      stripe.failNext(fault);
      const { id, token, paymentId } = await started();
      await cancelOrder(server.shop, token);

      expect(paymentId).toBeUndefined();
      expect(await end()).toBe(1);
      expect(stripe.objectsOf('payment_intent')).toMatchObject([
        { status: 'canceled', metadata: { order_id: id } },
      ]);
    },
  );

  test('that Stripe refuses when the order ends has started nothing', async () => {
    stripe.failNext('500');
    const { token } = await started('https://shop.example/');
    await cancelOrder(server.shop, token);
    // As Stripe answers when `expires_at` is too near, a while later.
    await server.database.rows(
      "update payment_sessions set created_at = created_at - interval '10 minutes'",
      [],
    );

    expect(await end()).toBe(1);
    expect(stripe.objects.size).toBe(0);
    expect(await sessions()).toMatchObject([{ status: 'ENDED' }]);
  });
});

test('servers that end sessions at once share them: each payment is cancelled by one call', async () => {
  const all = [];
  for (let count = 0; count < 30; count += 1) all.push(await started());
  for (const { token } of all) await cancelOrder(server.shop, token);

  const ended = await Promise.all([end(), end(), end(), end()]);

  expect(ended.reduce((sum, count) => sum + count)).toBe(30);
  expect(stripe.calls.filter(({ path }) => path.endsWith('/cancel'))).toHaveLength(30);
});

test('a stop ends the calls in flight, and the sessions are ended later', async () => {
  const { token, paymentId } = await started();
  await cancelOrder(server.shop, token);
  stripe.failNext('hang');
  const stopping = new AbortController();
  const running = endSessions(server.shop, provider, stopping.signal);
  await until('the call', () => stripe.calls.length === 2);
  stopping.abort();

  expect(await running).toBe(0);
  await moveClock(server.database, 26_000);
  expect(await end()).toBe(1);
  expect(statusAtStripe(paymentId)).toBe('canceled');
});
