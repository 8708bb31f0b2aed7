import { randomBytes } from 'node:crypto';
import { findRefunds } from '../../src/shop/payments/list-payments.ts';
import { findOrders } from '../../src/shop/purchases/reads/find-purchases.ts';
import { ask, CANCEL_ORDER, CREATE_HOLD, CREATE_ORDER, send } from '../support/graphql-client.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, moveClock, until } from '../support/shop.ts';

/*
 * The demo provider: a page on which a buyer pays in every way, and whose events arrive over HTTP.
 */

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const RETURN_URL = 'http://localhost:5173/thanks?a=1&b="2"';

const START = `mutation ($token: String!, $returnUrl: String) { startPayment(holdToken: $token, returnUrl: $returnUrl) {
  __typename ... on CheckoutError { code message retryable }
  ... on PaymentSession { provider id clientSecret url amount { amount currency } } } }`;

interface Started {
  readonly token: string;
  readonly orderId: string;
  readonly id: string;
  readonly url: string;
}

async function startAt(server: TestServer, returnUrl?: string): Promise<Started> {
  const productId = String(await makeProduct(server.shop, { name: 'A <b>Widget</b> & more' }));
  const { token, orderId } = await ask(server.url, CREATE_HOLD, { input: { productId } });
  await ask(server.url, CREATE_ORDER, { token });
  const session = await ask(server.url, START, { token, returnUrl });
  return { token, orderId, id: session.id, url: session.url };
}

const click = (url: string, action: string) =>
  fetch(url, {
    method: 'POST',
    body: new URLSearchParams({ action }),
    redirect: 'manual',
  });

describe.each([
  ['signed events', { PAYMENT_WEBHOOK_SECRETS: SECRET }],
  ['unsigned events', {}],
])('with %s', (_what, settings) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer(settings);
  });

  afterEach(() => moveClock(server.database, 0));

  afterAll(() => server.stop());

  const orderOf = async ({ orderId }: Started) => (await findOrders(server.shop, [orderId]))[0]!;

  test('startPayment answers the address of a page of this server', async () => {
    const { token, url, id } = await startAt(server);

    expect(url).toBe(`${server.url}/pay/${id}`);
    expect(await ask(server.url, START, { token })).toEqual({
      __typename: 'PaymentSession',
      provider: 'demo',
      id,
      clientSecret: null,
      url,
      amount: { amount: '29.99', currency: 'USD' },
    });
  });

  test('pay: the order is paid by this payment, and the buyer returns', async () => {
    const started = await startAt(server, RETURN_URL);

    const answer = await click(started.url, 'pay');

    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(new URL(RETURN_URL).href);
    expect(await orderOf(started)).toMatchObject({ status: 'PAID', paymentId: started.id });
  });

  test('without returnUrl the page shows what the webhook answered', async () => {
    const started = await startAt(server);

    const answer = await click(started.url, 'pay');

    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('The webhook answered 200 applied');
  });

  test('decline: the order stays pending, and the buyer may pay afterwards', async () => {
    const started = await startAt(server, RETURN_URL);

    const declined = await click(started.url, 'decline');
    const { status } = await orderOf(started);
    await click(started.url, 'pay');

    expect([declined.status, status]).toEqual([303, 'PENDING']);
    expect((await orderOf(started)).status).toBe('PAID');
  });

  test('twice: the second payment opens a refund', async () => {
    const started = await startAt(server);

    await click(started.url, 'twice');

    expect((await orderOf(started)).status).toBe('PAID');
    expect(await findRefunds(server.shop, [started.orderId])).toMatchObject([
      { reason: 'DUPLICATE_PAYMENT', paymentId: `${started.id}_2`, amount: '29.99' },
    ]);
  });

  test('wrong: one smallest unit too much opens a refund', async () => {
    const started = await startAt(server);

    await click(started.url, 'wrong');

    expect((await orderOf(started)).status).toBe('PENDING');
    expect(await findRefunds(server.shop, [started.orderId])).toMatchObject([
      { reason: 'AMOUNT_MISMATCH', amount: '30' },
    ]);
  });

  test('late: the payment arrives once the order has ended', async () => {
    const started = await startAt(server);

    const answer = await click(started.url, 'late');
    const before = await orderOf(started);
    await moveClock(server.database, 601_000);
    await until('the late payment', async () => (await orderOf(started)).status === 'PAID');
    const events = await server.database.rows<{ reason: string }>(
      'select from shop_events where order_id = $1',
      [started.orderId],
    );

    expect([answer.status, before.status]).toEqual([202, 'PENDING']);
    // ORDER_EXPIRED and ORDER_PAID.
    expect(events).toHaveLength(2);
  });

  test('an ended payment cannot be made, except as a late one', async () => {
    const started = await startAt(server, RETURN_URL);
    await ask(server.url, CANCEL_ORDER, { token: started.token });
    await until('the end of the session', async () => {
      const page = await (await fetch(started.url)).text();
      return page.includes('The payment is over: the order is CANCELLED.');
    });

    const refused = await click(started.url, 'pay');
    const { status } = await orderOf(started);
    await click(started.url, 'late');

    expect([refused.status, status]).toEqual([409, 'CANCELLED']);
    await until('the late payment', async () => (await orderOf(started)).status === 'PAID');
  });
});

describe('the page', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer();
  });

  afterAll(() => server.stop());

  test('has the amount, one button for each action, and no other content', async () => {
    const { url } = await startAt(server, RETURN_URL);

    const response = await fetch(url);
    const text = await response.text();

    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; .*form-action 'self' http:\/\/localhost:5173; frame-ancestors 'none'$/,
    );
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(text).toContain('29.99 USD');
    expect(text).toContain('1 × A &lt;b&gt;Widget&lt;/b&gt; &amp; more');
    expect(
      [...text.matchAll(/<button name="action" value="(\w+)">/g)].map(([, name]) => name),
    ).toEqual(['pay', 'decline', 'twice', 'late', 'wrong']);
    expect(text).not.toMatch(/<script|https?:\/\//);
    expect(text).toContain('<html lang="en">');
  });

  test.each([
    ['GET', '/pay/demo_unknown', 404],
    ['GET', '/pay/demo_%00', 404],
    ['GET', '/pay/', 404],
    ['GET', '/pay', 404],
    ['POST', '/pay/demo_unknown', 404],
    ['PUT', '/pay/demo_unknown', 405],
    ['DELETE', '/pay/demo_unknown', 405],
  ])('%s %s is answered %i', async (method, path, status) => {
    expect((await fetch(server.url + path, { method })).status).toBe(status);
  });

  test.each(['action=steal', 'action=__proto__', '', 'action=toString', '{"action":"pay"}'])(
    'the form %j does nothing',
    async (body) => {
      const started = await startAt(server);

      const response = await fetch(started.url, { method: 'POST', body });

      expect(response.status).toBe(400);
      expect(
        await server.database.rows('select from payment_events where order_id = $1', [
          started.orderId,
        ]),
      ).toEqual([]);
    },
  );

  test('a form that is too large is refused', async () => {
    const { url } = await startAt(server);

    expect((await fetch(url, { method: 'POST', body: 'x'.repeat(2000) })).status).toBe(413);
  });
});

test('in production there is no demo provider, and no page', async () => {
  await using server = await startTestServer({
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PAYMENT_WEBHOOK_SECRETS: SECRET,
    ALLOW_DATA_LOSS: 'true',
  });
  const productId = String(await makeProduct(server.shop));
  const { token } = await ask(server.url, CREATE_HOLD, { input: { productId } });
  await ask(server.url, CREATE_ORDER, { token });

  for (const provider of [undefined, 'demo']) {
    const { data } = await send(
      server.url,
      `mutation ($token: String!, $provider: String) { startPayment(holdToken: $token, provider: $provider) {
        ... on PaymentUnavailable { code retryable } } }`,
      { token, provider },
    );
    expect(data.startPayment).toEqual({ code: 'PAYMENT_UNAVAILABLE', retryable: false });
  }
  expect((await fetch(`${server.url}/pay/demo_x`)).status).toBe(404);
});
