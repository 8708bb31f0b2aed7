import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { silentLog, type Logger } from '../../src/lib/log.ts';
import { Origins } from '../../src/server/http/origins.ts';
import { PORT_TIMEOUTS } from '../../src/server/http/port/timeouts.ts';
import { Port } from '../../src/server/http/port/port.ts';
import {
  CREATE_HOLD,
  sendRaw,
  type RawAnswer,
  type RawRequest,
} from '../support/graphql-client.ts';
import { openDatabaseProxy, startTestServer, type TestServer } from '../support/server.ts';
import { createTestDatabase, makeProduct, until } from '../support/shop.ts';
import { openRawConnection, postText } from '../support/raw-connection.ts';
import { openRawSocket } from '../support/socket-client.ts';

const ORIGIN = 'https://shop.example';
const JSON_TYPE = { 'content-type': 'application/json' };
const SECRET = `whsec_${Buffer.from('a webhook secret for tests of CORS').toString('base64')}`;

const warnings: string[] = [];
const log: Logger = { ...silentLog, warn: (_facts, message) => void warnings.push(message) };

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({
    ALLOWED_ORIGINS: ORIGIN,
    PAYMENT_WEBHOOK_SECRETS: SECRET,
    METRICS_TOKEN: 'a metrics token that is long enough',
    HOLDS_PER_MINUTE: '1',
    log,
  });
});

beforeEach(() => void (warnings.length = 0));

afterAll(() => server.stop());

const from = (origin: string, request: RawRequest, url = server.url): Promise<RawAnswer> =>
  sendRaw(url, { ...request, headers: { ...request.headers, origin } });

const preflight = (origin: string, path = '/graphql', url = server.url): Promise<RawAnswer> =>
  from(
    origin,
    {
      method: 'OPTIONS',
      path,
      headers: {
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    },
    url,
  );

/** A page of the allowed origin can read the answer and Retry-After. */
function expectReadable({ headers }: RawAnswer): void {
  expect(headers['access-control-allow-origin']).toBe(ORIGIN);
  expect(headers['access-control-expose-headers']?.toLowerCase().split(',')).toEqual([
    'retry-after',
    'x-request-id',
  ]);
  expect(headers.vary).toMatch(/\borigin\b/i);
  expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
}

const operation = (query: string): RawRequest => ({
  headers: JSON_TYPE,
  body: JSON.stringify({ query }),
});

const WEBHOOK = '/api/payments/webhook';

test.each<[number, string, RawRequest]>([
  [200, 'an operation', operation('{ __typename }')],
  [400, 'an operation that is not valid', operation('{ unknown }')],
  [400, 'a body that is not JSON', { headers: JSON_TYPE, body: '{' }],
  [400, 'a form', { headers: { 'content-type': 'text/plain' }, body: 'x' }],
  [
    200,
    'an operation that expects what the server does not know',
    { headers: { ...JSON_TYPE, expect: 'unknown' }, body: '{"query":"{ __typename }"}' },
  ],
  [400, 'a malformed target', { path: 'http:///graphql', ...operation('{ __typename }') }],
  [401, 'a webhook without signature', { path: WEBHOOK, headers: JSON_TYPE, body: '{}' }],
  [401, 'metrics without the token', { method: 'GET', path: '/metrics' }],
  [404, 'an unknown path', { method: 'GET', path: '/nowhere' }],
  [405, 'an operation by PUT', { method: 'PUT', path: '/graphql' }],
  [405, 'a webhook by GET', { method: 'GET', path: WEBHOOK }],
  [413, 'a long operation', { headers: JSON_TYPE, body: 'x'.repeat(129 * 1024) }],
  [415, 'a webhook of another type', { path: WEBHOOK, headers: { 'content-type': 'text/plain' } }],
  [200, 'health', { method: 'GET', path: '/healthz' }],
  [200, 'the explorer', { method: 'GET', headers: { accept: 'text/html' } }],
])('the answer %i to %s has CORS headers', async (status, _what, request) => {
  const answer = await from(ORIGIN, request);

  expect(answer.status).toBe(status);
  expectReadable(answer);
});

test('the answer 429 has them, and Retry-After', async () => {
  const productId = String(await makeProduct(server.shop));
  const hold = {
    headers: JSON_TYPE,
    body: JSON.stringify({ query: CREATE_HOLD, variables: { input: { productId } } }),
  };
  await from(ORIGIN, hold);

  const answer = await from(ORIGIN, hold);

  expect(answer.status).toBe(429);
  expect(answer.headers['retry-after']).toMatch(/^\d+$/);
  expect(answer.headers['x-request-id']).toEqual(expect.any(String));
  expectReadable(answer);
});

test('the answer 503 to requests that waited too long has them, and Retry-After', async () => {
  using connection = await openRawConnection(server.url);
  const [waiting, text] = [5, postText('{ __typename }', `Origin: ${ORIGIN}\r\n`)];
  let started = 0;
  // The server runs in this process. Its last request of one packet blocks the event loop, so that the
  // others have waited too long when their turn comes.
  const block = (): void => {
    started += 1;
    const end = performance.now() + (started === waiting ? 2100 : 0);
    while (performance.now() < end);
  };
  subscribe('http.server.request.start', block);

  connection.write(text.repeat(waiting));
  const heads = await connection.heads(waiting);
  unsubscribe('http.server.request.start', block);

  for (const head of heads.slice(0, waiting - 1)) {
    expect(head).toMatch(/^HTTP\/1.1 503 /);
    expect(head).toMatch(/^Retry-After: \d+\r$/im);
    expect(head).toMatch(/^X-Request-Id: [0-9a-f-]{36}\r$/im);
    expect(head).toMatch(new RegExp(`^Access-Control-Allow-Origin: ${ORIGIN}\r$`, 'im'));
    expect(head).toMatch(/^Access-Control-Expose-Headers: .*retry-after/im);
  }
});

test('the answer 503 has them, without a database and during a stop', async () => {
  const database = await createTestDatabase();
  await using line = await openDatabaseProxy(database.url);
  const away = await startTestServer({ DATABASE_URL: line.url, ALLOWED_ORIGINS: ORIGIN });
  const read = operation('{ products { totalCount } }');

  line.cut();
  const failed = await until('the fault', async () => {
    const answer = await from(ORIGIN, read, away.url);
    return answer.status === 503 && answer;
  });
  line.restore();
  const stopped = away.stopServer();
  const ready = await from(ORIGIN, { method: 'GET', path: '/readyz' }, away.url);
  const allowed = await preflight(ORIGIN, '/graphql', away.url);
  await stopped;
  await away.stop();
  await database.drop();

  expect([failed.status, ready.status, allowed.status]).toEqual([503, 503, 204]);
  expect(failed.headers['retry-after']).toBe('1');
  for (const answer of [failed, ready, allowed]) expectReadable(answer);
});

test('the answer 503 has them during the start, and a preflight passes', async () => {
  const origins = new Origins({ isListed: (one) => one === ORIGIN, trustedHops: 0, log });
  const port = await Port.open({
    host: '127.0.0.1',
    port: 0,
    connectionsMax: 10,
    keepAliveSeconds: 75,
    origins,
    trustedHops: 0,
    timeouts: PORT_TIMEOUTS,
  });

  const answers = [
    await from(ORIGIN, operation('{ __typename }'), port.url),
    await from(ORIGIN, { path: WEBHOOK }, port.url),
    await from(ORIGIN, { method: 'GET', path: '/readyz' }, port.url),
    await preflight(ORIGIN, '/graphql', port.url),
  ];
  await port.close();

  expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 204]);
  for (const answer of answers) expectReadable(answer);
});

test.each(['/graphql', '/graphql/', WEBHOOK, '/metrics', '/nowhere'])(
  'a preflight of an allowed origin passes at %s',
  async (path) => {
    const answer = await preflight(ORIGIN, path);

    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-methods': 'GET,HEAD,POST',
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-max-age': '600',
    });
    expectReadable(answer);
  },
);

test.each([
  'https://evil.example',
  'https://shop.example.evil.example',
  'http://shop.example',
  'null',
])('a preflight of %s is refused, and the message names the origin', async (origin) => {
  const answer = await preflight(origin);

  expect(answer.status).toBe(403);
  expect(answer.text).toBe(`Origin ${origin} is not in ALLOWED_ORIGINS.\n`);
  expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  expect(answer.headers.vary).toBe('Origin');
  expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
});

test('another origin, and a request without an origin, get no CORS headers', async () => {
  const answers = [
    await from('https://evil.example', operation('{ __typename }')),
    await sendRaw(server.url, operation('{ __typename }')),
    await sendRaw(server.url, { method: 'OPTIONS' }),
  ];

  expect(answers.map(({ status }) => status)).toEqual([200, 200, 405]);
  for (const { headers } of answers) {
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(headers.vary).toBe('Origin');
  }
});

describe('the log', () => {
  test('names a refused origin once, by preflight or by websocket', async () => {
    const origin = 'https://logged.example';
    for (let count = 0; count < 5; count += 1) await preflight(origin);
    await expect(openRawSocket(server.socketUrl, { origin })).rejects.toThrow('403');

    expect(warnings).toEqual([
      'Refused a request of a page. Origin https://logged.example is not in ALLOWED_ORIGINS.',
    ]);
  });

  test('is bounded for many, long and malformed origins', () => {
    const origins = new Origins({ isListed: () => false, trustedHops: 0, log });

    const message = origins.refuse(`https://\u009b31m.example/${'x'.repeat(10_000)}`);
    for (let count = 0; count < 10_000; count += 1) origins.refuse(`https://${count}.example`);

    expect(message).toMatch(/^Origin https:\/\/\?31m\.example\/x+ is not in ALLOWED_ORIGINS\.$/);
    expect(message.length).toBeLessThan(250);
    expect(warnings).toHaveLength(10);
  });
});
