import { resolveRefund } from '../../src/shop/admin/resolve-refund.ts';
import { listRefunds } from '../../src/shop/payments/list-payments.ts';
import { sendRefunds } from '../../src/shop/payments/send-refunds.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { stripeClient, stripePayments } from '../../src/server/providers/stripe/stripe-payments.ts';
import { ADMIN_CALLER, deliver, hold, order, payment, tokenOf } from '../support/buyer.ts';
import { makeProduct, moveClock, until, useTwoShops } from '../support/shop.ts';
import { newIntent } from '../support/stripe-intents.ts';
import { decisions } from '../support/stripe-refunds.ts';
import { StripeStandIn, type StripeFault } from '../support/stripe-stand-in.ts';

/*
 * The money of an open refund is returned by Stripe: asked for once, also where calls fail, and resolved when
 * Stripe confirms it.
 */

const [one, two] = useTwoShops({ forEachTest: true });
let stripe: StripeStandIn;
let provider: ReturnType<typeof stripePayments>;

beforeEach(async () => {
  decisions.clear();
  stripe = await StripeStandIn.open();
  provider = stripePayments(stripeClient('sk_test_a_key_for_tests_only', stripe.url));
});

afterEach(() => stripe[Symbol.asyncDispose]());

const sendAll = (automatic = true, shop = one.shop) => sendRefunds(shop, provider, { automatic });

/** A second payment of a paid order: its money must be returned. */
async function openRefund(price = '29.99'): Promise<{ id: string; paymentId: string }> {
  const productId = await makeProduct(one.shop, { price });
  const { id: orderId } = await order(one.shop, await hold(one.shop, productId));
  const units = Number(price.replace('.', ''));
  const [first, second] = [1, 2].map(() =>
    newIntent({ status: 'succeeded', amount: units, amount_received: units, currency: 'usd' }),
  );
  for (const intent of [first!, second!]) {
    stripe.objects.set(intent.id, intent);
    await deliver(
      one.shop,
      payment(orderId, { provider: 'stripe', paymentId: intent.id, amount: price }),
    );
  }
  const [refund] = await refunds();
  return { id: refund!.id, paymentId: second!.id };
}

const refunds = async () =>
  (await listRefunds(one.shop, { first: 100, after: null, status: null })).rows;

const sent = () => stripe.callsOf('POST /v1/refunds');

test('an open refund is sent once and resolved when Stripe confirms it', async () => {
  const { id, paymentId } = await openRefund();

  expect(await sendAll()).toBe(1);
  expect(await sendAll()).toBe(0);

  expect(sent()).toHaveLength(1);
  expect(sent()[0]!.idempotencyKey).toBe(`refund:${id}`);
  expect(Object.fromEntries(sent()[0]!.fields)).toEqual({
    payment_intent: paymentId,
    amount: '2999',
    'metadata[key]': `refund:${id}`,
  });
  const [refund] = await refunds();
  expect(refund).toMatchObject({
    status: 'RESOLVED',
    failureReason: null,
    providerRefundId: expect.stringMatching(/^re_/),
  });
  expect(refund!.note).toMatch(/^Returned by stripe: re_\w+\.$/);
});

test('each resolved refund is one event', async () => {
  await openRefund();
  await sendAll();
  await sendAll();

  expect(
    await one.database.rows(
      "select type from shop_events where type like 'REFUND%' order by recorded",
      [],
    ),
  ).toEqual([{ type: 'REFUND_OPENED' }, { type: 'REFUND_RESOLVED' }]);
});

test('a refund that Stripe has not decided is SENT until it is', async () => {
  const { paymentId } = await openRefund();
  decisions.set(paymentId, 'pending');

  expect(await sendAll()).toBe(0);
  expect(await refunds()).toMatchObject([{ status: 'SENT', resolvedAt: null }]);
  expect(await sendAll()).toBe(0);
  expect(stripe.callsOf('POST /v1/refunds')).toHaveLength(1);
  stripe.objectsOf('refund')[0]!['status'] = 'succeeded';
  await moveClock(one.database, 3601_000);
  expect(await sendAll()).toBe(1);

  expect(sent()).toHaveLength(1);
  expect(await refunds()).toMatchObject([{ status: 'RESOLVED' }]);
});

test('a refund that Stripe refuses is open again with the reason, and is not sent again', async () => {
  const { paymentId } = await openRefund();
  decisions.set(paymentId, 'failed');

  expect(await sendAll()).toBe(0);
  await moveClock(one.database, 7200_000);
  expect(await sendAll()).toBe(0);

  expect(sent()).toHaveLength(1);
  const [refund] = await refunds();
  expect(refund!.status).toBe('OPEN');
  expect(refund!.failureReason).toMatch(/^The refund re_\w+ is failed\.$/);
});

test('money that was returned at Stripe already resolves the refund', async () => {
  const { paymentId } = await openRefund();
  const intent = stripe.objects.get(paymentId)!;
  intent['amount_refunded'] = intent['amount_received'];

  expect(await sendAll()).toBe(1);
  expect(await refunds()).toMatchObject([
    { status: 'RESOLVED', note: 'Returned by stripe, in another way.' },
  ]);
});

test.each<StripeFault>([
  '500',
  '429',
  'reset',
  'work-then-500',
  'work-then-reset',
  'work-then-hang',
])('after %s the money is returned once', async (fault) => {
  const { id, paymentId } = await openRefund();
  stripe.failNext(fault, fault === 'work-then-hang' ? 1 : 2);

  expect(await sendAll()).toBe(0);
  expect(await refunds()).toMatchObject([{ status: 'SENT', failureReason: expect.anything() }]);
  for (let minutes = 1; minutes <= 3; minutes += 1) {
    await moveClock(one.database, minutes * 60_000);
    await sendAll();
  }

  expect(await refunds()).toMatchObject([{ status: 'RESOLVED', failureReason: null }]);
  expect(new Set(sent().map(({ idempotencyKey }) => idempotencyKey))).toEqual(
    new Set([`refund:${id}`]),
  );
  expect(stripe.objectsOf('refund')).toHaveLength(1);
  expect(stripe.objects.get(paymentId)).toMatchObject({ amount_refunded: 2999 });
});

test('after Stripe has forgotten the key, the refund of an earlier call is found', async () => {
  const { paymentId } = await openRefund();
  // More was received than must be returned, so that Stripe alone would not prevent a second refund.
  stripe.objects.get(paymentId)!['amount_received'] = 10_000;
  stripe.failNext('work-then-500', 1);
  await sendAll();
  stripe.forgetKeys();
  await moveClock(one.database, 60_000);

  expect(await sendAll()).toBe(1);
  expect(stripe.objectsOf('refund')).toHaveLength(1);
});

test('a wrong key of the account is no refusal: the refund is sent when it is repaired', async () => {
  await openRefund();
  stripe.failNext('401', 1);

  expect(await sendAll()).toBe(0);
  expect(await refunds()).toMatchObject([{ status: 'SENT' }]);
  await moveClock(one.database, 60_000);
  expect(await sendAll()).toBe(1);
});

test('servers that send at once send each refund once', async () => {
  for (let count = 0; count < 25; count += 1) await openRefund();

  const counts = await Promise.all([
    sendAll(true, one.shop),
    sendAll(true, two.shop),
    sendAll(true, one.shop),
  ]);

  expect(counts.reduce((sum, count) => sum + count)).toBe(25);
  expect(sent()).toHaveLength(25);
  expect(stripe.objectsOf('refund')).toHaveLength(25);
});

test('what a stopped server had sent is asked for again with the same key', async () => {
  await openRefund();
  stripe.failNext('work-then-hang');
  const stopping = new AbortController();
  const running = sendRefunds(one.shop, provider, { automatic: true, stop: stopping.signal });
  await until('the call', () => sent().length === 1);
  stopping.abort();
  expect(await running).toBe(0);
  expect(await refunds()).toMatchObject([{ status: 'SENT' }]);

  await moveClock(one.database, 16_000);
  expect(await sendAll(true, two.shop)).toBe(1);

  expect(stripe.objectsOf('refund')).toHaveLength(1);
  expect(await refunds()).toMatchObject([{ status: 'RESOLVED' }]);
});

test('with REFUNDS_AUTOMATIC=false open refunds wait for an admin, and sent ones are followed up', async () => {
  const { paymentId } = await openRefund();

  expect(await sendAll(false)).toBe(0);
  expect(await refunds()).toMatchObject([{ status: 'OPEN' }]);
  expect(sent()).toEqual([]);
  decisions.set(paymentId, 'pending');
  await sendAll();
  stripe.objectsOf('refund')[0]!['status'] = 'succeeded';
  await moveClock(one.database, 3601_000);

  expect(await sendAll(false)).toBe(1);
});

test.each(['OPEN', 'SENT'])(
  'an admin resolves a refund that is %s, and it is not sent',
  async (status) => {
    const { id, paymentId } = await openRefund();
    decisions.set(paymentId, 'pending');
    if (status === 'SENT') await sendAll();
    const before = sent().length;

    expect(
      await resolveRefund(one.shop, ADMIN_CALLER, { refundId: id, note: 'by hand' }),
    ).toMatchObject({ status: 'RESOLVED', note: 'by hand' });
    await moveClock(one.database, 7200_000);

    expect(await sendAll()).toBe(0);
    expect(sent()).toHaveLength(before);
  },
);

test('a refund of another provider is not sent', async () => {
  const productId = await makeProduct(one.shop);
  const made = await hold(one.shop, productId);
  const { id } = await order(one.shop, made);
  await cancelOrder(one.shop, tokenOf(one.shop, made));
  await deliver(one.shop, payment(id, { amount: '1.00' }));

  expect(await refunds()).toMatchObject([{ status: 'OPEN' }]);
  expect(await sendAll()).toBe(0);
  expect(stripe.calls).toEqual([]);
});

test('a refund without a known amount asks for all of the payment', async () => {
  const { id } = await openRefund();
  await one.database.rows('update refunds set amount = null, currency = null where id = $1', [id]);

  expect(await sendAll()).toBe(1);
  expect(sent()[0]!.fields.has('amount')).toBe(false);
});
