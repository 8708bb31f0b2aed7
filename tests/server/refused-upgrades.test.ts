import { connect, type Socket } from 'node:net';
import { ask } from '../support/graphql-client.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { until } from '../support/shop.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.stop());

/** Requests a websocket at another path, or from a refused origin. */
async function knock(path: '/nowhere' | '/graphql'): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(
    [
      `GET ${path} HTTP/1.1`,
      'Host: shop',
      'Origin: https://elsewhere.example',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: graphql-transport-ws',
      '\r\n',
    ].join('\r\n'),
  );
  return socket;
}

test('clients that reset their connection during a refused upgrade cause no crash', async () => {
  for (let round = 0; round < 100; round += 1) {
    for (const path of ['/nowhere', '/graphql'] as const) {
      const socket = await knock(path);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      setImmediate(() => socket.resetAndDestroy());
      await closed;
    }
  }

  expect(await ask(server.url, '{ serverTime }')).toEqual(expect.any(String));
});

test.each(['/nowhere', '/graphql'] as const)(
  'a connection whose upgrade is refused at %s is closed, also if its client keeps it open',
  async (path) => {
    const socket = await knock(path);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    await new Promise((resolve) => socket.once('end', resolve));

    await until('the server to have closed it', () => {
      socket.write('still here');
      return socket.destroyed;
    });

    expect(answer).toMatch(/^HTTP\/1\.1 40[34] [\s\S]*Connection: close/);
  },
);
