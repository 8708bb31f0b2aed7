import { HoldTokens } from '../../src/shop/purchases/hold-token.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { hold, order, tokenOf } from '../support/buyer.ts';
import { ask } from '../support/graphql-client.ts';
import { HOLD_TOKEN_SECRET } from '../support/server.ts';
import { buildServer, ServerProcesses, type Running } from '../support/server-process.ts';
import {
  createTestDatabase,
  makeProduct,
  moveClock,
  openTestShop,
  until,
  type TestDatabase,
  type TestShop,
} from '../support/shop.ts';
import { StripeStandIn, type StripeFault } from '../support/stripe-stand-in.ts';

/*
 * A server is killed at each step of starting and cancelling a payment. Another server, or the next call,
 * finishes it: no payment is started twice, and none stays open after its order.
 */

let servers: ServerProcesses;
let database: TestDatabase;
let beside: TestShop;
let stripe: StripeStandIn;
/** Never killed. */
let survivor: string;

const VICTIM = 'sk_test_of_the_server_that_is_killed';

const start = (secretKey: string): Running =>
  servers.start({
    DATABASE_URL: database.url,
    HOLD_TOKEN_SECRETS: HOLD_TOKEN_SECRET,
    STRIPE_SECRET_KEY: secretKey,
    STRIPE_API_URL: stripe.url,
    SEED_DEMO: 'false',
  });

beforeAll(async () => {
  buildServer();
  servers = new ServerProcesses();
  database = await createTestDatabase();
  beside = await openTestShop(database.url, { poolMax: 2 });
  stripe = await StripeStandIn.open();
  survivor = await start('sk_test_of_the_other_server').ready();
}, 180_000);

afterEach(async () => {
  stripe.fault = () => undefined;
  await moveClock(beside.database, 0);
});

afterAll(async () => {
  await servers.clear();
  await stripe[Symbol.asyncDispose]();
  await beside[Symbol.asyncDispose]();
  await database.drop();
});

const START = `mutation ($token: String!) { startPayment(holdToken: $token) {
  __typename ... on PaymentSession { id } ... on CheckoutError { code } } }`;

async function pendingOrder() {
  const made = await hold(beside.shop, await makeProduct(beside.shop));
  const { id } = await order(beside.shop, made);
  return {
    id,
    token: new HoldTokens([HOLD_TOKEN_SECRET]).issue(made.id),
    ownToken: tokenOf(beside.shop, made),
  };
}

const intentsOf = (orderId: string) =>
  stripe
    .objectsOf('payment_intent')
    .filter(({ metadata }) => (metadata as Record<string, string>)['order_id'] === orderId);

const sessionsOf = (orderId: string) =>
  beside.database.rows<{ status: string }>(
    'select status from payment_sessions where order_id = $1',
    [orderId],
  );

const ended = (orderId: string) =>
  until('the end of the session', async () => (await sessionsOf(orderId))[0]?.status === 'ENDED');

/** Kills the server once Stripe has received this many of its calls; `fault` is what Stripe does with them. */
async function killAfter(
  victim: Running,
  calls: number,
  { path, fault }: { readonly path: RegExp; readonly fault: StripeFault | undefined },
): Promise<void> {
  let received = 0;
  stripe.fault = (call) => {
    if (call.apiKey !== VICTIM || received === calls || !path.test(call.path)) return undefined;
    received += 1;
    // An answer is sent first; it may arrive, and may be stored.
    if (received === calls) setImmediate(() => victim.child.kill('SIGKILL'));
    return fault;
  };
  await victim.exited;
}

test.each<readonly [string, StripeFault | undefined]>([
  ['before Stripe has started the payment', 'hang'],
  ['after Stripe has started it, before its answer', 'work-then-hang'],
  ['as the answer arrives', undefined],
])(
  'a start that is killed %s is finished by the next call, or by the job once the order has ended',
  async (_what, fault) => {
    const victim = start(VICTIM);
    const url = await victim.ready();
    const [called, abandoned] = [await pendingOrder(), await pendingOrder()];
    const killed = killAfter(victim, 2, { path: /payment_intents$/, fault });
    const lost = [called, abandoned].map(({ token }) => ask(url, START, { token }));
    await Promise.allSettled(lost);
    await killed;
    await cancelOrder(beside.shop, abandoned.ownToken);
    await moveClock(beside.database, 13_000);

    const session = await ask(survivor, START, { token: called.token });
    await ended(abandoned.id);

    expect(intentsOf(called.id)).toMatchObject([{ id: session.id }]);
    expect(intentsOf(abandoned.id)).toMatchObject([{ status: 'canceled' }]);
    expect((await sessionsOf(called.id))[0]!.status).toBe('STARTED');
  },
  120_000,
);

test.each<readonly [string, StripeFault | undefined]>([
  ['before Stripe has cancelled the payment', 'hang'],
  ['after Stripe has cancelled it, before its answer', 'work-then-hang'],
  ['as the answer arrives', undefined],
])(
  'a cancellation that is killed %s is finished by another server',
  async (_what, fault) => {
    const victim = start(VICTIM);
    await victim.ready();
    const orders: Awaited<ReturnType<typeof pendingOrder>>[] = [];
    const killed = killAfter(victim, 1, { path: /cancel$/, fault });
    // Both servers look for sessions, so that the victim gets one of them soon.
    await until('the end of the victim', async () => {
      const made = await pendingOrder();
      orders.push(made);
      await ask(survivor, START, { token: made.token });
      await cancelOrder(beside.shop, made.ownToken);
      return victim.child.signalCode !== null;
    });
    await killed;
    await moveClock(beside.database, 26_000);

    for (const { id } of orders) await ended(id);
    for (const { id } of orders) expect(intentsOf(id)).toMatchObject([{ status: 'canceled' }]);
  },
  120_000,
);
