import type { IncomingMessage } from 'node:http';
import { isOwnOrigin } from '../../src/server/http/own-origin.ts';

const isOwn = (origin: string, headers: Record<string, string>, trustedHops = 0): boolean =>
  isOwnOrigin(origin, { headers } as unknown as IncomingMessage, trustedHops);

test.each([
  ['http://shop.example', 'shop.example'],
  ['http://shop.example:4000', 'shop.example:4000'],
  ['http://shop.example', 'shop.example:80'],
  ['http://shop.example:80', 'shop.example'],
  ['http://SHOP.example', 'Shop.Example'],
  ['http://192.168.1.5:4000', '192.168.1.5:4000'],
  ['http://[2001:db8::1]:4000', '[2001:DB8:0::1]:4000'],
  // Behind a proxy that ends TLS and names no scheme.
  ['https://shop.example', 'shop.example'],
  ['https://shop.example', 'shop.example:443'],
  ['https://shop.example:443', 'shop.example'],
  ['https://shop.example:8443', 'shop.example:8443'],
])('%s is the own origin of a request to %s', (origin, host) => {
  expect(isOwn(origin, { host })).toBe(true);
});

test.each([
  ['https://shop.example', 'shop.example:80'],
  ['http://shop.example', 'shop.example:443'],
  ['https://shop.example', 'shop.example:8443'],
  ['https://shop.example:8443', 'shop.example'],
  ['https://evil.example', 'shop.example'],
  ['http://shop.example:4001', 'shop.example:4000'],
  ['http://shop.example', 'shop.example:4000'],
  ['http://evil.example', 'shop.example'],
  ['http://shop.example.evil.example', 'shop.example'],
  ['http://evil.example/shop.example', 'shop.example'],
  ['http://shop.example/', 'shop.example'],
  ['http://shop.example@evil.example', 'shop.example'],
  ['http://shop.example', 'evil.example@shop.example'],
  ['ftp://shop.example', 'shop.example'],
  ['null', 'shop.example'],
  ['', ''],
  ['http://', ''],
  ['http://undefined.example', ''],
])('%s is not the own origin of a request to "%s"', (origin, host) => {
  expect(isOwn(origin, { host })).toBe(false);
});

test('a request without a Host header has no own origin', () => {
  for (const origin of ['null', 'http://', 'x']) expect(isOwn(origin, {})).toBe(false);
});

const behindProxy = {
  host: '10.0.0.7:4000',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'shop.example',
};

test('forwarded headers count only where proxies are trusted', () => {
  expect(isOwn('https://shop.example', behindProxy, 1)).toBe(true);
  expect(isOwn('http://shop.example', behindProxy, 1)).toBe(false);
  expect(isOwn('http://10.0.0.7:4000', behindProxy, 1)).toBe(false);
  expect(isOwn('https://shop.example', behindProxy)).toBe(false);
  expect(isOwn('https://10.0.0.7:4000', behindProxy)).toBe(true);
  expect(isOwn('http://10.0.0.7:4000', behindProxy)).toBe(true);
});

test('where a trusted proxy names no scheme, either scheme matches', () => {
  const hostAlone = { host: '10.0.0.7:4000', 'x-forwarded-host': 'shop.example' };

  for (const scheme of ['http', 'https']) {
    expect(isOwn(`${scheme}://shop.example`, { host: 'shop.example' }, 1)).toBe(true);
    expect(isOwn(`${scheme}://shop.example`, hostAlone, 1)).toBe(true);
    expect(isOwn(`${scheme}://shop.example:4000`, hostAlone, 1)).toBe(false);
  }
});

test('the schemes of websockets count as those of their pages', () => {
  const upgrade = (scheme: string) => ({ host: 'shop.example', 'x-forwarded-proto': scheme });

  expect(isOwn('https://shop.example', upgrade('wss'), 1)).toBe(true);
  expect(isOwn('http://shop.example', upgrade('ws'), 1)).toBe(true);
  expect(isOwn('https://shop.example', upgrade('WSS'), 1)).toBe(true);
  expect(isOwn('http://shop.example', upgrade('wss'), 1)).toBe(false);
  expect(isOwn('https://shop.example', upgrade('ftp'), 1)).toBe(false);
});

test('a trusted proxy may forward only the scheme, and entries of the caller do not count', () => {
  const tls = { host: 'shop.example', 'x-forwarded-proto': 'https' };
  const invented = {
    host: 'shop.example',
    'x-forwarded-proto': 'http, https',
    'x-forwarded-host': 'evil.example, shop.example',
  };

  expect(isOwn('https://shop.example', tls, 2)).toBe(true);
  expect(isOwn('https://shop.example', invented, 1)).toBe(true);
  expect(isOwn('http://evil.example', invented, 1)).toBe(false);
});
