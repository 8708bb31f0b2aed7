import { failure, metadataOf, stripeId, type StripeRoute } from './stripe-objects.ts';
import { missing } from './stripe-intents.ts';

/** Refunds, by docs.stripe.com/api/refunds. A refund of a payment that `decides` names differs from success. */

/** The status of the next refunds, by the id of the payment intent. */
export const decisions = new Map<string, string>();

export const refundRoutes: readonly StripeRoute[] = [
  {
    method: 'POST',
    path: '/v1/refunds',
    handle({ fields }, objects) {
      const intentId = fields.get('payment_intent') ?? '';
      const intent = objects.get(intentId);
      if (intent === undefined) return missing(intentId);
      const received = Number(intent['amount_received']);
      const refunded = Number(intent['amount_refunded'] ?? 0);
      if (received === refunded)
        return failure(
          400,
          'invalid_request_error',
          'Charge has already been refunded.',
          'charge_already_refunded',
        );
      const amount = fields.has('amount') ? Number(fields.get('amount')) : received - refunded;
      if (amount > received - refunded)
        return failure(400, 'invalid_request_error', 'Refund amount is greater than the charge.');
      const status = decisions.get(intentId) ?? 'succeeded';
      const refund = { id: stripeId('re'), object: 'refund', amount, status };
      objects.set(refund.id, {
        ...refund,
        payment_intent: intentId,
        failure_reason: null,
        metadata: metadataOf(fields),
      });
      if (status === 'succeeded') intent['amount_refunded'] = refunded + amount;
      return { status: 200, body: objects.get(refund.id)! };
    },
  },
  {
    method: 'GET',
    path: '/v1/refunds',
    handle({ fields }, objects) {
      const intentId = fields.get('payment_intent');
      const data = [...objects.values()].filter(
        (one) => one['object'] === 'refund' && one['payment_intent'] === intentId,
      );
      return { status: 200, body: { object: 'list', url: '/v1/refunds', has_more: false, data } };
    },
  },
  {
    method: 'GET',
    path: '/v1/refunds/:id',
    handle(_call, objects, id) {
      const refund = objects.get(id);
      return refund === undefined ? missing(id) : { status: 200, body: refund };
    },
  },
];
