import Stripe from 'stripe';
import {
  ProviderRefusal,
  type RefundAtProvider,
  type RefundToSend,
} from '../../../shop/payments/providers/payment-provider.ts';
import { unitsOfDecimal } from './stripe-amounts.ts';

/**
 * Returns the money of a payment intent, or reads a refund whose id is known: the answer to a repeated
 * idempotency key is the first one, which may be out of date.
 *
 * @throws ProviderRefusal or Stripe's error if no money is returned
 */
export async function sendRefund(stripe: Stripe, refund: RefundToSend): Promise<RefundAtProvider> {
  const { refundId } = refund;
  try {
    const known = refundId === null ? await sentBefore(stripe, refund) : null;
    if (known !== null) return stateOf(known);
    return stateOf(
      refundId === null ? await create(stripe, refund) : await stripe.refunds.retrieve(refundId),
    );
  } catch (error) {
    // docs.stripe.com/error-codes: all of the charge has been refunded, for example in the dashboard.
    const isReturned =
      error instanceof Stripe.errors.StripeInvalidRequestError &&
      error.code === 'charge_already_refunded';
    if (isReturned) return { id: null, status: 'returned' };
    throw error;
  }
}

/** Refunds of one payment in one answer; a payment has hardly more. */
const REFUNDS_MAX = 100;

/**
 * The refund of an earlier call. Stripe forgets an idempotency key after a day
 * (docs.stripe.com/api/idempotent_requests), and a refund may be tried for longer.
 */
async function sentBefore(
  stripe: Stripe,
  { paymentId, isRepeated, idempotencyKey }: RefundToSend,
): Promise<Stripe.Refund | null> {
  if (!isRepeated) return null;
  const { data } = await stripe.refunds.list({ payment_intent: paymentId, limit: REFUNDS_MAX });
  return data.find(({ metadata }) => metadata?.['key'] === idempotencyKey) ?? null;
}

function create(
  stripe: Stripe,
  { paymentId, amount, idempotencyKey }: RefundToSend,
): Promise<Stripe.Refund> {
  const units = amount === null ? undefined : unitsOfDecimal(amount.amount, amount.currency);
  if (amount !== null && units === undefined)
    throw new ProviderRefusal(`Stripe has no unit small enough for ${amount.amount}.`);
  return stripe.refunds.create(
    {
      payment_intent: paymentId,
      metadata: { key: idempotencyKey },
      ...(units !== undefined && { amount: units }),
    },
    { idempotencyKey },
  );
}

/** The statuses of docs.stripe.com/api/refunds/object. */
function stateOf({ id, status, failure_reason: reason }: Stripe.Refund): RefundAtProvider {
  if (status === 'failed' || status === 'canceled')
    throw new ProviderRefusal(`The refund ${id} is ${status}${reason ? ` (${reason})` : ''}.`);
  return { id, status: status === 'succeeded' ? 'returned' : 'pending' };
}
