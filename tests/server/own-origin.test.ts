import { request } from 'node:http';
import { once } from 'node:events';
import { startTestServer } from '../support/server.ts';
import { openRawSocket } from '../support/socket-client.ts';

/** The answer's Access-Control-Allow-Origin to a POST from a page of this origin. */
async function allowedFor(url: string, headers: Record<string, string>): Promise<unknown> {
  const asked = request(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
  });
  asked.end('{"query":"{ __typename }"}');
  const [response] = await once(asked, 'response');
  response.resume();
  return response.headers['access-control-allow-origin'];
}

test('a page of the server may always call it and open its websocket', async () => {
  await using server = await startTestServer({
    ALLOWED_ORIGINS: 'https://elsewhere.example',
    HOST: '127.0.0.1',
  });
  const own = new URL(server.url).origin;

  for (const origin of [own, own.replace('http', 'https')]) {
    using socket = await openRawSocket(server.socketUrl, { origin, init: true });
    expect(socket).toBeDefined();
  }
  expect(await allowedFor(server.url, { origin: own })).toBe(own);
  expect(
    await allowedFor(server.url, { host: 'shop.lan:8080', origin: 'http://shop.lan:8080' }),
  ).toBe('http://shop.lan:8080');
  expect(await allowedFor(server.url, { origin: 'http://shop.lan:8080' })).toBeUndefined();
  for (const origin of ['http://127.0.0.1:1', 'https://127.0.0.1', 'null'])
    await expect(openRawSocket(server.socketUrl, { origin })).rejects.toThrow('403');
});

test('behind a proxy that ends TLS the own origin is allowed with default settings', async () => {
  await using server = await startTestServer();
  const host = 'shop.example';
  const origin = 'https://shop.example';

  expect(await allowedFor(server.url, { host, origin })).toBe(origin);
  expect(await allowedFor(server.url, { host: 'other.example', origin })).toBeUndefined();
});

test('behind a trusted proxy that ends TLS the own origin is the one of the browser', async () => {
  await using server = await startTestServer({
    ALLOWED_ORIGINS: 'https://elsewhere.example',
    TRUSTED_PROXY_HOPS: '1',
  });
  const seen = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'shop.example' };

  expect(await allowedFor(server.url, { ...seen, origin: 'https://shop.example' })).toBe(
    'https://shop.example',
  );
  expect(await allowedFor(server.url, { ...seen, origin: 'http://shop.example' })).toBeUndefined();
});
