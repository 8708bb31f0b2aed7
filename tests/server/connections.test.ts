import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Logger } from '../../src/lib/log.ts';
import { CREATE_HOLD } from '../support/graphql-client.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, stockOf, until } from '../support/shop.ts';
import { openRawSocket } from '../support/socket-client.ts';

/** As few as the setting may be: nine of them may be websockets. */
const CONNECTIONS_MAX = '10';

/** Signed webhooks, or the start would warn of unsigned ones. */
const SECRET = `whsec_${Buffer.from('a webhook secret of this test only').toString('base64')}`;

const warnings: string[] = [];
const log: Logger = {
  debug() {},
  info() {},
  warn: (_facts, message) => void warnings.push(message),
  error: (_facts, message) => void warnings.push(message),
};

let server: TestServer;

beforeEach(async () => {
  warnings.length = 0;
  server = await startTestServer({ CONNECTIONS_MAX, PAYMENT_WEBHOOK_SECRETS: SECRET, log });
});

afterEach(() => server.stop());

/** One caller and the one connection that it keeps. */
class Caller implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  async ask(path: string, body?: object): Promise<{ readonly status: number; text: string }> {
    const asked = request(server.url + path, {
      agent: this.#agent,
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json' },
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(asked, 'response');
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    return { status: response.statusCode, text: Buffer.concat(parts).toString() };
  }

  async figure(name: string): Promise<number> {
    const { text } = await this.ask('/metrics');
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** Opens connections that send nothing. */
function knockSilently(count: number): Socket[] {
  const { hostname, port } = new URL(server.url);
  return Array.from({ length: count }, () => {
    const silent = connect({ host: hostname, port: Number(port) });
    silent.on('error', () => {});
    return silent.resume();
  });
}

const openOf = (silent: readonly Socket[]) => silent.filter(({ destroyed }) => !destroyed);

test('with ten connections open every further one is closed, and open connections keep working', async () => {
  const productId = await makeProduct(server.shop);
  using buyer = new Caller();
  await buyer.ask('/healthz');

  const silent = knockSilently(30);
  await until('21 to be closed', () => openOf(silent).length === 9);
  const held = await buyer.ask('/graphql', {
    query: CREATE_HOLD,
    variables: { input: { productId: String(productId) } },
  });

  expect(held).toMatchObject({ status: 200, text: expect.stringContaining('"Hold"') });
  expect(await stockOf(server.shop, productId)).toMatchObject({ held: 1 });
  expect(openOf(silent)).toHaveLength(9);
  expect(await buyer.figure('flashsale_connections')).toBe(10);
  expect(await buyer.figure('flashsale_connections_refused_total')).toBe(21);
  // Once, for any number of closed connections.
  expect(warnings).toEqual([
    'CONNECTIONS_MAX reached: 10 connections are open; closing further ones',
  ]);
});

test('a closed connection of ten makes room for the next', async () => {
  const silent = knockSilently(11);
  await until('one to be closed', () => openOf(silent).length === 10);

  openOf(silent)[0]!.destroy();
  using next = new Caller();
  const served = await until('the place', () => next.ask('/readyz').catch(() => undefined));

  expect(served.status).toBe(200);
});

test('of ten connections nine may be websockets: /healthz answers, and the tenth websocket is refused', async () => {
  using sockets = new DisposableStack();
  const opened = await Promise.all(
    Array.from({ length: 9 }, () => openRawSocket(server.socketUrl)),
  );
  for (const socket of opened) sockets.use(socket);

  await expect(openRawSocket(server.socketUrl)).rejects.toThrow('Unexpected server response: 503');
  using probe = new Caller();
  const health = await probe.ask('/readyz');
  probe[Symbol.dispose]();
  opened[0]!.cut();
  const next = await until('its place', () => openRawSocket(server.socketUrl).catch(() => null));
  sockets.use(next);

  expect(health.status).toBe(200);
  expect(next.isOpen()).toBe(true);
});
