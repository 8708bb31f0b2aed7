import type { OrderStatus } from '../purchases/status.rules.ts';
import type { PaymentEventStatus } from './payment-event.entity.ts';
import type { Verdict } from './settlement.rules.ts';

/** What a provider is told of an event, and what is stored to be told again. */
export interface PaymentAnswer {
  readonly status: number;
  /** JSON text, kept byte for byte. */
  readonly body: string;
}

/** What an answer names. */
interface Answered {
  readonly idempotencyKey: string;
  readonly paymentId: string | null;
  readonly orderId: string | null;
  /** The order's status once the verdict is carried out; null while there is no order. */
  readonly orderStatus: OrderStatus | null;
}

interface Outcome {
  readonly eventStatus: PaymentEventStatus;
  readonly outcome: string;
  readonly httpStatus: number;
  readonly message: string;
}

const APPLIED: Outcome = {
  eventStatus: 'APPLIED',
  outcome: 'applied',
  httpStatus: 200,
  message: 'Webhook processed successfully',
};

/** The one table from a verdict to what the event becomes and what its sender is told. */
const OUTCOMES: Readonly<Record<Verdict['kind'], Outcome>> = {
  PAY: APPLIED,
  RETAKE: APPLIED,
  RECORD: APPLIED,
  PARK: {
    eventStatus: 'PARKED',
    outcome: 'parked',
    httpStatus: 202,
    message: 'The order does not exist yet; the event is stored until it does.',
  },
  IGNORE: { eventStatus: 'IGNORED', outcome: 'ignored', httpStatus: 200, message: '' },
  REFUND: {
    eventStatus: 'REFUND_REQUIRED',
    outcome: 'refund_required',
    httpStatus: 200,
    message: '',
  },
};

/** What the event becomes under this verdict. */
export function eventStatusOf(verdict: Verdict): PaymentEventStatus {
  return OUTCOMES[verdict.kind].eventStatus;
}

/** One sentence for the event's row: why it is parked, ignored or refunded. */
export function reasonOf(verdict: Verdict): string | null {
  if ('why' in verdict) return verdict.why;
  return verdict.kind === 'PARK' ? OUTCOMES.PARK.message : null;
}

/** The answer to the sender of an event. */
export function answerOf(verdict: Verdict, answered: Answered): PaymentAnswer {
  const { httpStatus, outcome, message } = OUTCOMES[verdict.kind];
  return {
    status: httpStatus,
    body: JSON.stringify({
      message: 'why' in verdict ? verdict.why : message,
      idempotency_key: answered.idempotencyKey,
      payment_id: answered.paymentId,
      order_id: answered.orderId,
      order_status: answered.orderStatus?.toLowerCase() ?? null,
      outcome,
    }),
  };
}
