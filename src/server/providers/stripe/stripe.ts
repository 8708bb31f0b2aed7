import type { OpenedProvider, ProviderSettings } from '../provider-module.ts';
import { stripeEvents } from './stripe-events.ts';
import { stripeClient, stripePayments } from './stripe-payments.ts';

/** Opens the parts of Stripe that the settings enable. It makes no request. */
export function openStripe(settings: ProviderSettings): OpenedProvider {
  const { stripeSecretKey, stripeApiUrl, stripeWebhookSecrets, allowStripeTestMode } = settings;
  return {
    webhook:
      stripeWebhookSecrets &&
      stripeEvents(stripeWebhookSecrets, { allowTestMode: allowStripeTestMode }),
    payments:
      stripeSecretKey === undefined
        ? undefined
        : stripePayments(stripeClient(stripeSecretKey, stripeApiUrl)),
  };
}
