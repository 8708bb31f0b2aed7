import { randomUUID } from 'node:crypto';
import {
  AS_ADMIN,
  ask,
  CANCEL_ORDER,
  CREATE_HOLD,
  CREATE_ORDER,
  HOLD_QUERY,
  ORDER_QUERY,
  RELEASE_HOLD,
  send,
  sendRaw,
  type GraphqlAnswer,
} from '../support/graphql-client.ts';
import { deliver, success } from '../support/provider.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, until } from '../support/shop.ts';
import { openSocket } from '../support/socket-client.ts';
import { statementsOf } from '../support/statement-log.ts';

const SECRET = `whsec_${Buffer.from('a webhook secret for limits tests').toString('base64')}`;
const AUDIT = '{ stockAudit(productId: "1") { balanced } }';

/** Failing calls that an address may make in a minute. */
const FAILURES = 60;

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await startTestServer({ PAYMENT_WEBHOOK_SECRETS: SECRET, TRUSTED_PROXY_HOPS: '1' });
  const productId = String(await makeProduct(server.shop));
  token = (await ask(server.url, CREATE_HOLD, { input: { productId } })).token;
});

afterAll(() => server.stop());

let addresses = 0;

/** A caller address that has no counted requests yet, as the trusted proxy sends it. */
function newCaller(): Record<string, string> {
  addresses += 1;
  return { 'x-forwarded-for': `198.51.100.${addresses}` };
}

const guess = (): string => `${randomUUID()}.${token.split('.')[1]!}`;

/** Sends this number of requests at once, and returns their answers. */
const times = <T>(count: number, send: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, send));

/** What a refusal by a limit must look like. */
function expectRefused({ status, headers, errors }: GraphqlAnswer): void {
  expect(status).toBe(429);
  const seconds = Number(headers.get('retry-after'));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(60);
  expect(errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }]);
  expect(errors![0]!.extensions['retryAfterMs']).toBeLessThanOrEqual(60_000);
}

describe('tokens', () => {
  test('60 invalid tokens a minute are answered like any unknown token, the 61st is refused', async () => {
    const caller = newCaller();

    const guesses = await times(FAILURES, () =>
      send(server.url, HOLD_QUERY, { token: guess() }, caller),
    );
    const further = await send(server.url, HOLD_QUERY, { token: guess() }, caller);

    for (const { status, data, errors } of guesses)
      expect([status, data, errors]).toEqual([200, { hold: null }, undefined]);
    expectRefused(further);
  });

  test.each([
    ['hold', HOLD_QUERY],
    ['order', ORDER_QUERY],
    ['releaseHold', RELEASE_HOLD],
    ['createOrder', CREATE_ORDER],
    ['cancelOrder', CANCEL_ORDER],
  ])('guesses at %s count together with all others', async (_name, query) => {
    const caller = newCaller();
    await times(FAILURES / 2, () => send(server.url, HOLD_QUERY, { token: guess() }, caller));
    await times(FAILURES / 2, () => send(server.url, query, { token: guess() }, caller));

    expectRefused(await send(server.url, query, { token: 'nonsense' }, caller));
  });

  test('the right token is never refused for invalid ones from the same address', async () => {
    const caller = newCaller();
    await times(FAILURES + 40, () => send(server.url, HOLD_QUERY, { token: guess() }, caller));

    const mine = await send(server.url, HOLD_QUERY, { token }, caller);

    expect(mine).toMatchObject({ status: 200, data: { hold: { status: 'ACTIVE' } } });
  });

  test('invalid tokens of one address do not count for another', async () => {
    const caller = newCaller();
    await times(FAILURES + 1, () => send(server.url, HOLD_QUERY, { token: guess() }, caller));

    const other = await send(server.url, HOLD_QUERY, { token: guess() }, newCaller());

    expect(other.status).toBe(200);
  });

  test('invented entries of X-Forwarded-For do not change the address', async () => {
    const { 'x-forwarded-for': address } = newCaller();
    let invented = 0;
    const next = () => ({ 'x-forwarded-for': `10.9.8.${(invented += 1)}, ${address}` });
    await times(FAILURES, () => send(server.url, HOLD_QUERY, { token: guess() }, next()));

    expectRefused(await send(server.url, HOLD_QUERY, { token: guess() }, next()));
  });

  test('an invalid token never reaches the database', async () => {
    await using one = await startTestServer({ SWEEP_CRON: '0 0 0 1 1 *' });
    const right = async () => send(one.url, HOLD_QUERY, { token });

    const guessed = await statementsOf(() =>
      times(20, () => send(one.url, HOLD_QUERY, { token: guess() })),
    );
    const known = await statementsOf(right);

    const ofHolds = (statements: string[]) =>
      statements.filter((text) => /from holds where id = any/.test(text));
    expect(ofHolds(guessed)).toEqual([]);
    expect(ofHolds(known)).toHaveLength(1);
  });

  test('over the websocket a guess past the limit is refused, and the socket stays open', async () => {
    await using one = await startTestServer();
    const productId = String(await makeProduct(one.shop));
    const right = (await ask(one.url, CREATE_HOLD, { input: { productId } })).token as string;
    await times(FAILURES, () => send(one.url, HOLD_QUERY, { token: guess() }));
    await using socket = await openSocket(one.socketUrl);
    const query = 'subscription ($token: String!) { holdChanged(token: $token) { status } }';

    const refused = socket.subscribe(query, { token: guess() });
    await until('the refusal', () => refused.errors.length > 0);
    const served = socket.subscribe<{ status: string }>(query, { token: right });
    await until('the hold', () => served.values.length > 0);

    expect(refused.errors[0]!.extensions).toEqual({
      code: 'RATE_LIMITED',
      retryAfterMs: expect.any(Number),
    });
    expect(served.values).toEqual([{ status: 'ACTIVE' }]);
  });
});

describe('the admin token', () => {
  test('60 attempts without it are UNAUTHENTICATED, the 61st is refused, and the right one passes', async () => {
    const caller = newCaller();
    const wrong = { ...caller, authorization: 'Bearer wrong' };

    const tries = await times(FAILURES, () => send(server.url, AUDIT, {}, wrong));
    const further = await send(server.url, AUDIT, {}, caller);
    const right = await send(server.url, AUDIT, {}, { ...caller, ...AS_ADMIN });

    for (const { errors } of tries)
      expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    expectRefused(further);
    expect(right).toMatchObject({ status: 200, errors: undefined });
  });

  test('attempts without it do not count as invalid hold tokens', async () => {
    const caller = newCaller();
    await times(FAILURES + 1, () => send(server.url, AUDIT, {}, caller));

    const { status } = await send(server.url, HOLD_QUERY, { token: guess() }, caller);

    expect(status).toBe(200);
  });
});

test('signed webhooks are accepted after any number of unsigned ones from their address', async () => {
  const headers = newCaller();
  const orderId = randomUUID();
  const unsigned = await times(FAILURES + 20, () =>
    deliver(server.url, success(orderId), { headers }),
  );

  const signed = await times(100, () =>
    deliver(server.url, success(randomUUID()), { headers, secret: SECRET }),
  );

  expect(new Set(unsigned.map(({ status }) => status))).toEqual(new Set([401]));
  expect(new Set(signed.map(({ status }) => status))).toEqual(new Set([202]));
});

describe('holds', () => {
  test('are not limited by default: many buyers may share an address', async () => {
    const productId = String(await makeProduct(server.shop, { totalStock: 200 }));

    const answers = await times(150, () =>
      send(server.url, CREATE_HOLD, { input: { productId } }, { 'x-forwarded-for': '192.0.2.1' }),
    );

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  test('with HOLDS_PER_MINUTE=5 the sixth of an address is refused and moves no unit', async () => {
    await using limited = await startTestServer({ HOLDS_PER_MINUTE: '5', TRUSTED_PROXY_HOPS: '1' });
    const productId = await makeProduct(limited.shop);
    const wanted = { input: { productId: String(productId) } };
    const caller = newCaller();

    await times(5, () => ask(limited.url, CREATE_HOLD, wanted, caller));
    const sixth = await send(limited.url, CREATE_HOLD, wanted, caller);
    const other = await send(limited.url, CREATE_HOLD, wanted, newCaller());

    expectRefused(sixth);
    expect(other.data.createHold.__typename).toBe('Hold');
    expect(await limited.database.rows('select count(*)::int as holds from holds', [])).toEqual([
      { holds: 6 },
    ]);
  });

  test('an address is the same with any port, quotes, lines and spaces of its proxies', async () => {
    await using limited = await startTestServer({ HOLDS_PER_MINUTE: '5', TRUSTED_PROXY_HOPS: '2' });
    const productId = String(await makeProduct(limited.shop));
    const body = JSON.stringify({ query: CREATE_HOLD, variables: { input: { productId } } });
    const forms: (string | string[])[] = [
      '192.0.2.7, 10.0.0.2',
      '192.0.2.7:51234, 10.0.0.2',
      '"192.0.2.7:51235",10.0.0.2:1',
      '[::ffff:192.0.2.7]:51236, , 10.0.0.2',
      ['203.0.113.1', '192.0.2.7:51237', '10.0.0.2'],
      ['203.0.113.1, 192.0.2.7', ' 10.0.0.2 ,'],
    ];

    const statuses: number[] = [];
    for (const form of forms) {
      const headers = { 'content-type': 'application/json', 'x-forwarded-for': form };
      statuses.push((await sendRaw(limited.url, { headers, body })).status);
    }

    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  });
});
