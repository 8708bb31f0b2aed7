import type { Express } from 'express';
import { isUnsignedAccepted } from '../../config/safety.ts';
import type {
  PaymentProvider,
  PaymentProviders,
} from '../../shop/payments/providers/payment-provider.ts';
import type { Shop } from '../../shop/shop.ts';
import { paymentsProvider } from '../webhook/payments-provider.ts';
import type { Provider } from '../webhook/provider.ts';
import type { OpenedProvider, ProviderModule, ProviderSettings } from './provider-module.ts';

/** This project's own payment contract: events arrive, and nothing can be asked. */
const OWN_CONTRACT: ProviderModule = {
  webhookPath: '/api/payments/webhook',
  // Without secrets it is on only in development.
  isWebhookOn: (settings) => settings.webhookSecrets !== undefined || isUnsignedAccepted(settings),
  isPaymentsOn: () => false,
  open: async ({ webhookSecrets }) => ({ webhook: paymentsProvider(webhookSecrets ?? []) }),
};

/** Stripe. Its package is large. */
const STRIPE: ProviderModule = {
  webhookPath: '/api/payments/webhook/stripe',
  isWebhookOn: ({ stripeWebhookSecrets }) => stripeWebhookSecrets !== undefined,
  isPaymentsOn: ({ stripeSecretKey }) => stripeSecretKey !== undefined,
  async open(settings) {
    const { openStripe } = await import('./stripe/stripe.ts');
    return openStripe(settings);
  },
};

/** The demo provider of development. Its events are those of this project's own contract. */
const DEMO: ProviderModule = {
  webhookPath: null,
  isWebhookOn: () => false,
  isPaymentsOn: (settings) => !settings.production && OWN_CONTRACT.isWebhookOn(settings),
  async open(settings, serverUrl) {
    const { openDemo } = await import('./demo/demo.ts');
    return openDemo(settings, serverUrl);
  },
};

/** Every provider; the first one that can start payments is the default of startPayment. */
const PROVIDERS: readonly ProviderModule[] = [OWN_CONTRACT, STRIPE, DEMO];

/** The enabled providers. */
export interface OpenedProviders {
  /** By the path of the webhook. */
  readonly webhooks: Readonly<Record<string, Provider>>;
  /** By name. */
  readonly payments: PaymentProviders;
  /** Adds the pages of all providers to the server. */
  readonly servePages: (app: Express, shop: Shop) => void;
}

/**
 * Opens the providers that the settings enable.
 *
 * @param serverUrl where this machine reaches the server, without a slash at its end
 */
export async function openProviders(
  settings: ProviderSettings,
  serverUrl: string,
): Promise<OpenedProviders> {
  const webhooks: Record<string, Provider> = {};
  const payments = new Map<string, PaymentProvider>();
  const pages: NonNullable<OpenedProvider['servePages']>[] = [];
  for (const module of PROVIDERS) {
    const isWebhookOn = module.isWebhookOn(settings);
    if (!isWebhookOn && !module.isPaymentsOn(settings)) continue;
    const opened = await module.open(settings, serverUrl);
    if (opened.webhook && module.webhookPath) webhooks[module.webhookPath] = opened.webhook;
    if (opened.payments) payments.set(opened.payments.name, opened.payments);
    if (opened.servePages) pages.push(opened.servePages);
  }
  const servePages: OpenedProviders['servePages'] = (app, shop) =>
    pages.forEach((serve) => serve(app, shop));
  return { webhooks, payments, servePages };
}

/** The paths of the enabled webhooks. */
export function webhookPaths(settings: ProviderSettings): string[] {
  return PROVIDERS.flatMap((module) =>
    module.webhookPath !== null && module.isWebhookOn(settings) ? [module.webhookPath] : [],
  );
}
