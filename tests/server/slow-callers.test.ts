import { connect, type Socket } from 'node:net';
import { PORT_TIMEOUTS } from '../../src/server/http/port/timeouts.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, until } from '../support/shop.ts';

/** Less than a slow client could stay connected without these timeouts. */
const CUT_MS_MAX = 25_000;

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({
    timeouts: { headersMs: 1500, requestMs: 2000, unreadMs: 1500 },
  });
});

afterAll(() => server.stop());

function call(said: string): Socket {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => {});
  socket.write(said);
  return socket;
}

const begin = (path: string, bytes = 99): string =>
  `POST ${path} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: ${bytes}\r\n`;

const asked = (query: string): string => {
  const body = JSON.stringify({ query });
  return `${begin('/graphql', body.length)}\r\n${body}`;
};

/** Open connections except that of this request. */
async function connections(): Promise<number> {
  const figures = await (
    await fetch(`${server.url}/metrics`, { headers: { connection: 'close' } })
  ).text();
  return Number(/^flashsale_connections (\d+)$/m.exec(figures)![1]) - 1;
}

test('by default a slow client is cut within 25 seconds', () => {
  const { headersMs, requestMs, unreadMs } = PORT_TIMEOUTS;

  // Node closes an unread connection at its second check.
  expect(Math.max(headersMs, requestMs, 2 * unreadMs)).toBeLessThan(CUT_MS_MAX);
});

test(
  'clients that send nothing, half their headers or half their body are disconnected',
  async () => {
    const callers = [
      '',
      begin('/graphql'),
      `${begin('/graphql')}\r\n{"query":`,
      `${begin('/api/payments/webhook')}\r\n{"order`,
    ].map((said) => call(said).resume());

    await until('all to be cut', () => callers.every((socket) => socket.destroyed), CUT_MS_MAX);
  },
  CUT_MS_MAX + 10_000,
);

test(
  'a client that sends many requests and reads nothing is disconnected',
  async () => {
    const description = 'x'.repeat(50_000);
    await Promise.all(Array.from({ length: 20 }, () => makeProduct(server.shop, { description })));
    const page = (n: number) => `page${n}: products { nodes { description } }`;
    const all = `{ ${Array.from({ length: 10 }, (_, n) => page(n)).join(' ')} }`;

    // Two answers of ten megabytes are more than the system's own buffers take in.
    const caller = call(asked(all) + asked(all)).pause();
    await until('the caller to be there', async () => (await connections()) > 0);

    await until('the caller to be cut', async () => (await connections()) === 0, CUT_MS_MAX);
    caller.destroy();
  },
  CUT_MS_MAX + 10_000,
);

test('ten pipelined requests are all answered, eleven are not', async () => {
  const [ten, eleven] = [10, 11].map((times) => {
    const caller = call(asked('{ __typename }').repeat(times));
    const received = { text: '', isOver: false };
    caller.on('data', (chunk: Buffer) => (received.text += chunk.toString()));
    caller.on('close', () => (received.isOver = true));
    return received;
  });
  await until('ten answers', () => ten!.text.split('"Query"').length === 11);
  await until('the other to be cut', () => eleven!.isOver);

  expect(eleven!.text).toBe('');
});
