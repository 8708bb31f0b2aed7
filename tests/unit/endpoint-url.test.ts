import { endpointUrlComplaint } from '../../src/shop/events/endpoint-url.ts';

const PRODUCTION = { allowHttp: false, allowPrivateNetworks: false };
const DEVELOPMENT = { allowHttp: true, allowPrivateNetworks: true };

test.each([
  'https://127.0.0.1/x',
  'https://2130706433/x',
  'https://0x7f.1',
  'https://10.1.2.3',
  'https://172.16.0.1',
  'https://192.168.1.1',
  'https://169.254.169.254/latest/meta-data',
  'https://100.64.0.1',
  'https://0.0.0.0',
  'https://224.0.0.1',
  'https://255.255.255.255',
  'https://[::1]',
  'https://[::]',
  'https://[::ffff:10.0.0.1]',
  'https://[::ffff:127.0.0.1]',
  'https://[64:ff9b::a00:1]',
  'https://[2002:a00:1::]',
  'https://[fe80::1]',
  'https://[fd00:ec2::254]',
  'https://localhost',
  'https://shop.localhost./x',
])('%s is private, and accepted in development only', (url) => {
  expect(endpointUrlComplaint(url, PRODUCTION)).toMatch(/private, loopback or link-local/);
  expect(endpointUrlComplaint(url, DEVELOPMENT)).toBeUndefined();
});

test.each(['https://example.org', 'https://8.8.8.8:8443/x?y=z', 'https://[2606:4700::1111]/'])(
  '%s is accepted',
  (url) => {
    expect(endpointUrlComplaint(url, PRODUCTION)).toBeUndefined();
  },
);

test('http is accepted in development only', () => {
  expect(endpointUrlComplaint('http://example.org', PRODUCTION)).toBe(
    'url must begin with https://',
  );
  expect(endpointUrlComplaint('http://example.org', DEVELOPMENT)).toBeUndefined();
});

test('a url may have 2,048 characters', () => {
  const url = `https://example.org/${'x'.repeat(2028)}`;

  expect(endpointUrlComplaint(url, PRODUCTION)).toBeUndefined();
  expect(endpointUrlComplaint(`${url}x`, PRODUCTION)).toMatch(/2049 characters/);
});
