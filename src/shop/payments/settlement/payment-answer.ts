import type { PaymentEventStatus } from '../inbox/payment-event.rules.ts';
import type { Outcome, PaymentAnswer } from './settlement.rules.ts';

/** An answer as its event's row stores it, so that every duplicate gets the same bytes. */
export interface StoredAnswer {
  readonly outcome: Outcome;
  readonly httpStatus: number;
  /** JSON text. */
  readonly body: string;
}

/** The answer as JSON text. Constant for an answer, so the row and the response agree byte for byte. */
export function storedAnswer(answer: PaymentAnswer): StoredAnswer {
  const { outcome, httpStatus, message, idempotencyKey, paymentId, orderId, orderStatus } = answer;
  return {
    outcome,
    httpStatus,
    body: JSON.stringify({
      message,
      idempotency_key: idempotencyKey,
      payment_id: paymentId,
      order_id: orderId,
      order_status: orderStatus?.toLowerCase() ?? null,
      outcome,
    }),
  };
}

/** The outcome that the stored answer of an event names; a dead letter keeps the answer of a parked event. */
export const OUTCOME_OF_STATUS = {
  APPLIED: 'applied',
  PARKED: 'parked',
  IGNORED: 'ignored',
  REFUND_REQUIRED: 'refund_required',
  DEAD: 'parked',
} as const satisfies Record<PaymentEventStatus, Outcome>;
