import { canonicalDecimal } from '../../../lib/money.ts';
import type { OrderStatus } from '../../purchases/status.rules.ts';
import type { PaymentEventStatus } from '../inbox/payment-event.rules.ts';
import {
  mismatchOf,
  moneyReceived,
  type AmountOwed,
  type MoneyReceived,
  type RefundReason,
} from './refund.rules.ts';

/** What a provider reports about one payment. */
export interface ReportedPayment {
  readonly idempotencyKey: string;
  readonly paymentId: string | null;
  readonly orderId: string | null;
  /** "success", "failed", or the provider's own word. */
  readonly reportedStatus: string;
  /** Decimal text as received; null where the event names none. */
  readonly amount: string | null;
  /** The amount as received, where it cannot be read; null or absent otherwise. */
  readonly unreadableAmount?: string | null;
  /** ISO 4217 code in upper case; null where the event names none. */
  readonly currency: string | null;
  /** Why the event has no effect, set by the provider's reader; null or absent where the order decides. */
  readonly ignoredBecause?: string | null;
}

/** The order that a payment is for, read under its lock. */
export interface OrderToSettle extends AmountOwed {
  readonly status: OrderStatus;
  readonly cancelledBy: 'BUYER' | 'OPERATOR' | null;
}

/** Everything that a settlement depends on. */
export interface SettlementFacts {
  /** Null while the order does not exist. */
  readonly order: OrderToSettle | null;
  /** The amount owed for a hold without an order; null for an unknown order id. */
  readonly hold: AmountOwed | null;
  /** Whether this payment has paid an order or opened a refund before. */
  readonly credited: boolean;
  /**
   * Whether an order is no longer possible: the hold ended without one, or the event waited too long.
   */
  readonly waitOver: boolean;
  /** Whether the units of an ended order are available again. Read for late payments only. */
  readonly unitsAvailable: boolean;
  /** Whether a success must name its amount. */
  readonly requireAmount: boolean;
}

/** The word by which an answer names the result. */
export type Outcome = 'applied' | 'parked' | 'ignored' | 'refund_required';

/** The answer to the sender of an event. */
export interface PaymentAnswer {
  readonly httpStatus: number;
  readonly outcome: Outcome;
  /** One sentence. */
  readonly message: string;
  readonly idempotencyKey: string;
  readonly paymentId: string | null;
  readonly orderId: string | null;
  /** The order's status after the settlement; null while there is no order. */
  readonly orderStatus: OrderStatus | null;
}

/** The refund that a settlement opens. */
export interface RefundToOpen extends MoneyReceived {
  readonly reason: RefundReason;
}

/**
 * What an event does to its order:
 * - PAY: the pending order is paid, and held units are sold.
 * - RETAKE: the ended order is paid after all, and available units are sold.
 * - RECORD: a failed attempt is recorded. The buyer may try another card until the deadline.
 * - PARK: the event waits for its order.
 * - IGNORE: the event has no effect.
 * - REFUND: the payment cannot be used and must be returned.
 */
type SettlementKind = 'PAY' | 'RETAKE' | 'RECORD' | 'PARK' | 'IGNORE' | 'REFUND';

/** The complete result of an event from any source. `writeSettlements` writes it. */
export interface Settlement {
  readonly kind: SettlementKind;
  /** What the event becomes. */
  readonly status: PaymentEventStatus;
  /** Why the event is parked, ignored or refunded, one sentence; null where it is applied. */
  readonly reason: string | null;
  /** Whether the payment is credited by this event. */
  readonly credited: boolean;
  /** Null except for REFUND. */
  readonly refund: RefundToOpen | null;
  readonly answer: PaymentAnswer;
}

/** Decides what an event does, from facts read under the locks of its order. Pure. */
export function settle(payment: ReportedPayment, facts: SettlementFacts): Settlement {
  const verdict = verdictOn(payment, facts);
  const { idempotencyKey, paymentId, orderId } = payment;
  const { status, outcome, httpStatus } = RESULTS[verdict.kind];
  const isPaid = verdict.kind === 'PAY' || verdict.kind === 'RETAKE';
  const refund = refundOf(verdict, payment, facts);
  return {
    kind: verdict.kind,
    status,
    reason: verdict.why,
    credited: isPaid || refund !== null,
    refund,
    answer: {
      httpStatus,
      outcome,
      message: verdict.why ?? 'Webhook processed successfully',
      idempotencyKey,
      paymentId,
      orderId,
      orderStatus: isPaid ? 'PAID' : (facts.order?.status ?? null),
    },
  };
}

function refundOf(
  verdict: Verdict,
  payment: ReportedPayment,
  { order, hold }: SettlementFacts,
): RefundToOpen | null {
  if (verdict.kind !== 'REFUND') return null;
  return { reason: verdict.reason, ...moneyReceived(payment, order ?? hold) };
}

interface Result {
  readonly status: PaymentEventStatus;
  readonly outcome: Outcome;
  readonly httpStatus: number;
}

const APPLIED: Result = { status: 'APPLIED', outcome: 'applied', httpStatus: 200 };

/** The one table from a verdict to what the event becomes and how it is answered. */
const RESULTS: Readonly<Record<SettlementKind, Result>> = {
  PAY: APPLIED,
  RETAKE: APPLIED,
  RECORD: APPLIED,
  PARK: { status: 'PARKED', outcome: 'parked', httpStatus: 202 },
  IGNORE: { status: 'IGNORED', outcome: 'ignored', httpStatus: 200 },
  REFUND: { status: 'REFUND_REQUIRED', outcome: 'refund_required', httpStatus: 200 },
};

/** The decision, with its reason if the event is not applied. */
type Verdict =
  | { readonly kind: 'PAY' | 'RETAKE' | 'RECORD'; readonly why: null }
  | { readonly kind: 'PARK' | 'IGNORE'; readonly why: string }
  | { readonly kind: 'REFUND'; readonly reason: RefundReason; readonly why: string };

const PAY: Verdict = { kind: 'PAY', why: null };
const RETAKE: Verdict = { kind: 'RETAKE', why: null };
const RECORD: Verdict = { kind: 'RECORD', why: null };
const PARK: Verdict = {
  kind: 'PARK',
  why: 'The order does not exist yet; the event is stored until it does.',
};

/**
 * Guards in their order of precedence. A credited payment is recognised before anything that may have
 * changed since. Money is compared before the order's state. Money that no order can use always
 * becomes a refund.
 */
function verdictOn(payment: ReportedPayment, facts: SettlementFacts): Verdict {
  const { order, credited, waitOver } = facts;
  const without = withoutEffect(payment);
  if (without !== undefined) return ignore(without);
  if (payment.reportedStatus === 'failed') return onFailure(facts);
  if (credited) return ignore('This payment was credited before.');
  if (order === null) {
    if (!waitOver) return PARK;
    return refund('ORDER_NEVER_CREATED', 'No order was created for this payment.');
  }
  const mismatch = mismatchOf(payment, order, facts.requireAmount);
  if (mismatch !== undefined) return refund('AMOUNT_MISMATCH', mismatch);
  if (order.status === 'PENDING') return PAY;
  return afterTheEnd(order, facts.unitsAvailable);
}

/** Why an event has no effect for any order; undefined where the order decides. */
function withoutEffect({ ignoredBecause, reportedStatus }: ReportedPayment): string | undefined {
  if (ignoredBecause != null) return ignoredBecause;
  const isKnown = reportedStatus === 'success' || reportedStatus === 'failed';
  return isKnown ? undefined : 'The status is neither success nor failed.';
}

/** A failed attempt brings no money, so it is never refunded. */
function onFailure({ order, waitOver }: SettlementFacts): Verdict {
  if (order === null) return waitOver ? ignore('No order was created for this payment.') : PARK;
  if (order.status === 'PENDING') return RECORD;
  return ignore(`The order is already ${order.status.toLowerCase()}.`);
}

/** The right amount for an order that is no longer pending: available units are sold, else a refund. */
function afterTheEnd(order: OrderToSettle, unitsAvailable: boolean): Verdict {
  if (order.status === 'PAID') return refund('DUPLICATE_PAYMENT', paidAlready(order));
  if (order.cancelledBy === 'OPERATOR')
    return refund('ORDER_CANCELLED', 'The admin cancelled the order.');
  if (unitsAvailable) return RETAKE;
  return order.status === 'CANCELLED'
    ? refund(
        'ORDER_CANCELLED',
        'The buyer cancelled the order and its units are no longer available.',
      )
    : refund('PAID_TOO_LATE', 'The order expired unpaid and its units are no longer available.');
}

function paidAlready({ total }: OrderToSettle): string {
  return canonicalDecimal(total) === '0'
    ? 'The order is free and needs no payment.'
    : 'Another payment has paid the order.';
}

function ignore(why: string): Verdict {
  return { kind: 'IGNORE', why };
}

function refund(reason: RefundReason, why: string): Verdict {
  return { kind: 'REFUND', reason, why };
}
