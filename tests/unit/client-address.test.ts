import type { IncomingMessage } from 'node:http';
import { addressOf, requestIdOf } from '../../src/server/http/client-address.ts';

/** A request with these headers from this peer address. */
const from = (remoteAddress: string, headers: Record<string, string> = {}) =>
  ({ headers, socket: { remoteAddress } }) as unknown as IncomingMessage;

describe('the client address for rate limits', () => {
  test.each([
    ['no proxy is trusted', 0, '203.0.113.9', '10.0.0.1'],
    ['one proxy is trusted: the entry it appended counts', 1, '203.0.113.9', '203.0.113.9'],
    ['a caller adds forged entries before it', 1, '1.1.1.1, 2.2.2.2, 203.0.113.9', '203.0.113.9'],
    [
      'two proxies are trusted: the entry of the first one counts',
      2,
      '203.0.113.9, 10.0.0.2',
      '203.0.113.9',
    ],
    [
      'two proxies are trusted and a caller adds forged entries',
      2,
      '9.9.9.9,203.0.113.9,10.0.0.2',
      '203.0.113.9',
    ],
    ['two proxies are trusted and the request passed only one', 2, '203.0.113.9', '203.0.113.9'],
    ['the trusted entry is no address', 1, '1.1.1.1, unknown', '10.0.0.1'],
    ['there is no entry', 1, '', '10.0.0.1'],
    ['the entry is obfuscated', 1, '1.1.1.1, _hidden', '10.0.0.1'],
    ['the first trusted entry is no address', 2, '1.1.1.1, unknown, 10.0.0.2', '10.0.0.1'],
    ['all entries are empty', 2, ' , ,', '10.0.0.1'],
    ['an empty entry follows it', 1, '1.1.1.1, 203.0.113.9, ', '203.0.113.9'],
    ['an empty entry is between', 2, '1.1.1.1, 203.0.113.9, , 10.0.0.2', '203.0.113.9'],
  ])('%s', (_what, hops, forwarded, address) => {
    const request = from('10.0.0.1', { 'x-forwarded-for': forwarded });

    expect(addressOf(request, hops)).toBe(address);
  });

  test.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:DB8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['1:2:3::', '1:2:3:0::/64'],
  ])('%s counts as %s: IPv6 addresses count by their /64', (near, address) => {
    expect(addressOf(from(near), 0)).toBe(address);
  });
});

describe('an entry of X-Forwarded-For', () => {
  test.each([
    ['203.0.113.7:51234', '203.0.113.7'],
    ['203.0.113.7:', '203.0.113.7'],
    ['\t 203.0.113.7 \t', '203.0.113.7'],
    ['"203.0.113.7"', '203.0.113.7'],
    ['"203.0.113.7:51234"', '203.0.113.7'],
    ['" 203.0.113.7 "', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:51234', '203.0.113.7'],
    ['::FFFF:cb00:7107', '203.0.113.7'],
    ['64:ff9b::203.0.113.7', '203.0.113.7'],
    ['64:ff9b::cb00:7107', '203.0.113.7'],
    ['::ffff:0:203.0.113.7', '203.0.113.7'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['[2001:db8::1]', '2001:db8:0:0::/64'],
    ['[2001:db8::1]:443', '2001:db8:0:0::/64'],
    ['"[2001:DB8::1]:443"', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:1:2:3:4:443', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['[fe80::1%25eth0]:443', 'fe80:0:0:0::/64'],
  ])('%j counts as %s', (entry, address) => {
    expect(addressOf(from('10.0.0.1', { 'x-forwarded-for': `1.1.1.1, ${entry}` }), 1)).toBe(
      address,
    );
  });

  test.each([
    'unknown',
    '"unknown"',
    '_hidden:443',
    'for=203.0.113.7',
    '203.0.113',
    '203.0.113.256',
    '203.0.113.07',
    '0xcb.0.113.7',
    '3405803783',
    '203.0.113.7:51234:1',
    '[203.0.113.7',
    '[]:443',
    '1::2::3',
    '-',
  ])('%j is no address: the peer’s address counts', (entry) => {
    expect(addressOf(from('10.0.0.1', { 'x-forwarded-for': `1.1.1.1, ${entry}` }), 1)).toBe(
      '10.0.0.1',
    );
  });

  test('is not taken from the Forwarded header', () => {
    const headers = { forwarded: 'for=203.0.113.7', 'x-forwarded-for': '198.51.100.1' };

    expect(addressOf(from('10.0.0.1', headers), 1)).toBe('198.51.100.1');
    expect(addressOf(from('10.0.0.1', { forwarded: 'for=203.0.113.7' }), 1)).toBe('10.0.0.1');
  });
});

describe('a request’s id', () => {
  test('is that of the proxy where one is trusted', () => {
    const request = from('10.0.0.1', { 'x-request-id': 'proxy-0123456789' });

    expect(requestIdOf(request, 1)).toBe('proxy-0123456789');
  });

  test.each([
    ['from an untrusted caller', 0, 'id-of-the-caller'],
    ['too short', 1, 'short'],
    ['too long', 1, 'x'.repeat(65)],
    ['with a line break', 1, 'first-line\nsecond-line'],
  ])('is generated where the given one is %s', (_what, hops, given) => {
    const id = requestIdOf(from('10.0.0.1', { 'x-request-id': given }), hops);

    expect(id).toMatch(/^[0-9a-f]{8}-/);
  });
});
