import { connect } from 'node:net';
import { startTestServer, type TestServer } from '../support/server.ts';
import { openRawSocket } from '../support/socket-client.ts';

/**
 * Request targets that differ only in form get the same answer. They are written on a bare connection:
 * HTTP clients normalise targets by themselves.
 */

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({
    PAYMENT_WEBHOOK_SECRETS: SECRET,
    STRIPE_WEBHOOK_SECRETS: SECRET,
  });
});

afterAll(() => server.stop());

const OPERATION = JSON.stringify({ query: '{ __typename }' });

interface Sent {
  readonly method?: 'GET' | 'POST';
  readonly hosts?: readonly string[];
  readonly headers?: readonly string[];
  readonly version?: '1.0' | '1.1';
}

const REQUEST_ID = /^x-request-id: [0-9a-f-]{36}\r$/im;

/** The status of the answer and its text. */
async function send(
  target: string,
  { method = 'GET', hosts = ['Host: shop'], headers = [], version = '1.1' }: Sent = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port) });
  const body = method === 'POST' ? OPERATION : '';
  const length = method === 'POST' ? [`Content-Length: ${body.length}`] : [];
  const type = 'Content-Type: application/json';
  socket.write(
    [`${method} ${target} HTTP/${version}`, ...hosts, ...length, type, ...headers].join('\r\n'),
  );
  socket.write(`\r\n${headers.length > 0 ? '' : 'Connection: close\r\n'}\r\n${body}`);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return { status: Number(text.split(' ')[1]), text };
}

test.each([
  ['POST', '/graphql', 200],
  ['GET', '/graphql', 400],
  ['GET', '/healthz', 200],
  ['GET', '/readyz', 200],
  ['GET', '/metrics', 200],
  ['POST', '/api/payments/webhook', 401],
  ['POST', '/api/payments/webhook/stripe', 401],
  ['GET', '/api/payments/webhook', 405],
] as const)('%s %s gives the same answer with a slash at its end', async (method, path, status) => {
  for (const target of [path, `${path}/`, `${path}/?a=1`, `${path}?a=/`])
    expect([target, (await send(target, { method })).status]).toEqual([target, status]);
});

test.each(['POST', 'GET'] as const)(
  '%s in absolute form gives the same answer as the path',
  async (method) => {
    const { status: expected } = await send('/graphql', { method });
    for (const target of [
      'http://shop/graphql',
      'http://shop:4000/graphql',
      'HTTP://other.example/graphql/',
      'https://[::1]:4000/graphql',
      'http://shop/graphql/?a=1',
    ])
      expect([target, (await send(target, { method })).status]).toEqual([target, expected]);
    expect((await send('http://shop/healthz')).status).toBe(200);
    expect((await send('http://shop')).status).toBe((await send('/')).status);
    expect((await send('http://shop?a=1')).status).toBe((await send('/?a=1')).status);
  },
);

test.each([
  '//graphql',
  '/graphql//',
  '/graphql%2F',
  '/graphql%2f',
  '%2Fgraphql',
  '/%67raphql',
  '/Graphql',
  '/graphql/x',
  '/api//payments/webhook',
  'http://shop//graphql',
])('%s is not found', async (target) => {
  for (const method of ['POST', 'GET'] as const)
    expect([400, 404]).toContain((await send(target, { method })).status);
});

test.each([
  ['two of one name', ['Host: shop', 'Host: shop']],
  ['two names', ['Host: shop', 'Host: evil.example']],
  ['two in other letters', ['host: shop', 'HOST: shop']],
  ['three', ['Host: shop', 'Host: shop', 'Host: shop']],
  ['two in one', ['Host: shop, evil.example']],
  ['a path', ['Host: shop/graphql']],
  ['credentials', ['Host: me@shop']],
  ['none', []],
])('a Host header with %s is refused with 400', async (_, hosts) => {
  for (const target of ['/graphql', '/healthz', 'http://shop/graphql']) {
    const { status, text } = await send(target, { method: 'POST', hosts });
    expect(status).toBe(400);
    expect(text).toMatch(REQUEST_ID);
  }
  const upgrade = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol: graphql-transport-ws',
  ];
  const { status, text } = await send('/graphql', { hosts, headers: upgrade });
  expect(status).toBe(400);
  expect(text).toMatch(REQUEST_ID);
});

test('the refusal names the two Host headers', async () => {
  const { text } = await send('/graphql', { method: 'POST', hosts: ['Host: a', 'Host: b'] });

  expect(text).toContain('The request has more than one Host header.');
});

test.each(['http://me@shop/graphql', 'http:///graphql'])(
  'the target %s is refused with 400',
  async (target) => {
    const { status, text } = await send(target, { method: 'POST' });
    expect(status).toBe(400);
    expect(text).toMatch(REQUEST_ID);
  },
);

test('HTTP/1.0 needs no Host header, and its connection is kept only with Connection: keep-alive', async () => {
  for (const hosts of [[], ['Host: shop']]) {
    const { status } = await send('/graphql', { method: 'POST', hosts, version: '1.0' });
    expect(status).toBe(200);
  }
  const closed = await send('/healthz', { hosts: [], version: '1.0' });
  expect(closed.text).toMatch(/^connection: close\r$/im);
  expect(closed.text).not.toMatch(/^transfer-encoding:/im);
  expect(await send('/graphql', { hosts: ['Host: a', 'Host: b'], version: '1.0' })).toMatchObject({
    status: 400,
  });
});

test('an answer to an upgrade has a request id, also a refusal', async () => {
  const upgrade = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol: graphql-transport-ws',
  ];
  const refused = [
    await send('/nothing', { headers: upgrade }),
    await send('/graphql', { headers: [...upgrade, 'Origin: https://evil.example'] }),
  ];

  expect(refused.map(({ status }) => status)).toEqual([404, 403]);
  for (const { text } of refused) expect(text).toMatch(REQUEST_ID);
});

test('a websocket opens at /graphql/ too', async () => {
  using socket = await openRawSocket(`${server.socketUrl}/?a=1`, { init: true });

  expect(socket).toBeDefined();
});
