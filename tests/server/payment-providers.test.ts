import { openDemo } from '../../src/server/providers/demo/demo.ts';
import { stripeClient, stripePayments } from '../../src/server/providers/stripe/stripe-payments.ts';
import { readSettings } from '../../src/config/settings.ts';
import { describeProvider } from '../support/payment-provider.ts';
import { textOf } from '../support/project.ts';
import { StripeStandIn } from '../support/stripe-stand-in.ts';
import { acmeAccount, acmePayments } from '../support/template-provider.ts';

let stripe: StripeStandIn;

beforeAll(async () => {
  stripe = await StripeStandIn.open();
});

afterAll(() => stripe[Symbol.asyncDispose]());

const CENTS = { amount: { minor: 10n, currency: 'USD' } };

describeProvider(
  'stripe',
  () => stripePayments(stripeClient('sk_test_a_key_for_tests_only', stripe.url)),
  CENTS,
);

const SETTINGS = { ADMIN_TOKEN: 'for this test', HOLD_TOKEN_SECRETS: 'for this test' };

describeProvider('demo', () => {
  const settings = readSettings(SETTINGS, 'no such .env file');
  return openDemo(settings, 'http://127.0.0.1:4000').payments!;
});

describeProvider('of the template', () => acmePayments(acmeAccount()), CENTS);

test('docs/payments.md shows the template as it was tested', () => {
  const template = /export function acmePayments[\s\S]*?\n\}\n/.exec(
    textOf('tests/support/template-provider.ts'),
  )![0];

  expect(textOf('docs/payments.md')).toContain(template);
});
