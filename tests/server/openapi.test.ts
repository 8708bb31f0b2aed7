import { randomBytes, randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import { signPayload } from '../../src/server/webhook/signature.ts';
import { OUTCOME_OF_STATUS } from '../../src/shop/payments/settlement/payment-answer.ts';
import { hold, order } from '../support/buyer.ts';
import { sendRaw, type RawRequest } from '../support/graphql-client.ts';
import { OpenApi, type HttpAnswer } from '../support/openapi.ts';
import { textOf } from '../support/project.ts';
import {
  openDatabaseProxy,
  startTestServer,
  type DatabaseProxy,
  type TestServer,
} from '../support/server.ts';
import { makeProduct } from '../support/shop.ts';

/*
 * docs/openapi.yaml against the two webhook routes. Each documented answer has a request here that
 * produces it, and each answer to such a request is documented.
 */

const openApi = new OpenApi();
const secret = `whsec_${randomBytes(32).toString('base64')}`;
const stripeSecret = 'whsec_the_secret_of_the_endpoint';
const secrets = { PAYMENT_WEBHOOK_SECRETS: secret, STRIPE_WEBHOOK_SECRETS: stripeSecret };

/** An event to deliver; by default a success that pays one unit at 29.99. */
interface EventToDeliver {
  readonly orderId: string;
  readonly key?: string;
  readonly cents?: number;
  /** Whether it reports a status that has no effect. */
  readonly hasNoEffect?: boolean;
}

/** How a provider writes and signs its events. */
interface TestProvider {
  readonly path: string;
  readonly eventOf: (event: EventToDeliver) => string;
  readonly sign: (body: string) => Record<string, string>;
}

const payments: TestProvider = {
  path: '/api/payments/webhook',
  eventOf: ({ orderId, key = randomUUID(), cents = 2999, hasNoEffect = false }) =>
    JSON.stringify({
      payment_id: `pay_${key}`,
      order_id: orderId,
      status: hasNoEffect ? 'authorized' : 'success',
      idempotency_key: key,
      amount: cents / 100,
      currency: 'USD',
    }),
  sign: (payload) => signPayload(secret, { id: randomUUID(), at: new Date(), payload }),
};

const stripe: TestProvider = {
  path: '/api/payments/webhook/stripe',
  eventOf: ({ orderId, key = `evt_${randomUUID()}`, cents = 2999, hasNoEffect = false }) =>
    JSON.stringify({
      id: key,
      type: hasNoEffect ? 'payment_intent.created' : 'payment_intent.succeeded',
      livemode: true,
      data: {
        object: {
          id: `pi_${key}`,
          amount: cents,
          amount_received: cents,
          currency: 'usd',
          metadata: { order_id: orderId },
        },
      },
    }),
  sign: (payload) => ({
    'stripe-signature': Stripe.webhooks.generateTestHeaderString({ payload, secret: stripeSecret }),
  }),
};

let server: TestServer;
/** The same shop with one route each, and without its database. */
let withoutRoute: ReadonlyMap<TestProvider, TestServer>;
let withoutDatabase: TestServer;
let line: DatabaseProxy;

beforeAll(async () => {
  server = await startTestServer(secrets);
  const DATABASE_URL = server.databaseUrl;
  const production = {
    DATABASE_URL,
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    ALLOW_DATA_LOSS: 'true',
  };
  const { PAYMENT_WEBHOOK_SECRETS, STRIPE_WEBHOOK_SECRETS } = secrets;
  withoutRoute = new Map([
    [payments, await startTestServer({ ...production, STRIPE_WEBHOOK_SECRETS })],
    [stripe, await startTestServer({ ...production, PAYMENT_WEBHOOK_SECRETS })],
  ]);
  line = await openDatabaseProxy(DATABASE_URL);
  withoutDatabase = await startTestServer({ ...secrets, DATABASE_URL: line.url });
  line.cut();
});

afterAll(async () => {
  await withoutDatabase.stop();
  await line[Symbol.asyncDispose]();
  for (const one of withoutRoute.values()) await one.stop();
  await server.stop();
});

/** The id of a new order of one unit at 29.99. */
async function pendingOrder(): Promise<string> {
  const { shop } = server;
  const made = await hold(shop, await makeProduct(shop, { price: '29.99' }));
  await order(shop, made);
  return made.orderId;
}

/** Delivers a signed body; `changes` replace parts of the request. */
function deliver(
  { path, sign }: TestProvider,
  body: string,
  { url = server.url, headers, ...changes }: RawRequest & { readonly url?: string } = {},
): Promise<HttpAnswer> {
  const own = { 'content-type': 'application/json', ...sign(body) };
  return sendRaw(url, { path, body, headers: { ...own, ...headers }, ...changes });
}

/** Requests by the answer that each one produces. */
const REQUESTS: Readonly<Record<string, (provider: TestProvider) => Promise<HttpAnswer>>> = {
  '200 applied': async (to) => deliver(to, to.eventOf({ orderId: await pendingOrder() })),
  '200 ignored': async (to) =>
    deliver(to, to.eventOf({ orderId: await pendingOrder(), hasNoEffect: true })),
  '200 refund_required': async (to) =>
    deliver(to, to.eventOf({ orderId: await pendingOrder(), cents: 2998 })),
  '202 parked': (to) => deliver(to, to.eventOf({ orderId: randomUUID() })),
  '400 malformed': (to) => deliver(to, 'not JSON'),
  '400 bad_request': (to) => deliver(to, '{}', { headers: { host: 'two words' } }),
  '401 bad_signature': (to) =>
    deliver({ ...to, sign: () => ({}) }, to.eventOf({ orderId: randomUUID() })),
  '404 not_found': (to) => deliver(to, '{}', { url: withoutRoute.get(to)!.url }),
  '405 method_not_allowed': (to) => deliver(to, '', { method: 'GET' }),
  '413 too_large': (to) => deliver(to, JSON.stringify('x'.repeat(64 * 1024))),
  '415 unsupported_media_type': (to) =>
    deliver(to, '{}', { headers: { 'content-type': 'text/plain' } }),
  '422 invalid_fields': (to) => deliver(to, '{}'),
  '422 idempotency_key_reused': async (to) => {
    const event = { orderId: randomUUID(), key: `key_${randomUUID()}` };
    await deliver(to, to.eventOf(event));
    return deliver(to, to.eventOf({ ...event, cents: 1 }));
  },
  '503 unavailable': (to) =>
    deliver(to, to.eventOf({ orderId: randomUUID() }), { url: withoutDatabase.url }),
};

function kindOf({ status, text }: HttpAnswer): string {
  const { outcome, error } = JSON.parse(text) as { outcome?: string; error?: string };
  return `${status} ${outcome ?? error}`;
}

test('docs/openapi.yaml documents the two webhook routes of this version', () => {
  const { version } = JSON.parse(textOf('package.json')) as { version: string };

  expect(openApi.version).toBe(version);
  expect(openApi.paths).toEqual([payments.path, stripe.path]);
});

test('docs/openapi.yaml documents every outcome, and every error that the route names', () => {
  const documented = openApi.answersOf(payments.path);
  const named = [
    ...textOf('src/server/webhook/route.ts').matchAll(/\b(\d{3})[,:]\s*'([a-z_]+)'/g),
  ].map(([, status, code]) => `${status} ${code}`);

  expect(named.length).toBeGreaterThan(6);
  expect(named.filter((answer) => !documented.includes(answer))).toEqual([]);
  for (const outcome of Object.values(OUTCOME_OF_STATUS))
    expect(documented).toContainEqual(expect.stringMatching(`^20\\d ${outcome}$`));
});

describe.each([payments, stripe])('$path in docs/openapi.yaml', (provider) => {
  const { path } = provider;

  test('has exactly the answers that the requests of this test produce', () => {
    expect(openApi.answersOf(path).toSorted()).toEqual(Object.keys(REQUESTS).toSorted());
  });

  test.each(Object.keys(REQUESTS))('describes the answer %s', async (kind) => {
    const answer = await REQUESTS[kind]!(provider);

    expect(kindOf(answer)).toBe(kind);
    expect(openApi.answerErrors(path, answer)).toEqual([]);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['idempotent-replayed']).toBeUndefined();
  });

  test('describes the answer to an event that is delivered again', async () => {
    for (const orderId of [await pendingOrder(), randomUUID()]) {
      const event = provider.eventOf({ orderId });

      const first = await deliver(provider, event);
      const again = await deliver(provider, event);

      expect(openApi.answerErrors(path, again)).toEqual([]);
      expect(again).toMatchObject({
        status: first.status,
        text: first.text,
        headers: { 'idempotent-replayed': 'true' },
      });
    }
  });

  test('requires the headers without which an event is refused', async () => {
    const event = provider.eventOf({ orderId: randomUUID() });
    const signed = Object.entries(provider.sign(event));

    expect(openApi.requiredHeaders(path)).toEqual(signed.map(([name]) => name));
    for (const [missing] of signed) {
      const sign = () => Object.fromEntries(signed.filter(([name]) => name !== missing));
      expect((await deliver({ ...provider, sign }, event)).status).toBe(401);
    }
  });

  test('accepts the bodies that the route accepts, and not the one that it refuses', () => {
    const event = { orderId: randomUUID() };

    expect(openApi.requestErrors(path, provider.eventOf(event))).toEqual([]);
    expect(openApi.requestErrors(path, provider.eventOf({ ...event, hasNoEffect: true }))).toEqual(
      [],
    );
    expect(openApi.requestErrors(path, '{}')).not.toEqual([]);
  });
});
