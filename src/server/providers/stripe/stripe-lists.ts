import Stripe from 'stripe';
import { isUuid } from '../../../lib/ids.ts';
import type { ProviderPayment } from '../../../shop/payments/providers/payment-provider.ts';
import { decimalOfUnits } from './stripe-amounts.ts';

/** Payments in one answer; Stripe's limit is 100. */
const PAGE = 100;

/** The successful payment intents that were created in a range. Stripe counts in whole seconds. */
export async function* listPayments(
  stripe: Stripe,
  { from, to }: { readonly from: Date; readonly to: Date },
): AsyncGenerator<ProviderPayment> {
  const seconds = (instant: Date): number => Math.ceil(instant.getTime() / 1000);
  const created = { gte: seconds(from), lt: seconds(to) };
  for await (const intent of stripe.paymentIntents.list({ created, limit: PAGE })) {
    const payment = paymentOf(intent);
    if (payment !== null) yield payment;
  }
}

/** The successful payment intent with this id; null if there is none. */
export async function findPayment(stripe: Stripe, id: string): Promise<ProviderPayment | null> {
  try {
    return paymentOf(await stripe.paymentIntents.retrieve(id));
  } catch (error) {
    const isUnknown =
      error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing';
    if (isUnknown) return null;
    throw error;
  }
}

function paymentOf(intent: Stripe.PaymentIntent): ProviderPayment | null {
  if (intent.status !== 'succeeded') return null;
  const currency = intent.currency.toUpperCase();
  const orderId = intent.metadata['order_id'] ?? '';
  return {
    id: intent.id,
    orderId: isUuid(orderId) ? orderId.toLowerCase() : null,
    amount: decimalOfUnits(BigInt(intent.amount_received), currency),
    currency,
  };
}
