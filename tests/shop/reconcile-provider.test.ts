import { reconcileProvider } from '../../src/shop/reconciliation/reconcile-provider.ts';
import { stripeClient, stripePayments } from '../../src/server/providers/stripe/stripe-payments.ts';
import { UnavailableFault } from '../../src/lib/faults.ts';
import { deliver, hold, order, payment } from '../support/buyer.ts';
import { makeProduct, useShop } from '../support/shop.ts';
import { newIntent } from '../support/stripe-intents.ts';
import { StripeStandIn } from '../support/stripe-stand-in.ts';

/*
 * The payments of Stripe and those of the inbox are compared in both directions.
 */

const server = useShop({ forEachTest: true });
let stripe: StripeStandIn;
let provider: ReturnType<typeof stripePayments>;

beforeEach(async () => {
  stripe = await StripeStandIn.open();
  provider = stripePayments(stripeClient('sk_test_a_key_for_tests_only', stripe.url));
});

afterEach(() => stripe[Symbol.asyncDispose]());

const HOUR_MS = 3600_000;
const from = new Date(Math.floor(Date.now() / 1000) * 1000 - HOUR_MS);
const to = new Date(from.getTime() + 2 * HOUR_MS);

const reconcile = (range: object = {}) =>
  reconcileProvider(
    { ...server.shop, paymentProviders: new Map([[provider.name, provider]]) },
    { provider: 'stripe', from, to, ...range },
  );

/** A payment that succeeded at Stripe. */
function paidAtStripe(fields: object = {}) {
  const intent = newIntent({
    status: 'succeeded',
    amount: 2999,
    amount_received: 2999,
    currency: 'usd',
    metadata: {},
    ...fields,
  });
  stripe.objects.set(intent.id, intent);
  return intent;
}

/** A paid order; Stripe has its payment where `intent` is given. */
async function sell(paymentId: string, amount = '29.99') {
  const { id } = await order(server.shop, await hold(server.shop, await makeProduct(server.shop)));
  await deliver(
    server.shop,
    payment(id, { provider: 'stripe', paymentId, amount, currency: 'USD' }),
  );
  return id;
}

test('payments that both sides have are no findings', async () => {
  await sell(paidAtStripe().id);
  await sell(paidAtStripe().id);
  paidAtStripe({ status: 'requires_payment_method', amount_received: 0 });

  expect(await reconcile()).toEqual({
    provider: 'stripe',
    from,
    to,
    providerTotal: [{ amount: '59.98', currency: 'USD' }],
    recordedTotal: [{ amount: '59.98', currency: 'USD' }],
    findings: [],
  });
});

test('a payment that only Stripe has is a finding', async () => {
  const { id } = paidAtStripe({ amount: 500, amount_received: 500, currency: 'jpy' });

  expect(await reconcile()).toMatchObject({
    providerTotal: [{ amount: '500', currency: 'JPY' }],
    recordedTotal: [],
    findings: [`Payment ${id}: the provider took 500 JPY; none is recorded.`],
  });
});

test('a payment that only the inbox has is a finding', async () => {
  await sell('pi_unknown');

  expect(await reconcile()).toMatchObject({
    providerTotal: [],
    recordedTotal: [{ amount: '29.99', currency: 'USD' }],
    findings: ['Payment pi_unknown: 29.99 USD is recorded; the provider has no such payment.'],
  });
});

test('another amount is a finding', async () => {
  const { id } = paidAtStripe({ amount: 3000, amount_received: 3000 });
  await sell(id);

  expect(await reconcile()).toMatchObject({
    findings: [`Payment ${id}: the provider took 30.00 USD; 29.99 USD is recorded.`],
  });
});

test('a payment that waits for its order, and one without an order, are recorded', async () => {
  const made = await hold(server.shop, await makeProduct(server.shop));
  const parked = paidAtStripe({ metadata: { order_id: made.orderId } });
  await deliver(
    server.shop,
    payment(made.orderId, {
      provider: 'stripe',
      paymentId: parked.id,
      amount: '29.99',
      currency: 'USD',
    }),
  );

  expect(await reconcile()).toMatchObject({ findings: [] });
});

test('a payment made before the range and received in it is no finding', async () => {
  const created = Math.floor(from.getTime() / 1000) - 60;
  await sell(paidAtStripe({ created }).id);

  expect(await reconcile()).toMatchObject({
    providerTotal: [],
    recordedTotal: [],
    findings: [],
  });
});

test('many payments are read page by page', async () => {
  for (let count = 0; count < 1201; count += 1) paidAtStripe();
  const done = await reconcile();

  expect(done).toMatchObject({ providerTotal: [{ amount: '36017.99', currency: 'USD' }] });
  expect('findings' in done && done.findings).toHaveLength(1001);
  expect('findings' in done && done.findings.at(-1)).toBe('201 more findings.');
  expect(stripe.callsOf('GET /v1/payment_intents')).toHaveLength(13);
});

test('a provider that does not answer is a fault', async () => {
  stripe.failNext('500', 10);

  await expect(reconcile()).rejects.toBeInstanceOf(UnavailableFault);
});

test.each([
  [{ provider: 'paypal' }, 'provider is paypal; no such provider is configured.'],
  [{ to: from }, 'to must be after from.'],
  [{ from: to, to: from }, 'to must be after from.'],
  [{ to: new Date(from.getTime() + 32 * 24 * HOUR_MS) }, 'The range is longer than 31 days.'],
])('%j is refused', async (range, message) => {
  expect(await reconcile(range)).toMatchObject({ code: 'BAD_USER_INPUT', message });
  expect(stripe.calls).toEqual([]);
});
