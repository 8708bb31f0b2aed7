import type { Express } from 'express';
import type { PaymentProvider } from '../../shop/payments/providers/payment-provider.ts';
import type { Shop } from '../../shop/shop.ts';
import type { Provider } from '../webhook/provider.ts';

/** The settings of all providers. */
export interface ProviderSettings {
  readonly production: boolean;
  readonly host: string;
  readonly webhookSecrets: readonly string[] | undefined;
  readonly stripeWebhookSecrets: readonly string[] | undefined;
  readonly allowStripeTestMode: boolean;
  readonly stripeSecretKey: string | undefined;
  readonly stripeApiUrl: string | undefined;
}

/** The parts of a provider that the settings enable. */
export interface OpenedProvider {
  /** Verifies and reads its events. */
  readonly webhook?: Provider | undefined;
  /** Starts and cancels payments. */
  readonly payments?: PaymentProvider | undefined;
  /** Adds the provider's own pages to the server. */
  readonly servePages?: (app: Express, shop: Shop) => void;
}

/** A registered provider. Its code is loaded only if the settings enable it. */
export interface ProviderModule {
  /** The path of its webhook; null if its events arrive at another provider's path. */
  readonly webhookPath: string | null;
  /** Whether its webhook is on. */
  isWebhookOn(settings: ProviderSettings): boolean;
  /** Whether it can be asked for payments. */
  isPaymentsOn(settings: ProviderSettings): boolean;
  /** @param serverUrl where this machine reaches the server, without a slash at its end */
  open(settings: ProviderSettings, serverUrl: string): Promise<OpenedProvider>;
}
