import Stripe from 'stripe';
import {
  ProviderRefusal,
  type PaymentEnd,
  type PaymentProvider,
  type PaymentToCancel,
  type PaymentToStart,
  type StartedPayment,
} from '../../../shop/payments/providers/payment-provider.ts';
import { unitsOf } from './stripe-amounts.ts';
import { findPayment, listPayments } from './stripe-lists.ts';
import { sendRefund } from './stripe-refunds.ts';

/** Longest request to Stripe, in milliseconds; the shop limits each call as a whole as well. */
const REQUEST_MS_MAX = 10_000;

/** Stripe's client. It makes no request when it is created. */
export function stripeClient(secretKey: string, apiUrl: string | undefined): Stripe {
  const url = apiUrl === undefined ? undefined : new URL(apiUrl);
  return new Stripe(secretKey, {
    // A repeated call is decided by the shop, which records each attempt. The package repeats a call once
    // if its connection was closed, with the same key.
    maxNetworkRetries: 0,
    timeout: REQUEST_MS_MAX,
    telemetry: false,
    ...(url && {
      host: url.hostname,
      port: url.port || (url.protocol === 'https:' ? 443 : 80),
      protocol: url.protocol === 'https:' ? 'https' : 'http',
    }),
  });
}

/** Starts and cancels payments at Stripe. */
export function stripePayments(stripe: Stripe): PaymentProvider {
  return {
    name: 'stripe',
    inboxName: 'stripe',
    start: (payment) => refusing(() => start(stripe, payment)),
    cancel: (payment) => cancel(stripe, payment),
    refund: (refund) => refusing(() => sendRefund(stripe, refund), REFUND_REFUSALS),
    list: (range) => listPayments(stripe, range),
    find: (id) => findPayment(stripe, id),
  };
}

function start(stripe: Stripe, payment: PaymentToStart): Promise<StartedPayment> {
  const amount = unitsOf(payment.amount);
  if (amount === undefined)
    throw new ProviderRefusal('Stripe has no unit small enough for this amount.');
  return payment.returnUrl === null
    ? startIntent(stripe, payment, amount)
    : startCheckout(stripe, payment, { amount, returnUrl: payment.returnUrl });
}

async function startIntent(
  stripe: Stripe,
  { orderId, amount: { currency }, description, idempotencyKey }: PaymentToStart,
  amount: number,
): Promise<StartedPayment> {
  const intent = await stripe.paymentIntents.create(
    {
      amount,
      currency: currency.toLowerCase(),
      description,
      metadata: { order_id: orderId },
      automatic_payment_methods: { enabled: true },
    },
    { idempotencyKey },
  );
  return { id: intent.id, clientSecret: intent.client_secret, url: null };
}

/**
 * A Checkout Session. Stripe creates its payment intent when the buyer pays, so the session's own id is
 * the id of the payment until then (docs.stripe.com/payments/checkout/how-checkout-works).
 */
async function startCheckout(
  stripe: Stripe,
  payment: PaymentToStart,
  { amount, returnUrl }: { readonly amount: number; readonly returnUrl: string },
): Promise<StartedPayment> {
  const metadata = { order_id: payment.orderId };
  const session = await stripe.checkout.sessions.create(
    {
      mode: 'payment',
      client_reference_id: payment.orderId,
      metadata,
      payment_intent_data: { metadata },
      expires_at: expiryOf(payment),
      success_url: returnUrl,
      cancel_url: returnUrl,
      line_items: [
        {
          quantity: 1,
          price_data: {
            currency: payment.amount.currency.toLowerCase(),
            unit_amount: amount,
            product_data: { name: payment.description },
          },
        },
      ],
    },
    { idempotencyKey: payment.idempotencyKey },
  );
  return { id: session.id, clientSecret: null, url: session.url };
}

const MINUTE_MS = 60_000;

/**
 * Stripe takes 30 minutes to 24 hours from the creation by its own clock
 * (docs.stripe.com/api/checkout/sessions/create). A minute more and less allows for the difference of the
 * clocks. The payment deadline is usually earlier; the session is cancelled then.
 */
const EXPIRES_MS_MIN = 31 * MINUTE_MS;
const EXPIRES_MS_MAX = 24 * 60 * MINUTE_MS - MINUTE_MS;

/** In seconds. It depends on what is stored only, so that a repeated call has the same content. */
function expiryOf({ createdAt, expiresAt }: PaymentToStart): number {
  const wanted = expiresAt.getTime() - createdAt.getTime();
  const lifetime = Math.min(Math.max(wanted, EXPIRES_MS_MIN), EXPIRES_MS_MAX);
  return Math.ceil((createdAt.getTime() + lifetime) / 1000);
}

/** Stripe's answers to requests that had no effect. All others, also 429 and 5xx, leave the outcome open. */
const REFUSALS = [
  Stripe.errors.StripeInvalidRequestError,
  Stripe.errors.StripeAuthenticationError,
  Stripe.errors.StripePermissionError,
  Stripe.errors.StripeCardError,
] as const;

/**
 * Of a refund: a wrong or rotated key is no refusal of the refund. It is repaired, and the refund is sent again.
 */
const REFUND_REFUSALS = [Stripe.errors.StripeInvalidRequestError, Stripe.errors.StripeCardError];

/** @throws ProviderRefusal where Stripe did nothing */
async function refusing<Answer>(
  call: () => Promise<Answer>,
  refusals: readonly (new (...args: never) => Error)[] = REFUSALS,
): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    if (!refusals.some((refusal) => error instanceof refusal)) throw error;
    throw new ProviderRefusal((error as Error).message, { cause: error });
  }
}

const CHECKOUT = /^cs_/;

function cancel(stripe: Stripe, payment: PaymentToCancel): Promise<PaymentEnd> {
  return CHECKOUT.test(payment.id)
    ? cancelCheckout(stripe, payment)
    : cancelIntent(stripe, payment);
}

/** A payment intent that is being processed cannot be cancelled yet: the error is thrown then. */
async function cancelIntent(
  stripe: Stripe,
  { id, idempotencyKey }: PaymentToCancel,
): Promise<PaymentEnd> {
  try {
    await stripe.paymentIntents.cancel(id, {}, { idempotencyKey });
    return 'cancelled';
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    const { status } = await stripe.paymentIntents.retrieve(id);
    if (status === 'canceled') return 'cancelled';
    if (status === 'succeeded') return 'completed';
    throw error;
  }
}

/** A complete session may have a payment that is still processed, such as a bank debit. */
async function cancelCheckout(
  stripe: Stripe,
  { id, idempotencyKey }: PaymentToCancel,
): Promise<PaymentEnd> {
  try {
    await stripe.checkout.sessions.expire(id, {}, { idempotencyKey });
    return 'cancelled';
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    const session = await stripe.checkout.sessions.retrieve(id);
    if (session.status === 'expired') return 'cancelled';
    if (session.status !== 'complete') throw error;
    const intent = session.payment_intent;
    if (session.payment_status === 'paid' || intent === null) return 'completed';
    const intentId = typeof intent === 'string' ? intent : intent.id;
    return cancelIntent(stripe, { id: intentId, idempotencyKey: `${idempotencyKey}:intent` });
  }
}
