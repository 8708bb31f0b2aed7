import fc from 'fast-check';
import { endSessions } from '../../src/shop/payments/end-sessions.ts';
import type { PaymentProvider } from '../../src/shop/payments/providers/payment-provider.ts';
import { startPayment } from '../../src/shop/payments/start-payment.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { stripeClient, stripePayments } from '../../src/server/providers/stripe/stripe-payments.ts';
import type { LiveShop } from '../../src/live/live-shop.ts';
import { hold, order, tokenOf } from '../support/buyer.ts';
import { makeProduct, moveClock, openSession, until, useTwoShops } from '../support/shop.ts';
import { StripeStandIn, type StripeFault } from '../support/stripe-stand-in.ts';

/*
 * No payment is started twice: parallel calls on two servers, faults of the provider, and ends of the order.
 */

const [first, second] = useTwoShops({ forEachTest: true });

/** The server of a shop with one provider. */
const withProvider = (shop: LiveShop, provider: PaymentProvider): LiveShop => ({
  ...shop,
  paymentProviders: new Map([[provider.name, provider]]),
  paymentStarts: new Map(),
});

async function pendingOrder() {
  const made = await hold(first.shop, await makeProduct(first.shop));
  const { id } = await order(first.shop, made);
  return { id, token: tokenOf(first.shop, made) };
}

/** A provider without idempotency keys: every call starts a payment. */
function countingProvider() {
  const started: string[] = [];
  const provider: PaymentProvider = {
    name: 'counting',
    inboxName: 'counting',
    async start({ orderId }) {
      started.push(orderId);
      await new Promise(setImmediate);
      return { id: `payment ${started.length}`, clientSecret: 'secret', url: null };
    },
  };
  return { started, provider };
}

/** Ten calls on each of two servers for one order. */
function startEverywhere(provider: PaymentProvider, holdToken: string) {
  const servers = [first, second].map(({ shop }) => withProvider(shop, provider));
  const request = { holdToken, provider: null, returnUrl: null };
  return Promise.all(
    servers.flatMap((shop) => Array.from({ length: 10 }, () => startPayment(shop, request))),
  );
}

test('parallel calls on two servers ask the provider once, and have one answer', async () => {
  for (let round = 0; round < 10; round += 1) {
    const { started, provider } = countingProvider();
    const { id, token } = await pendingOrder();

    const answers = await startEverywhere(provider, token);

    expect(started).toEqual([id]);
    expect(new Set(answers.map((answer) => 'id' in answer && answer.id))).toEqual(
      new Set(['payment 1']),
    );
  }
});

test('the twin without the lease asks the provider twice', async () => {
  await using session = await openSession(first.url);
  await session.query(`
    create function end_lease() returns trigger language plpgsql as $$ begin
      new.next_attempt_at := new.next_attempt_at - interval '1 hour'; return new; end $$;
    create trigger end_lease before insert or update on payment_sessions
      for each row execute function end_lease()`);

  await until('a second call', async () => {
    const { started, provider } = countingProvider();
    const { token } = await pendingOrder();
    await startEverywhere(provider, token);
    return started.length > 1;
  });
});

/** One step of a random history of one order. */
type Step =
  | { readonly kind: 'start'; readonly calls: number; readonly fault: StripeFault | null }
  | { readonly kind: 'end'; readonly fault: StripeFault | null }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'wait' };

const FAULT = fc.option(
  fc.constantFrom<StripeFault>('500', '429', 'work-then-500', 'reset', 'work-then-reset'),
);

const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('start' as const),
      calls: fc.integer({ min: 1, max: 4 }),
      fault: FAULT,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), fault: FAULT }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
);

test('in any history of calls, faults and ends, an order has one payment at most, and none once it has ended', async () => {
  await using stripe = await StripeStandIn.open();
  const provider = stripePayments(stripeClient('sk_test_a_key_for_tests_only', stripe.url));
  const servers = [first, second].map(({ shop }) => withProvider(shop, provider));
  let aheadMs = 0;

  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { minLength: 1, maxLength: 8 }), async (steps) => {
      const { id, token } = await pendingOrder();
      const answered = new Set<string>();
      for (const step of steps) {
        if ('fault' in step && step.fault !== null) stripe.failNext(step.fault, 2);
        if (step.kind === 'start') {
          const request = { holdToken: token, provider: null, returnUrl: null };
          const calls = Array.from({ length: step.calls }, (_, call) =>
            startPayment(servers[call % 2]!, request),
          );
          for (const answer of await Promise.all(calls))
            if ('id' in answer) answered.add(answer.id);
        }
        if (step.kind === 'end')
          await Promise.all(servers.map((server) => endSessions(server, provider)));
        if (step.kind === 'cancel') await cancelOrder(first.shop, token);
        if (step.kind === 'wait') await moveClock(first.database, (aheadMs += 30_000));
        stripe.fault = () => undefined;
      }
      const intents = () =>
        stripe
          .objectsOf('payment_intent')
          .filter(({ metadata }) => (metadata as Record<string, string>)['order_id'] === id);
      const beforeEnd = intents().length;
      await cancelOrder(first.shop, token);
      await moveClock(first.database, (aheadMs += 4000_000));
      await endSessions(servers[0]!, provider);

      expect(beforeEnd).toBeLessThanOrEqual(1);
      expect(intents().length).toBeLessThanOrEqual(1);
      expect(intents().every(({ status }) => status === 'canceled')).toBe(true);
      for (const one of answered) expect(intents().map((intent) => intent['id'])).toEqual([one]);
      const open = await first.database.rows(
        "select from payment_sessions where order_id = $1 and status <> 'ENDED' and status <> 'REFUSED'",
        [id],
      );
      expect(open).toEqual([]);
    }),
    { numRuns: 40 },
  );
}, 120_000);
