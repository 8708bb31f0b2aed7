import { decimalText } from '../../src/lib/money.ts';
import {
  ProviderRefusal,
  type PaymentProvider,
} from '../../src/shop/payments/providers/payment-provider.ts';

/** The options of each call of the client below. */
interface CallOptions {
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

/** The client of an imagined provider: what most payment APIs have. */
export interface AcmeClient {
  create(
    payment: { reference: string; amount: string; currency: string; returnUrl: string | null },
    options: CallOptions,
  ): Promise<{ status: 'open' | 'rejected'; id: string; pageUrl: string; message: string }>;
  cancel(id: string, options: CallOptions): Promise<{ status: 'pending' | 'paid' | 'cancelled' }>;
}

/** The template of docs/payments.md. */
export function acmePayments(api: AcmeClient): PaymentProvider {
  return {
    name: 'acme', // in startPayment
    inboxName: 'acme', // of its events in the inbox
    async start({ orderId, amount, returnUrl, idempotencyKey }, signal) {
      const payment = await api.create(
        { reference: orderId, amount: decimalText(amount), currency: amount.currency, returnUrl },
        { idempotencyKey, signal },
      );
      // A refusal is a ProviderRefusal: nothing was started. Any other error: the outcome is unknown.
      if (payment.status === 'rejected') throw new ProviderRefusal(payment.message);
      return { id: payment.id, clientSecret: null, url: payment.pageUrl };
    },
    async cancel({ id, idempotencyKey }, signal) {
      const { status } = await api.cancel(id, { idempotencyKey, signal });
      if (status === 'pending') throw new Error('The payment is still processed.');
      return status === 'paid' ? 'completed' : 'cancelled';
    },
  };
}

/** An account of the imagined provider, in memory. */
export function acmeAccount(): AcmeClient {
  const payments = new Map<string, { id: string; status: 'open' | 'cancelled' }>();
  return {
    async create({ amount }, { idempotencyKey }) {
      if (Number(amount) < 1)
        return { status: 'rejected', id: '', pageUrl: '', message: 'Too small.' };
      const known = payments.get(idempotencyKey);
      const payment = known ?? { id: `acme_${payments.size + 1}`, status: 'open' as const };
      payments.set(idempotencyKey, payment);
      const pageUrl = `https://pay.example/${payment.id}`;
      return { status: 'open', id: payment.id, pageUrl, message: '' };
    },
    async cancel(id) {
      const payment = [...payments.values()].find((one) => one.id === id)!;
      payment.status = 'cancelled';
      return { status: payment.status };
    },
  };
}
