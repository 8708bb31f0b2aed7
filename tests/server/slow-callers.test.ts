import { connect, type Socket } from 'node:net';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, until } from '../support/shop.ts';

/** More than a whole request may take, and less than it would with nobody looking. */
const PATIENCE_MS = 25_000;

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
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

/** Open connections but the one that asks. */
async function connections(): Promise<number> {
  const figures = await (
    await fetch(`${server.url}/metrics`, { headers: { connection: 'close' } })
  ).text();
  return Number(/^flashsale_connections (\d+)$/m.exec(figures)![1]) - 1;
}

test(
  'callers who say nothing, half their headers or half their body are cut, and hold no place',
  async () => {
    const callers = [
      '',
      begin('/graphql'),
      `${begin('/graphql')}\r\n{"query":`,
      `${begin('/api/payments/webhook')}\r\n{"order`,
    ].map((said) => call(said).resume());

    await until('all to be cut', () => callers.every((socket) => socket.destroyed), PATIENCE_MS);
  },
  PATIENCE_MS + 10_000,
);

test(
  'a caller who asks for much and takes nothing of it is cut, and holds no place',
  async () => {
    const description = 'x'.repeat(50_000);
    await Promise.all(Array.from({ length: 20 }, () => makeProduct(server.shop, { description })));
    const page = (n: number) => `page${n}: products { nodes { description } }`;
    const all = `{ ${Array.from({ length: 10 }, (_, n) => page(n)).join(' ')} }`;

    // Two answers of ten megabytes are more than the system's own buffers take in.
    const caller = call(asked(all) + asked(all)).pause();
    await until('the caller to be there', async () => (await connections()) > 0);

    await until('the caller to be cut', async () => (await connections()) === 0, PATIENCE_MS);
    caller.destroy();
  },
  PATIENCE_MS + 10_000,
);

test('of a caller who asks ten times before the first answer all is answered, of eleven times nothing', async () => {
  const [ten, eleven] = [10, 11].map((times) => {
    const caller = call(asked('{ __typename }').repeat(times));
    const heard = { text: '', isOver: false };
    caller.on('data', (chunk: Buffer) => (heard.text += chunk.toString()));
    caller.on('close', () => (heard.isOver = true));
    return heard;
  });
  await until('ten answers', () => ten!.text.split('"Query"').length === 11);
  await until('the other to be cut', () => eleven!.isOver);

  expect(eleven!.text).toBe('');
});
