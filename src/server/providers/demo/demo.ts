import type { PaymentProvider } from '../../../shop/payments/providers/payment-provider.ts';
import type { OpenedProvider, ProviderSettings } from '../provider-module.ts';
import { DemoAccount } from './demo-account.ts';
import { DemoPages } from './demo-pages.ts';

/** The name of the provider, and the prefix of its payments. */
const DEMO = 'demo';

/**
 * The demo provider of development servers: a page of this server on which a payment is made or fails.
 * Its events arrive at this server's own webhook over HTTP, like those of any other provider.
 *
 * @param serverUrl where this machine reaches the server, without a slash at its end
 */
export function openDemo({ webhookSecrets }: ProviderSettings, serverUrl: string): OpenedProvider {
  const account = new DemoAccount();
  return {
    payments: demoPayments(serverUrl, account),
    servePages(app, shop) {
      new DemoPages(shop, { serverUrl, secret: webhookSecrets?.[0], account }).serve(app);
    },
  };
}

/** A payment is its session: nothing else is stored, so every call can be repeated. */
function demoPayments(serverUrl: string, account: DemoAccount): PaymentProvider {
  return {
    name: DEMO,
    inboxName: 'payments',
    paymentPrefix: `${DEMO}_`,
    async start({ sessionId }) {
      const id = `${DEMO}_${sessionId}`;
      return { id, clientSecret: null, url: `${serverUrl}/pay/${id}` };
    },
    // The page of an ended session takes no payment.
    cancel: async () => 'cancelled',
    refund: async ({ paymentId }) => ({ id: `${paymentId}_refund`, status: 'returned' }),
    list: (range) => account.list(range),
    find: (id) => account.find(id),
  };
}
