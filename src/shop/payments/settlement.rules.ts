import { canonicalDecimal } from '../../lib/money.ts';

/** What a provider reports of one payment. */
export interface ReportedPayment {
  /** "success", "failed", or the provider's own word. */
  readonly reportedStatus: string;
  /** Decimal text as received; null where the event names none. */
  readonly amount: string | null;
  /** The amount as it came, where it cannot be read; null or absent otherwise. */
  readonly unreadableAmount?: string | null;
  /** ISO 4217 code in upper case; null where the event names none. */
  readonly currency: string | null;
  /** Why the event has no effect, said by who read it; null or absent where that is decided here. */
  readonly ignoredBecause?: string | null;
}

/** The order a payment is meant for, as it stands under its lock. */
export interface OrderToSettle {
  readonly status: 'PENDING' | 'PAID' | 'CANCELLED' | 'EXPIRED';
  readonly cancelledBy: 'BUYER' | 'OPERATOR' | null;
  /** What it owes, decimal text. */
  readonly total: string;
  readonly currency: string;
}

/** Everything a verdict rests on. */
export interface SettlementFacts {
  /** Null while the order does not exist. */
  readonly order: OrderToSettle | null;
  /** Whether this payment has paid an order already, or a refund stands for it. */
  readonly counted: boolean;
  /** Whether no order can come any more: the hold ended without one, or the event waited too long. */
  readonly waitOver: boolean;
  /** Whether as many units as the order wants are free, due ones reclaimed; asked of ended orders only. */
  readonly unitsAvailable: boolean;
  /** Whether a success must name its amount. */
  readonly requireAmount: boolean;
}

/** What an event does to its order. */
export type Verdict =
  /** The pending order is paid: held units are sold. */
  | { readonly kind: 'PAY' }
  /** The ended order is paid after all: free units are sold. */
  | { readonly kind: 'RETAKE' }
  /** A failed attempt is recorded; the buyer may try another card until the deadline. */
  | { readonly kind: 'RECORD' }
  /** The event waits for its order. */
  | { readonly kind: 'PARK' }
  /** The state of things says so already, or says otherwise. */
  | { readonly kind: 'IGNORE'; readonly why: string }
  /** Money came that cannot be honoured and must go back. */
  | { readonly kind: 'REFUND'; readonly reason: RefundReason; readonly why: string };

type RefundReason =
  | 'PAID_TOO_LATE'
  | 'AMOUNT_MISMATCH'
  | 'DUPLICATE_PAYMENT'
  | 'ORDER_NEVER_CREATED'
  | 'ORDER_CANCELLED';

/**
 * Decides what an event does: a ladder of guards in their order of precedence. A payment that was
 * counted is recognised before anything that may have changed since; money is compared before the
 * order's state; and money that cannot be honoured always ends in a refund, never in nothing.
 */
export function settle(payment: ReportedPayment, facts: SettlementFacts): Verdict {
  const { order, counted, waitOver } = facts;
  const without = withoutEffect(payment);
  if (without !== undefined) return ignore(without);
  if (payment.reportedStatus === 'failed') return settleFailure(facts);
  if (counted) return ignore('This payment was credited before.');
  if (order === null) {
    if (!waitOver) return { kind: 'PARK' };
    return refund('ORDER_NEVER_CREATED', 'No order was created for this payment.');
  }
  const mismatch = mismatchOf(payment, order, facts.requireAmount);
  if (mismatch !== undefined) return refund('AMOUNT_MISMATCH', mismatch);
  if (order.status === 'PENDING') return { kind: 'PAY' };
  return settleAfterTheEnd(order, facts.unitsAvailable);
}

/** Why an event has no effect whatever its order is; undefined where its order decides. */
function withoutEffect({ ignoredBecause, reportedStatus }: ReportedPayment): string | undefined {
  if (ignoredBecause != null) return ignoredBecause;
  const isKnown = reportedStatus === 'success' || reportedStatus === 'failed';
  return isKnown ? undefined : 'The status is neither success nor failed.';
}

/** A failed attempt takes no money, so the worst it can be is news that nobody needs. */
function settleFailure({ order, waitOver }: SettlementFacts): Verdict {
  if (order === null)
    return waitOver ? ignore('No order was created for this payment.') : { kind: 'PARK' };
  if (order.status === 'PENDING') return { kind: 'RECORD' };
  return ignore(`The order is already ${order.status.toLowerCase()}.`);
}

/** The right money for an order that has ended: free units are sold after all, else it goes back. */
function settleAfterTheEnd(order: OrderToSettle, unitsAvailable: boolean): Verdict {
  if (order.status === 'PAID') return refund('DUPLICATE_PAYMENT', paidAlready(order));
  if (order.cancelledBy === 'OPERATOR')
    return refund('ORDER_CANCELLED', 'The admin cancelled the order.');
  if (unitsAvailable) return { kind: 'RETAKE' };
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

/** What is wrong with the money, compared by its decimal text and never as a float. */
function mismatchOf(
  { amount, unreadableAmount = null, currency }: ReportedPayment,
  order: OrderToSettle,
  requireAmount: boolean,
): string | undefined {
  if (unreadableAmount !== null) return `The amount ${quoted(unreadableAmount)} cannot be read.`;
  if (currency !== null && currency !== order.currency) {
    return `${order.currency} is owed, ${currency} was paid.`;
  }
  if (amount === null) return requireAmount ? 'The event names no amount.' : undefined;
  if (canonicalDecimal(amount) === canonicalDecimal(order.total)) return undefined;
  return `${order.total} ${order.currency} is owed, ${amount} was paid.`;
}

/** Most characters of an unreadable amount in a sentence; the event keeps them all. */
const QUOTED_MAX = 60;

/** A sender's text in a sentence of ours: short, and without control characters. */
function quoted(text: string): string {
  const clean = text.replace(/\p{Cc}/gu, '\ufffd');
  // The flag u keeps both halves of a surrogate pair together.
  const shown = new RegExp(`^.{0,${QUOTED_MAX}}`, 'su').exec(clean)![0];
  return `"${shown}${shown === clean ? '' : '…'}"`;
}

function ignore(why: string): Verdict {
  return { kind: 'IGNORE', why };
}

function refund(reason: RefundReason, why: string): Verdict {
  return { kind: 'REFUND', reason, why };
}
