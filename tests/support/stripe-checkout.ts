import { missing, newIntent } from './stripe-intents.ts';
import {
  failure,
  metadataOf,
  stripeId,
  type StripeObjects,
  type StripeRoute,
} from './stripe-objects.ts';

/** Checkout Sessions, by docs.stripe.com/api/checkout/sessions. */

/** Stripe's limits of `expires_at`, in seconds from now. */
const EXPIRES_MIN = 30 * 60;
const EXPIRES_MAX = 24 * 3600;

export const checkoutRoutes: readonly StripeRoute[] = [
  {
    method: 'POST',
    path: '/v1/checkout/sessions',
    handle({ fields }, objects) {
      const lifetime = Number(fields.get('expires_at')) - Date.now() / 1000;
      if (!(lifetime >= EXPIRES_MIN && lifetime <= EXPIRES_MAX)) {
        const message = 'The `expires_at` timestamp must be 30 minutes to 24 hours from now.';
        return failure(400, 'invalid_request_error', message);
      }
      const id = stripeId('cs_test');
      const price = 'line_items[0][price_data]';
      const session = {
        id,
        object: 'checkout.session',
        status: 'open',
        payment_status: 'unpaid',
        mode: fields.get('mode'),
        amount_total: Number(fields.get(`${price}[unit_amount]`)),
        currency: fields.get(`${price}[currency]`),
        line_item: fields.get(`${price}[product_data][name]`),
        success_url: fields.get('success_url'),
        cancel_url: fields.get('cancel_url'),
        expires_at: Number(fields.get('expires_at')),
        metadata: metadataOf(fields),
        intent_metadata: metadataOf(fields, 'payment_intent_data[metadata]'),
        payment_intent: null,
        url: `https://checkout.stripe.example/c/pay/${id}`,
      };
      objects.set(id, session);
      return { status: 200, body: session };
    },
  },
  {
    method: 'GET',
    path: '/v1/checkout/sessions/:id',
    handle(_call, objects, id) {
      const session = objects.get(id);
      return session === undefined ? missing(id) : { status: 200, body: session };
    },
  },
  {
    method: 'POST',
    path: '/v1/checkout/sessions/:id/expire',
    handle(_call, objects, id) {
      const session = objects.get(id);
      if (session === undefined) return missing(id);
      if (session['status'] !== 'open') {
        const message = `Only Checkout Sessions with a status of open can be expired.`;
        return failure(400, 'invalid_request_error', message);
      }
      session['status'] = 'expired';
      return { status: 200, body: session };
    },
  },
];

/** The buyer pays a payment intent, or a Checkout Session, whose intent is created then. */
export function payAtStripe(
  objects: StripeObjects,
  id: string,
  status: 'succeeded' | 'processing' = 'succeeded',
): Record<string, unknown> {
  const object = objects.get(id)!;
  const intent = object['object'] === 'checkout.session' ? intentOf(object, objects) : object;
  intent['status'] = status;
  if (status === 'succeeded') intent['amount_received'] = intent['amount'];
  if (intent !== object) {
    object['status'] = 'complete';
    object['payment_status'] = status === 'succeeded' ? 'paid' : 'unpaid';
  }
  return intent;
}

function intentOf(session: Record<string, unknown>, objects: StripeObjects) {
  const known = objects.get(String(session['payment_intent']));
  if (known !== undefined) return known;
  const intent = newIntent({
    amount: session['amount_total'],
    currency: session['currency'],
    metadata: session['intent_metadata'],
  });
  objects.set(intent.id, intent);
  session['payment_intent'] = intent.id;
  return intent;
}
