import { randomUUID } from 'node:crypto';
import { AS_ADMIN, ask, send } from '../support/graphql-client.ts';
import { hold, order, payment, deliver } from '../support/buyer.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, moveClock, until } from '../support/shop.ts';
import { openReceiver, type Receiver } from '../support/webhook-receiver.ts';

/*
 * Events are delivered to webhook endpoints: signed, retried, logged, and again where a server was killed.
 */

let server: TestServer;

beforeEach(async () => {
  server = await startTestServer();
});

afterEach(async () => {
  await moveClock(server.database, 0);
  await server.stop();
});

const CREATE = `mutation ($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) {
  secret endpoint { id url enabled disabledReason eventTypes description } } }`;

const create = (url: string, eventTypes = ['ORDER_PAID']) =>
  ask(server.url, CREATE, { input: { url, eventTypes } }, AS_ADMIN);

const endpoints = () =>
  ask(server.url, '{ webhookEndpoints { id enabled disabledReason } }', {}, AS_ADMIN);

const deliveries = async (given = '') =>
  (
    await ask(
      server.url,
      `{ webhookDeliveries${given} { nodes { id status endpointId nextAttemptAt
        event { id type payload } attempts { at status answer durationMs } } totalCount } }`,
      {},
      AS_ADMIN,
    )
  ).nodes;

/** A paid order; its id. */
async function sell(): Promise<string> {
  const productId = await makeProduct(server.shop);
  const { id } = await order(server.shop, await hold(server.shop, productId));
  await deliver(server.shop, payment(id));
  return id;
}

/** Moves the clock forward until the endpoint has this many deliveries. */
async function receivedAfter(receiver: Receiver, count: number, aheadMs: number): Promise<void> {
  await moveClock(server.database, aheadMs);
  await until(`delivery ${count}`, () => receiver.received.length >= count);
}

const firstDelivery = (status: string) =>
  until(`a delivery that is ${status}`, async () =>
    (await deliveries()).find((one: { status: string }) => one.status === status),
  );

test('a paid order is delivered once, signed, with the id and the body of its event', async () => {
  await using receiver = await openReceiver();
  const { secret, endpoint } = await create(receiver.url);
  const orderId = await sell();
  await until('the delivery', () => receiver.received.length > 0);
  const delivery = await firstDelivery('DELIVERED');

  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(receiver.verified(secret)).toMatchObject([
    { type: 'order.paid', sequence: 1, data: { order: { id: orderId, status: 'PAID' } } },
  ]);
  const [{ headers, body }] = receiver.received as [(typeof receiver.received)[number]];
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': expect.stringMatching(/^flash-sale-checkout\/\d/),
    'webhook-id': delivery.event.id,
  });
  expect(delivery).toMatchObject({
    endpointId: endpoint.id,
    nextAttemptAt: null,
    event: { type: 'ORDER_PAID', payload: body },
    attempts: [{ status: 204, answer: '' }],
  });
  expect(receiver.received).toHaveLength(1);
});

test('only the types of an endpoint, and only what happens after its creation, are delivered', async () => {
  await sell();
  await ask(server.url, '{ events { totalCount } }', {}, AS_ADMIN);
  await using receiver = await openReceiver();
  await create(receiver.url, ['PRODUCT_SOLD_OUT']);
  await sell();
  await hold(server.shop, await makeProduct(server.shop, { totalStock: 1 }));
  await until('the delivery', () => receiver.received.length > 0);

  expect(receiver.received.map(({ body }) => JSON.parse(body).type)).toEqual(['product.sold_out']);
});

test('a failed delivery is repeated by the plan with the same id, until it is taken', async () => {
  await using receiver = await openReceiver((response, index) => {
    response.writeHead(index < 2 ? 500 : 200).end('busy'.repeat(1000));
  });
  const { secret } = await create(receiver.url);
  await sell();
  await until('the first attempt', () => receiver.received.length === 1);
  const pending = await firstDelivery('PENDING');
  await until('its record', async () => (await deliveries())[0].attempts.length === 1);
  await receivedAfter(receiver, 2, 6000);
  await until('its record', async () => (await deliveries())[0].attempts.length === 2);
  await receivedAfter(receiver, 3, 6000 + 67_000);
  const { attempts } = await firstDelivery('DELIVERED');

  expect(attempts.map(({ status }: { status: number }) => status)).toEqual([500, 500, 200]);
  expect(attempts[0].answer).toHaveLength(1024);
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(receiver.received[0]!.headers['webhook-id']).toBe(pending.event.id);
  expect(receiver.received.map(({ body }) => body)).toEqual(Array(3).fill(pending.event.payload));
  expect(secret).toBeDefined();
});

test('a redirect is a failure and is not followed', async () => {
  await using target = await openReceiver();
  await using receiver = await openReceiver((response) => {
    response.writeHead(302, { location: target.url }).end();
  });
  await create(receiver.url);
  await sell();
  await until('the attempt', async () => (await deliveries())[0]?.attempts.length === 1);

  expect((await deliveries())[0]).toMatchObject({ status: 'PENDING', attempts: [{ status: 302 }] });
  expect(target.received).toEqual([]);
});

test('an endpoint that is gone is disabled at once', async () => {
  await using receiver = await openReceiver((response) => void response.writeHead(410).end());
  await create(receiver.url);
  await sell();
  const [endpoint] = await until('the end', async () => {
    const all = await endpoints();
    return all[0].enabled ? undefined : all;
  });
  await sell();

  expect(endpoint).toMatchObject({ disabledReason: 'The endpoint answered 410 Gone.' });
  expect((await deliveries()).length).toBe(1);
});

test('an endpoint that only fails for five days is disabled, and one that is enabled again continues', async () => {
  await using receiver = await openReceiver((response) => void response.writeHead(500).end());
  const { endpoint } = await create(receiver.url);
  await sell();
  await until('the first record', async () => (await deliveries())[0]?.attempts.length === 1);
  await receivedAfter(receiver, 2, 5 * 24 * 3600_000 + 60_000);
  await until('the end', async () => !(await endpoints())[0].enabled);
  const [disabled] = await endpoints();
  receiver.answerWith((response) => void response.writeHead(200).end());
  await ask(
    server.url,
    'mutation ($id: ID!) { updateWebhookEndpoint(input: { id: $id, enabled: true }) { ... on WebhookEndpoint { enabled } } }',
    { id: endpoint.id },
    AS_ADMIN,
  );
  await receivedAfter(receiver, 3, 6 * 24 * 3600_000);
  await firstDelivery('DELIVERED');

  expect(disabled.disabledReason).toBe('Every attempt of the last five days failed.');
  expect((await endpoints())[0]).toMatchObject({ enabled: true, disabledReason: null });
});

test('after a rotation both secrets verify for 24 hours, then the new one alone', async () => {
  await using receiver = await openReceiver();
  const { secret, endpoint } = await create(receiver.url);
  const rotated = await ask(
    server.url,
    'mutation ($id: ID!) { rotateWebhookSecret(id: $id) { ... on WebhookEndpointWithSecret { secret } } }',
    { id: endpoint.id },
    AS_ADMIN,
  );
  await sell();
  await until('the delivery', () => receiver.received.length === 1);

  expect(rotated.secret).not.toBe(secret);
  expect(receiver.verified(secret)).toHaveLength(1);
  expect(receiver.verified(rotated.secret)).toHaveLength(1);
  await moveClock(server.database, 25 * 3600_000);
  await sell();
  await until('the second delivery', () => receiver.received.length === 2);
  const signatures = receiver.received[1]!.headers['webhook-signature'] as string;
  expect(signatures.split(' ')).toHaveLength(1);
});

test('an event is delivered again with the same id, to one endpoint or to all that take its type', async () => {
  await using first = await openReceiver();
  await using second = await openReceiver();
  const made = await create(first.url);
  await create(second.url, ['PRODUCT_SOLD_OUT']);
  await sell();
  const { event } = await firstDelivery('DELIVERED');
  const again = (variables: object) =>
    ask(
      server.url,
      `mutation ($eventId: ID!, $endpointId: ID) { redeliverEvent(eventId: $eventId, endpointId: $endpointId) {
        __typename ... on ShopEvent { id } ... on CheckoutError { code } } }`,
      variables,
      AS_ADMIN,
    );

  expect(await again({ eventId: event.id })).toMatchObject({ id: event.id });
  await until('the second delivery', () => first.received.length === 2);
  await until('its record', async () => (await firstDelivery('DELIVERED')).attempts.length === 2);
  expect(await again({ eventId: event.id, endpointId: made.endpoint.id })).toMatchObject({
    id: event.id,
  });
  await until('the third delivery', () => first.received.length === 3);
  expect(new Set(first.received.map(({ headers }) => headers['webhook-id']))).toEqual(
    new Set([event.id]),
  );
  expect(second.received).toEqual([]);
  expect(await again({ eventId: randomUUID() })).toMatchObject({ code: 'EVENT_NOT_FOUND' });
  expect(await again({ eventId: event.id, endpointId: randomUUID() })).toMatchObject({
    code: 'WEBHOOK_ENDPOINT_NOT_FOUND',
  });
});

test('a deleted endpoint is listed no more, gets nothing, and its log stays', async () => {
  await using receiver = await openReceiver((response) => void response.writeHead(500).end());
  const { endpoint } = await create(receiver.url);
  await sell();
  await until('the record', async () => (await deliveries())[0]?.attempts.length === 1);
  const remove = () =>
    ask(
      server.url,
      `mutation ($id: ID!) { deleteWebhookEndpoint(id: $id) { __typename ... on WebhookEndpoint { id enabled }
        ... on CheckoutError { code } } }`,
      { id: endpoint.id },
      AS_ADMIN,
    );

  expect(await remove()).toMatchObject({ id: endpoint.id, enabled: false });
  expect(await remove()).toMatchObject({ code: 'WEBHOOK_ENDPOINT_NOT_FOUND' });
  expect(await endpoints()).toEqual([]);
  expect(await deliveries('(status: FAILED)')).toMatchObject([{ endpointId: endpoint.id }]);
});

test('the secret of an endpoint is in no audit entry and in no other answer', async () => {
  const { secret, endpoint } = await create('http://127.0.0.1:9/events');
  const [dump] = await server.database.rows<{ text: string }>(
    'select string_agg(a::text, $1) as text from operator_acts a',
    ['\n'],
  );

  expect(dump!.text).toContain(endpoint.id === undefined ? '' : 'createWebhookEndpoint');
  expect(dump!.text).not.toContain(secret.slice(6));
  const fields = await send(server.url, '{ webhookEndpoints { secret } }', {}, AS_ADMIN);
  expect(fields.status).toBe(400);
});

test('a claimed delivery of a killed server is taken over when its lease ends', async () => {
  await using receiver = await openReceiver();
  await create(receiver.url);
  await sell();
  await until('the first delivery', () => receiver.received.length === 1);
  await firstDelivery('DELIVERED');
  // As a server leaves it that was killed between the claim and the record.
  await server.database.rows(
    `update webhook_deliveries set status = 'PENDING', leased_until = shop_clock() + interval '25 seconds',
       next_attempt_at = shop_clock() + interval '25 seconds'`,
    [],
  );
  await receivedAfter(receiver, 2, 26_000);

  expect(receiver.received[1]!.headers['webhook-id']).toBe(
    receiver.received[0]!.headers['webhook-id'],
  );
});

test('an endpoint gets at most 20 deliveries at a time, and a hanging one delays no other', async () => {
  const waiting: (() => void)[] = [];
  await using hanging = await openReceiver((response) => {
    waiting.push(() => void response.writeHead(200).end());
  });
  await using good = await openReceiver();
  await create(hanging.url);
  await create(good.url);
  for (let count = 0; count < 30; count += 1) await sell();
  await until('all at the good endpoint', () => good.received.length === 30);
  await until('twenty at the hanging one', () => hanging.received.length === 20);
  await firstDelivery('DELIVERED');

  expect(hanging.received).toHaveLength(20);
  while (hanging.received.length < 30) {
    for (const answer of waiting.splice(0)) answer();
    await until('the next deliveries', () => waiting.length > 0 || hanging.received.length === 30);
  }
  for (const answer of waiting.splice(0)) answer();
});

test.each([
  ['ftp://example.org', /must begin with/],
  ['example.org', /must begin with/],
  ['', /must begin with/],
  ['https://user:secret@example.org', /user or a password/],
  ['https://example.org/#part', /fragment/],
  [`https://example.org/${'x'.repeat(2029)}`, /2049 characters/],
  ['https://example.org/\0', /must not contain NUL/],
  ['https://example.org/\ud83d', /must not contain NUL/],
])('the url %s is refused', async (url, complaint) => {
  const { errors } = await send(
    server.url,
    CREATE,
    { input: { url, eventTypes: ['ORDER_PAID'] } },
    AS_ADMIN,
  );

  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  expect(errors![0]!.message).toMatch(complaint);
  expect(await endpoints()).toEqual([]);
});

test('no type, and an unknown type, are refused', async () => {
  for (const eventTypes of [[], ['ORDER_LOST']]) {
    const { errors } = await send(
      server.url,
      CREATE,
      { input: { url: 'https://example.org', eventTypes } },
      AS_ADMIN,
    );
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  }
  expect(await endpoints()).toEqual([]);
});

const ID = randomUUID();

test.each([
  '{ webhookEndpoints { id } }',
  '{ webhookDeliveries { totalCount } }',
  'mutation { createWebhookEndpoint(input: { url: "https://example.org", eventTypes: [ORDER_PAID] }) { secret } }',
  `mutation { updateWebhookEndpoint(input: { id: "${ID}" }) { __typename } }`,
  `mutation { rotateWebhookSecret(id: "${ID}") { __typename } }`,
  `mutation { deleteWebhookEndpoint(id: "${ID}") { __typename } }`,
  `mutation { redeliverEvent(eventId: "${ID}") { __typename } }`,
])('%s needs the admin token', async (operation) => {
  const { errors } = await send(server.url, operation);

  expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
});

test('a stop does not wait for an endpoint that does not answer, and the event is delivered later', async () => {
  await using receiver = await openReceiver(() => {});
  await create(receiver.url);
  await sell();
  await until('the attempt', () => receiver.received.length === 1);

  const startedAt = performance.now();
  await server.stopServer();
  const stoppedMs = performance.now() - startedAt;
  const [delivery] = await server.database.rows<{ status: string; attempts: unknown[] }>(
    'select status, attempts from webhook_deliveries',
    [],
  );

  expect(stoppedMs).toBeLessThan(10_000);
  expect(delivery).toEqual({ status: 'PENDING', attempts: [] });
});
