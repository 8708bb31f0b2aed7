import {
  providerWaitMs,
  returnUrlComplaint,
} from '../../src/shop/payments/providers/payment-session.rules.ts';

test('the wait for a provider doubles up to an hour, with a fifth of jitter', () => {
  const middle = [1, 2, 3, 11, 12, 1000].map((failures) => providerWaitMs(failures, 0.5));

  expect(middle).toEqual([2000, 4000, 8000, 2_048_000, 3_600_000, 3_600_000]);
  expect([providerWaitMs(1, 0), providerWaitMs(1, 1)]).toEqual([1600, 2400]);
});

const isShop = (origin: string): boolean => origin === 'https://shop.example';

test.each([
  'https://shop.example',
  'https://shop.example/',
  'https://SHOP.example:443/thanks?order={CHECKOUT_SESSION_ID}#top',
])('the return URL %s is accepted', (url) => {
  expect(returnUrlComplaint(url, isShop)).toBeUndefined();
});

test.each([
  ['https://evil.example', /ALLOWED_ORIGINS/],
  ['https://shop.example@evil.example', /user or a password/],
  ['https://shop.example/\u0000', /http or https URL/],
  ['https://shop.example/\ud800', /http or https URL/],
  ['https:shop.example', /http or https URL/],
  ['https://', /http or https URL/],
  [`https://shop.example/${'x'.repeat(2028)}`, /2049 characters/],
])('the return URL %j is refused', (url, complaint) => {
  expect(returnUrlComplaint(url, isShop)).toMatch(complaint);
});
