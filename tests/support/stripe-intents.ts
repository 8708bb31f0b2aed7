import { failure, metadataOf, stripeId, type StripeRoute } from './stripe-objects.ts';

/** Payment intents, by docs.stripe.com/api/payment_intents. */

const CANCELLABLE = [
  'requires_payment_method',
  'requires_capture',
  'requires_confirmation',
  'requires_action',
];

/** A new payment intent, of these fields and more. */
export function newIntent(fields: object): Record<string, unknown> & { readonly id: string } {
  const id = stripeId('pi');
  return {
    id,
    object: 'payment_intent',
    status: 'requires_payment_method',
    amount_received: 0,
    client_secret: `${id}_secret_${stripeId('x')}`,
    created: Math.floor(Date.now() / 1000),
    livemode: false,
    latest_charge: null,
    ...fields,
  };
}

export const intentRoutes: readonly StripeRoute[] = [
  {
    method: 'POST',
    path: '/v1/payment_intents',
    handle({ fields }, objects) {
      const amount = Number(fields.get('amount'));
      if (amount < 50)
        return failure(400, 'invalid_request_error', 'Amount too small.', 'amount_too_small');
      const intent = newIntent({
        amount,
        currency: fields.get('currency'),
        description: fields.get('description'),
        metadata: metadataOf(fields),
        automatic_payment_methods: {
          enabled: fields.get('automatic_payment_methods[enabled]') === 'true',
        },
      });
      objects.set(intent.id, intent);
      return { status: 200, body: intent };
    },
  },
  {
    method: 'GET',
    path: '/v1/payment_intents',
    handle({ fields }, objects) {
      const bound = (name: string, otherwise: number) =>
        Number(fields.get(`created[${name}]`) ?? otherwise);
      // The newest first, as Stripe lists.
      const all = [...objects.values()]
        .filter(({ object }) => object === 'payment_intent')
        .filter(({ created }) => Number(created) >= bound('gte', 0))
        .filter(({ created }) => Number(created) < bound('lt', Infinity))
        .toReversed();
      const after = all.findIndex(({ id }) => id === fields.get('starting_after'));
      const data = all.slice(after + 1, after + 1 + Number(fields.get('limit') ?? 10));
      const isLast = data.at(-1) === all.at(-1);
      return {
        status: 200,
        body: { object: 'list', url: '/v1/payment_intents', has_more: !isLast, data },
      };
    },
  },
  {
    method: 'GET',
    path: '/v1/payment_intents/:id',
    handle(_call, objects, id) {
      const intent = objects.get(id);
      return intent === undefined ? missing(id) : { status: 200, body: intent };
    },
  },
  {
    method: 'POST',
    path: '/v1/payment_intents/:id/cancel',
    handle(_call, objects, id) {
      const intent = objects.get(id);
      if (intent === undefined) return missing(id);
      const status = String(intent['status']);
      if (!CANCELLABLE.includes(status)) {
        const message = `You cannot cancel this PaymentIntent because it has a status of ${status}.`;
        return failure(400, 'invalid_request_error', message, 'payment_intent_unexpected_state');
      }
      intent['status'] = 'canceled';
      return { status: 200, body: intent };
    },
  },
];

/** The answer for an id that the account does not have. */
export function missing(id: string) {
  return failure(404, 'invalid_request_error', `No such object: '${id}'`, 'resource_missing');
}
