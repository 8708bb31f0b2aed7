import { randomBytes, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { findRefunds } from '../../src/shop/payments/list-payments.ts';
import {
  AS_ADMIN,
  ask,
  CREATE_HOLD,
  CREATE_ORDER,
  ORDER_QUERY,
  RELEASE_HOLD,
  sendRaw,
} from '../support/graphql-client.ts';
import { deliver, success, WEBHOOK, type Delivery } from '../support/provider.ts';
import { openDatabaseProxy, startTestServer, type TestServer } from '../support/server.ts';
import {
  findingsOf,
  makeProduct,
  moveClock,
  openSession,
  stockOf,
  until,
} from '../support/shop.ts';

const secretOf = () => `whsec_${randomBytes(32).toString('base64')}`;
const [OLD_SECRET, NEW_SECRET] = [secretOf(), secretOf()];

let server: TestServer;
/** The same shop behind signatures. */
let signed: TestServer;

beforeAll(async () => {
  server = await startTestServer();
  signed = await startTestServer({
    DATABASE_URL: server.databaseUrl,
    PAYMENT_WEBHOOK_SECRETS: `${NEW_SECRET},${OLD_SECRET}`,
  });
});

afterEach(async () => {
  await moveClock(server.database, 0);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

afterAll(async () => {
  await signed.stop();
  await server.stop();
});

/** A hold of two units at 29.99, with its order unless the test creates it later. */
async function purchase({ ordered = true, totalStock = 5 } = {}) {
  const productId = await makeProduct(server.shop, { totalStock });
  const { token, orderId } = await ask(server.url, CREATE_HOLD, {
    input: { productId: String(productId), quantity: 2 },
  });
  if (ordered) await ask(server.url, CREATE_ORDER, { token });
  return { productId, token, orderId: orderId as string };
}

const EVENTS = `query ($orderId: ID) { paymentEvents(orderId: $orderId) {
  nodes { amount unreadableAmount status reason } } }`;

const order = (token: string) => ask(server.url, ORDER_QUERY, { token });

const events = async () =>
  (
    await server.database.rows<{ count: number }>(
      'select count(*)::int as count from payment_events',
      [],
    )
  )[0]!.count;

describe('the effect of each event', () => {
  test('a success is applied and returns the order status', async () => {
    const { productId, orderId, token } = await purchase();
    const event = success(orderId, { amount: 59.98, currency: 'USD', more: { fields: [1] } });

    const answer = await deliver(server.url, event);

    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers['idempotent-replayed']).toBeUndefined();
    expect(answer.body).toEqual({
      message: 'Webhook processed successfully',
      idempotency_key: event['idempotency_key'],
      payment_id: event['payment_id'],
      order_id: orderId,
      order_status: 'paid',
      outcome: 'applied',
    });
    expect(await order(token)).toMatchObject({ status: 'PAID', paymentId: event['payment_id'] });
    expect(await stockOf(server.shop, productId)).toMatchObject({ available: 3, sold: 2 });
  });

  test('a failure is applied and keeps the order, then the same payment may succeed', async () => {
    const { orderId, token } = await purchase();
    const payment_id = randomUUID();

    const failed = await deliver(server.url, success(orderId, { payment_id, status: 'failed' }));
    const between = await order(token);
    const paid = await deliver(server.url, success(orderId, { payment_id }));
    const late = await deliver(server.url, success(orderId, { payment_id, status: 'failed' }));

    expect(failed.body).toMatchObject({ outcome: 'applied', order_status: 'pending' });
    expect(between.status).toBe('PENDING');
    expect(paid.body).toMatchObject({ outcome: 'applied', order_status: 'paid' });
    expect(late.body).toMatchObject({ outcome: 'ignored', order_status: 'paid' });
    expect(late.status).toBe(200);
  });

  test('an event with the order’s current state, and one with an unknown status, is ignored', async () => {
    const { orderId } = await purchase();
    const payment_id = randomUUID();
    const other = await deliver(server.url, success(orderId, { status: 'authorized' }));
    await deliver(server.url, success(orderId, { payment_id }));

    const again = await deliver(server.url, success(orderId, { payment_id }));

    expect(other).toMatchObject({
      status: 200,
      body: { outcome: 'ignored', order_status: 'pending' },
    });
    expect(again).toMatchObject({
      status: 200,
      body: { outcome: 'ignored', order_status: 'paid' },
    });
  });

  test('a payment that no order can use becomes a refund, and the order does not change', async () => {
    const { orderId, token } = await purchase();

    const wrong = await deliver(server.url, success(orderId, { amount: '59.97' }));
    await deliver(server.url, success(orderId));
    const twice = await deliver(server.url, success(orderId));

    expect(wrong).toMatchObject({
      status: 200,
      body: { outcome: 'refund_required', order_status: 'pending' },
    });
    expect(twice.body).toMatchObject({ outcome: 'refund_required', order_status: 'paid' });
    expect((await order(token)).refunds).toMatchObject([
      { reason: 'AMOUNT_MISMATCH', amount: { amount: '59.97', currency: 'USD' } },
      { reason: 'DUPLICATE_PAYMENT', amount: { amount: '59.98', currency: 'USD' } },
    ]);
  });

  test('an event before its order is parked, applied by createOrder, and then answered as applied', async () => {
    const { productId, orderId, token } = await purchase({ ordered: false });
    const event = success(orderId, { amount: '59.98' });

    const parked = await deliver(server.url, event);
    const still = await deliver(server.url, event);
    const ordered = await ask(server.url, CREATE_ORDER, { token });
    const final = await deliver(server.url, event);

    expect(parked).toMatchObject({ status: 202, body: { outcome: 'parked', order_status: null } });
    expect(still).toMatchObject({
      status: 202,
      text: parked.text,
      headers: { 'idempotent-replayed': 'true' },
    });
    expect(ordered).toMatchObject({ status: 'PAID', paymentId: event['payment_id'] });
    expect(final).toMatchObject({
      status: 200,
      body: { outcome: 'applied', order_status: 'paid' },
      headers: { 'idempotent-replayed': 'true' },
    });
    expect(await findingsOf(server.shop, productId)).toEqual([]);
  });

  test('an event whose hold ends without an order becomes a refund', async () => {
    const { orderId, token } = await purchase({ ordered: false });
    const event = success(orderId);
    await deliver(server.url, event);

    await ask(server.url, RELEASE_HOLD, { token });
    const final = await until('the sweep to settle the event', async () => {
      const answer = await deliver(server.url, event);
      return answer.status === 200 && answer;
    });

    expect(final.body).toMatchObject({ outcome: 'refund_required', order_status: null });
  });

  test('a late payment takes available units', async () => {
    const { orderId, token } = await purchase();
    await moveClock(server.database, 601_000);
    await until('the order to expire', async () => (await order(token)).status === 'EXPIRED');

    const answer = await deliver(server.url, success(orderId));

    expect(answer.body).toMatchObject({ outcome: 'applied', order_status: 'paid' });
    expect((await order(token)).status).toBe('PAID');
  });
});

describe('the same event again', () => {
  test('100 simultaneous deliveries over two servers have one effect and one answer', async () => {
    const { productId, orderId, token } = await purchase();
    const event = success(orderId, { amount: '59.98' });
    const before = await events();

    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, position) =>
        position % 2 === 0
          ? deliver(server.url, event)
          : deliver(signed.url, event, { secret: NEW_SECRET }),
      ),
    );

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(
      answers.filter(({ headers }) => headers['idempotent-replayed'] === undefined),
    ).toHaveLength(1);
    expect(await order(token)).toMatchObject({ status: 'PAID', refunds: [] });
    expect(await stockOf(server.shop, productId)).toMatchObject({ sold: 2, version: 3 });
    expect(await events()).toBe(before + 1);
  });

  test('it is identified by its six fields, amount by value; other differences do not count', async () => {
    const { orderId } = await purchase();
    const event = success(orderId, { amount: 59.98, currency: 'USD', note: 'first' });
    const first = await deliver(server.url, event);

    const { currency, amount, note, ...rest } = event;
    const again = await deliver(
      server.url,
      { note: `${String(note)} again`, currency: 'usd', amount: '059.9800', ...rest },
      { headers: { 'webhook-id': 'another' } },
    );

    expect([currency, amount]).toEqual(['USD', 59.98]);
    expect(again).toMatchObject({
      status: 200,
      text: first.text,
      headers: { 'idempotent-replayed': 'true' },
    });
  });

  test('with other content it is refused, and the first result does not change', async () => {
    const { orderId, token } = await purchase();
    const { orderId: other } = await purchase();
    const event = success(orderId, { amount: '59.98', currency: 'USD' });
    const first = await deliver(server.url, event);
    const changes = [
      { amount: '59.97' },
      { amount: undefined },
      { currency: 'EUR' },
      { currency: undefined },
      { status: 'failed' },
      { payment_id: 'another' },
      { order_id: other },
      { order_id: randomUUID() },
    ];

    const answers = [];
    for (const change of changes) answers.push(await deliver(server.url, { ...event, ...change }));
    const again = await deliver(server.url, event);

    expect(answers.map(({ status, body }) => [status, body.error])).toEqual(
      changes.map(() => [422, 'idempotency_key_reused']),
    );
    expect(again.text).toBe(first.text);
    expect(await order(token)).toMatchObject({ status: 'PAID', refunds: [] });
  });

  test('an event without a key is identified by its webhook-id', async () => {
    const { orderId } = await purchase();
    const event = success(orderId, { idempotency_key: undefined });
    const headers = { 'webhook-id': `msg_${randomUUID()}` };

    const [first, again] = [
      await deliver(server.url, event, { headers }),
      await deliver(server.url, event, { headers }),
    ];
    const none = await deliver(server.url, event);

    expect(first.body).toMatchObject({
      outcome: 'applied',
      idempotency_key: headers['webhook-id'],
    });
    expect(again).toMatchObject({ text: first.text, headers: { 'idempotent-replayed': 'true' } });
    expect(none).toMatchObject({ status: 422, body: { error: 'invalid_fields' } });
    expect(Object.keys(none.body.fields)).toEqual(['idempotency_key']);
  });
});

describe('amounts', () => {
  test.each([
    '59.98',
    '"59.98"',
    '"59.980"',
    '"59.980000"',
    '"059.98"',
    '5.998e1',
    '5998e-2',
    '59.980',
  ])('%s is the right amount', async (amount) => {
    const { orderId } = await purchase();

    const answer = await deliver(server.url, withAmount(orderId, amount));

    expect(answer.body).toMatchObject({ outcome: 'applied', order_status: 'paid' });
  });

  test.each(['59.97', '"59.981"', '5998', '0', '"0.00"', '59.980001', '"999999999999999.999999"'])(
    '%s is another amount, and is refunded as received',
    async (amount) => {
      const { orderId, token } = await purchase();

      const answer = await deliver(server.url, withAmount(orderId, amount));

      expect(answer.body).toMatchObject({ outcome: 'refund_required', order_status: 'pending' });
      const [refund] = (await order(token)).refunds;
      expect(Number(refund.amount.amount)).toBe(Number(amount.replaceAll('"', '')));
    },
  );

  const UNREADABLE = [
    '-59.98',
    '"-59.98"',
    '"+59.98"',
    '-0',
    '-0.0',
    '"5.998e1"',
    '1e21',
    '1e-7',
    '1e400',
    '-1e400',
    '"59,98"',
    '" 59.98"',
    '"59.98 "',
    '"59."',
    '".98"',
    '""',
    '"0x3b"',
    '"٥٩"',
    '"1_000"',
    '"NaN"',
    '"Infinity"',
    '"59.9800000"',
    '"1000000000000000"',
    '1000000000000000',
    '"1.234,56"',
    '"1,234.56"',
    '"59.98 USD"',
    '"$59.98"',
    '"\\u0000"',
    '"\\ud800"',
    '"\\t59.98"',
    '"\u00a059.98"',
  ];

  test.each(UNREADABLE)('%s cannot be read: its money stays in sight', async (amount) => {
    const { orderId, token } = await purchase();
    const event = withAmount(orderId, amount);

    const answer = await deliver(server.url, event);
    const again = await deliver(server.url, event);

    expect(answer).toMatchObject({
      status: 200,
      body: { outcome: 'refund_required', order_status: 'pending' },
    });
    expect(again).toMatchObject({ status: 200, headers: { 'idempotent-replayed': 'true' } });
    expect(again.text).toBe(answer.text);
    const { status, refunds } = await order(token);
    expect({ status, refunds }).toMatchObject({
      status: 'PENDING',
      refunds: [{ reason: 'AMOUNT_MISMATCH', amount: null }],
    });
    const { nodes } = await ask(server.url, EVENTS, { orderId }, AS_ADMIN);
    expect(nodes).toMatchObject([
      {
        amount: null,
        unreadableAmount: expect.any(String),
        status: 'REFUND_REQUIRED',
        reason: expect.stringMatching(/^The amount "[^\p{Cc}]*" cannot be read\.$/u),
      },
    ]);
  });

  test.each(UNREADABLE)('%s in a failed attempt is refused', async (amount) => {
    const { orderId } = await purchase();
    const event = withAmount(orderId, amount).replace('"success"', '"failed"');

    const answer = await deliver(server.url, event);

    expect(answer).toMatchObject({ status: 422, body: { error: 'invalid_fields' } });
    expect(Object.keys(answer.body.fields)).toEqual(['amount']);
  });

  test('another unreadable amount under the same key is other content', async () => {
    const { orderId } = await purchase();
    const event = success(orderId, { amount: '59,98' });

    const first = await deliver(server.url, event);
    const changes = [
      { amount: '59,97' },
      { amount: '59.98' },
      { amount: -59.98 },
      { amount: undefined },
    ];
    const answers = [];
    for (const change of changes) answers.push(await deliver(server.url, { ...event, ...change }));

    expect(first.body).toMatchObject({ outcome: 'refund_required' });
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual(
      changes.map(() => [422, 'idempotency_key_reused']),
    );
  });

  test('an unreadable amount waits for its order, and is never guessed', async () => {
    const early = await purchase({ ordered: false });
    const never = await purchase({ ordered: false });

    const parked = await deliver(server.url, success(early.orderId, { amount: '59,98' }));
    await deliver(server.url, success(never.orderId, { amount: '59,98' }));
    const made = await ask(server.url, CREATE_ORDER, { token: early.token });
    await ask(server.url, RELEASE_HOLD, { token: never.token });

    expect(parked).toMatchObject({ status: 202, body: { outcome: 'parked' } });
    expect(made.status).toBe('PENDING');
    expect((await order(early.token)).refunds).toMatchObject([
      { reason: 'AMOUNT_MISMATCH', amount: null },
    ]);
    await until('the refund of the order that never came', async () => {
      const refunds = await findRefunds(server.shop, [never.orderId]);
      return refunds[0]?.reason === 'ORDER_NEVER_CREATED' && refunds[0].amount === null;
    });
  });

  test('a payment with an unreadable amount is refunded once', async () => {
    const { orderId, token } = await purchase();
    const event = success(orderId, { amount: '59,98' });

    await deliver(server.url, event);
    const other = await deliver(server.url, {
      ...event,
      idempotency_key: randomUUID(),
      amount: '59.98',
    });

    expect(other.body).toMatchObject({ outcome: 'ignored' });
    expect((await order(token)).refunds).toHaveLength(1);
  });

  test.each(['null', 'true', '[59.98]', '{"value":59.98}'])('%s is no amount', async (amount) => {
    const { orderId, token } = await purchase();

    const answer = await deliver(server.url, withAmount(orderId, amount));

    expect(answer).toMatchObject({ status: 422, body: { error: 'invalid_fields' } });
    expect(Object.keys(answer.body.fields)).toEqual(['amount']);
    expect(await order(token)).toMatchObject({ status: 'PENDING', refunds: [] });
  });

  /** The amount is in the text as given: JavaScript would write numbers in another form. */
  function withAmount(orderId: string, amount: string): string {
    return JSON.stringify(success(orderId)).replace(/}$/, `,"amount":${amount}}`);
  }
});

describe('malformed deliveries', () => {
  let orderId: string;
  let before: number;

  beforeAll(async () => {
    ({ orderId } = await purchase());
    before = await events();
  });

  afterEach(async () => expect(await events()).toBe(before));

  const cases: [string, number, string, () => [string | Buffer, Delivery?]][] = [
    ['half a document', 400, 'malformed', () => ['{"payment_id":']],
    ['nothing', 400, 'malformed', () => ['']],
    ['a list', 400, 'malformed', () => [`[${JSON.stringify(success(orderId))}]`]],
    ['a string', 400, 'malformed', () => ['"success"']],
    ['null', 400, 'malformed', () => ['null']],
    ['NaN', 400, 'malformed', () => ['{"amount": NaN}']],
    ['a byte order mark', 400, 'malformed', () => [`\ufeff${JSON.stringify(success(orderId))}`]],
    ['bytes that are not UTF-8', 400, 'malformed', () => [Buffer.from([0x22, 0xff, 0x22])]],
    ['100,000 brackets', 413, 'too_large', () => ['['.repeat(100_000)]],
    ['60,000 brackets', 400, 'malformed', () => ['['.repeat(60_000)]],
    ['65 KiB', 413, 'too_large', () => [JSON.stringify({ pad: 'x'.repeat(65 * 1024) })]],
    [
      '65 KiB in pieces of unknown number',
      413,
      'too_large',
      () => ['x'.repeat(65 * 1024), { headers: { 'transfer-encoding': 'chunked' } }],
    ],
    [
      'text',
      415,
      'unsupported_media_type',
      () => ['{}', { headers: { 'content-type': 'text/plain' } }],
    ],
    ['no type', 415, 'unsupported_media_type', () => ['{}', { headers: { 'content-type': '' } }]],
    [
      'JSON of another kind',
      415,
      'unsupported_media_type',
      () => ['{}', { headers: { 'content-type': 'application/problem+json' } }],
    ],
    [
      'UTF-16',
      415,
      'unsupported_media_type',
      () => ['{}', { headers: { 'content-type': 'application/json; charset=utf-16' } }],
    ],
    [
      'gzip',
      415,
      'unsupported_media_type',
      () => [
        gzipSync(JSON.stringify(success(orderId))),
        { headers: { 'content-encoding': 'gzip' } },
      ],
    ],
  ];

  test.each(cases)('%s is answered %d %s', async (_what, status, error, delivery) => {
    const [body, options] = delivery();

    const answer = await deliver(server.url, body, options);

    expect(answer).toMatchObject({
      status,
      body: { error, message: expect.stringMatching(/^[A-Z].*\.$/) },
    });
    expect(Object.keys(answer.body).toSorted()).toEqual(['error', 'message']);
  });

  const LONG = 'x'.repeat(256);
  const fields: [string, object, string[]][] = [
    ['no fields', {}, ['idempotency_key', 'payment_id', 'order_id', 'status']],
    ['a payment id that is a number', { payment_id: 7 }, ['payment_id']],
    ['an empty payment id', { payment_id: '' }, ['payment_id']],
    ['a payment id of 256 characters', { payment_id: LONG }, ['payment_id']],
    ['NUL in the payment id', { payment_id: 'a\0b' }, ['payment_id']],
    ['half a surrogate pair in the payment id', { payment_id: 'a\ud800' }, ['payment_id']],
    ['an order id that is no UUID', { order_id: '1' }, ['order_id']],
    ['an order id that is SQL', { order_id: "' or 1=1 --" }, ['order_id']],
    ['an order id in braces', { order_id: `{${randomUUID()}}` }, ['order_id']],
    ['an order id that is null', { order_id: null }, ['order_id']],
    ['an empty status', { status: '' }, ['status']],
    ['a status that is true', { status: true }, ['status']],
    ['NUL in the status', { status: 'succ\0ess' }, ['status']],
    ['a key of 256 characters', { idempotency_key: LONG }, ['idempotency_key']],
    ['an empty key', { idempotency_key: '' }, ['idempotency_key']],
    ['a key with a newline', { idempotency_key: 'a\nb' }, ['idempotency_key']],
    ['a key with half a surrogate pair', { idempotency_key: 'a\udc00' }, ['idempotency_key']],
    ['a key that is a number', { idempotency_key: 1 }, ['idempotency_key']],
    ['a currency of four letters', { currency: 'USDT' }, ['currency']],
    ['a currency that is null', { currency: null }, ['currency']],
    ['a currency in other letters', { currency: 'УСД' }, ['currency']],
    ['two wrong fields', { payment_id: null, status: 5 }, ['payment_id', 'status']],
  ];

  test.each(fields)('%s is answered 422 and named', async (what, wrong, names) => {
    const event = what === 'no fields' ? {} : { ...success(orderId), ...wrong };

    const answer = await deliver(server.url, event);

    expect(answer).toMatchObject({ status: 422, body: { error: 'invalid_fields' } });
    expect(Object.keys(answer.body.fields)).toEqual(names);
  });

  test('fields of the prototype are not fields', async () => {
    const bodies = [
      `{"__proto__":${JSON.stringify(success(orderId))}}`,
      `{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"order_id":"x"}`,
    ];

    const answers = [];
    for (const body of bodies) answers.push(await deliver(server.url, body));

    expect(answers.map(({ status }) => status)).toEqual([422, 422]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('requests to the webhook', () => {
  test.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is not allowed', async (method) => {
    const answer = await sendRaw(server.url, { method, path: WEBHOOK });

    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe('POST');
    expect(JSON.parse(answer.text)).toMatchObject({ error: 'method_not_allowed' });
  });

  test.each([
    '/api/payments/Webhook',
    '/API/payments/webhook',
    '//api/payments/webhook',
    '/api//payments/webhook',
    '/api/payments%2fwebhook',
    '/api/payments/webhoo%6b',
    '/api/payments/./webhook',
    '/api/payments/x/../webhook',
    '/api/payments/webhook/stripe',
    '/api/payments/webhook;x',
    '/api/payments',
  ])('there is nothing at %s', async (path) => {
    const { orderId, token } = await purchase();

    const answer = await deliver(server.url, success(orderId), { path });

    expect(answer).toMatchObject({ status: 404, body: { error: 'not_found' } });
    expect((await order(token)).status).toBe('PENDING');
  });

  test('a query string has no effect', async () => {
    const { orderId } = await purchase();

    const answer = await deliver(signed.url, success(orderId), { path: `${WEBHOOK}?signed=no` });

    expect(answer.status).toBe(401);
  });
});

describe('signatures', () => {
  const refused = { status: 401, body: { error: 'bad_signature' } };

  test('a valid signature is accepted, with the new secret or the old one', async () => {
    for (const secret of [NEW_SECRET, OLD_SECRET]) {
      const { orderId } = await purchase();

      const answer = await deliver(signed.url, success(orderId), { secret });

      expect(answer).toMatchObject({ status: 200, body: { outcome: 'applied' } });
    }
  });

  test('a missing, a wrong and another secret’s signature are refused before the body is parsed', async () => {
    const { orderId, token } = await purchase();
    const right = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
    };
    const headers: Record<string, string>[] = [
      {},
      right,
      { ...right, 'webhook-signature': '' },
      { ...right, 'webhook-signature': 'v1,' },
      { ...right, 'webhook-signature': 'v1' },
      { ...right, 'webhook-signature': `v1,${'A'.repeat(43)}=` },
      { ...right, 'webhook-signature': `v1,${'A'.repeat(10_000)}` },
      { ...right, 'webhook-signature': 'none' },
    ];
    const before = await events();

    for (const one of headers) {
      expect(await deliver(signed.url, success(orderId), { headers: one })).toMatchObject(refused);
      expect(await deliver(signed.url, 'not JSON', { headers: one })).toMatchObject(refused);
    }
    const stranger = await deliver(signed.url, success(orderId), { secret: secretOf() });
    const empty = await deliver(signed.url, success(orderId), { secret: 'whsec_AAAA' });

    expect([stranger, empty]).toMatchObject([refused, refused]);
    expect(await events()).toBe(before);
    expect((await order(token)).status).toBe('PENDING');
  });

  test('a signature covers the raw bytes, the id and the time, under its version', async () => {
    const { orderId } = await purchase();
    const { signPayload } = await import('../../src/server/webhook/signature.ts');
    const payload = JSON.stringify(success(orderId));
    const headers = signPayload(NEW_SECRET, { id: 'msg_2', at: new Date(), payload });
    const signature = headers['webhook-signature']!;
    const later = String(Number(headers['webhook-timestamp']) + 1);

    const wrong: [string, Record<string, string>][] = [
      [payload.replace('success', 'failed'), headers],
      [`${payload} `, headers],
      [JSON.stringify(JSON.parse(payload), null, 1), headers],
      [payload, { ...headers, 'webhook-id': 'msg_3' }],
      [payload, { ...headers, 'webhook-timestamp': later }],
      [payload, { ...headers, 'webhook-timestamp': `${headers['webhook-timestamp']}.0` }],
      [payload, { ...headers, 'webhook-timestamp': '' }],
      [payload, { ...headers, 'webhook-timestamp': '-1' }],
      [payload, { ...headers, 'webhook-timestamp': '9'.repeat(20) }],
      [payload, { ...headers, 'webhook-timestamp': 'now' }],
      [payload, { ...headers, 'webhook-signature': signature.replace('v1,', 'v0,') }],
      [payload, { ...headers, 'webhook-signature': signature.replace('v1,', 'v1a,') }],
      [payload, { ...headers, 'webhook-signature': signature.replace('v1,', '') }],
      [payload, { ...headers, 'webhook-signature': signature.slice(0, -1) }],
      [payload, { ...headers, 'webhook-signature': `${signature}A` }],
      [payload, { ...headers, 'webhook-signature': signature.toLowerCase() }],
      [payload, { ...headers, 'webhook-id': '' }],
    ];
    for (const [body, given] of wrong)
      expect(await deliver(signed.url, body, { headers: given })).toMatchObject(refused);
    const several = `v1,${'A'.repeat(43)}= v0,x ${signature}`;
    const right = await deliver(signed.url, payload, {
      headers: { ...headers, 'webhook-signature': several },
    });

    expect(right).toMatchObject({ status: 200, body: { outcome: 'applied' } });
  });

  test('a body that is not UTF-8 is malformed with a valid signature, else refused', async () => {
    const { orderId } = await purchase();
    const [before, after] = JSON.stringify(success(orderId, { note: '|' })).split('|');
    const bodyWith = (byte: number) =>
      Buffer.concat([Buffer.from(before!), Buffer.from([byte]), Buffer.from(after!)]);
    const { signPayload } = await import('../../src/server/webhook/signature.ts');
    const answerTo = (payload: string | Buffer) => {
      const id = randomUUID();
      const headers = signPayload(NEW_SECRET, { id, at: new Date(), payload });
      return deliver(signed.url, bodyWith(0xff), { headers });
    };

    const right = await answerTo(bodyWith(0xff));
    const ofOtherBytes = await answerTo(bodyWith(0xfe));
    const ofItsText = await answerTo(bodyWith(0xff).toString());

    expect(right).toMatchObject({ status: 400, body: { error: 'malformed' } });
    expect([ofOtherBytes, ofItsText]).toMatchObject([refused, refused]);
  });

  test('a signature is valid for 300 seconds either way, by the database’s clock', async () => {
    const at = async (aheadMs: number) => {
      const { orderId } = await purchase();
      const answer = await deliver(signed.url, success(orderId), {
        secret: NEW_SECRET,
        at: new Date(Date.now() + aheadMs),
      });
      return answer.status;
    };

    const byTrueClock = [
      await at(-290_000),
      await at(290_000),
      await at(-302_000),
      await at(302_000),
    ];
    await moveClock(server.database, 3_600_000);
    // The server's estimate follows a step of the clock within three seconds.
    await until('a refusal by the stepped clock', async () => (await at(0)) === 401);
    const anHourAhead = [await at(3_600_000), await at(3_300_000 - 10_000)];
    await moveClock(server.database, -3_600_000);
    await until('a refusal by the stepped clock', async () => (await at(0)) === 401);
    const anHourBehind = [await at(-3_600_000)];

    expect(byTrueClock).toEqual([200, 200, 401, 401]);
    expect(anHourAhead).toEqual([200, 401]);
    expect(anHourBehind).toEqual([200]);
  });

  test('a flood of wrong signatures never reaches the database', async () => {
    await using line = await openDatabaseProxy(server.databaseUrl);
    await using cutOff = await startTestServer({
      DATABASE_URL: line.url,
      PAYMENT_WEBHOOK_SECRETS: NEW_SECRET,
    });
    line.cut();

    const wrong = await deliver(cutOff.url, success(randomUUID()), { secret: secretOf() });
    const right = await deliver(cutOff.url, success(randomUUID()), { secret: NEW_SECRET });

    expect(wrong).toMatchObject(refused);
    expect(right).toMatchObject({ status: 503, body: { error: 'unavailable' } });
  });
});

describe('when the shop cannot process it', () => {
  test('without its database the answer is 503, and the redelivery applies the event', async () => {
    const { orderId } = await purchase();
    await using line = await openDatabaseProxy(server.databaseUrl);
    await using cutOff = await startTestServer({ DATABASE_URL: line.url });
    const event = success(orderId);

    line.cut();
    const away = await deliver(cutOff.url, event);
    line.restore();
    const back = await until('the delivery to be taken', async () => {
      const answer = await deliver(cutOff.url, event);
      return answer.status === 200 && answer;
    });

    expect(away).toMatchObject({ status: 503, body: { error: 'unavailable' } });
    expect(Number(away.headers['retry-after'])).toBeGreaterThan(0);
    expect(back.body).toMatchObject({ outcome: 'applied' });
  });

  test('an event for a locked order gets 503, and nothing is recorded', async () => {
    const { orderId, token } = await purchase();
    const event = success(orderId);
    const before = await events();
    await using session = await openSession(server.databaseUrl);
    await session.query('begin');
    await session.query('select * from orders where id = $1 for update', [orderId]);

    const busy = await deliver(server.url, event);
    const recorded = await events();
    await session.query('rollback');
    const again = await deliver(server.url, event);

    expect(busy).toMatchObject({ status: 503, body: { error: 'unavailable' } });
    expect(busy.headers['retry-after']).toBeDefined();
    expect(recorded).toBe(before);
    expect(again).toMatchObject({ status: 200, body: { outcome: 'applied' } });
    expect(again.headers['idempotent-replayed']).toBeUndefined();
    expect((await order(token)).status).toBe('PAID');
  });
});

test('if an amount is required, an event without one is a mismatch and never a 422', async () => {
  await using strict = await startTestServer({
    DATABASE_URL: server.databaseUrl,
    WEBHOOK_REQUIRE_AMOUNT: 'true',
  });
  const { orderId, token } = await purchase();

  const answer = await deliver(strict.url, success(orderId));

  expect(answer).toMatchObject({ status: 200, body: { outcome: 'refund_required' } });
  expect((await order(token)).refunds).toMatchObject([{ reason: 'AMOUNT_MISMATCH' }]);
});

test('the raw body and the relevant headers are stored, without the signature', async () => {
  const { orderId } = await purchase();
  const key = randomUUID();
  const body = `{ "idempotency_key": "${key}", "payment_id": "p-${key}",\n"order_id": "${orderId.toUpperCase()}", "status":"success", "extra": "é" }`;

  const answer = await deliver(signed.url, body, { secret: NEW_SECRET });
  const [kept] = await server.database.rows<{ payload: string; headers: Record<string, string> }>(
    'select payload, headers from payment_events where idempotency_key = $1',
    [key],
  );

  expect(answer.body).toMatchObject({ outcome: 'applied', order_id: orderId });
  expect(kept!.payload).toBe(body);
  expect(Object.keys(kept!.headers).toSorted()).toEqual(['webhook-id', 'webhook-timestamp']);
});
