import { canonicalDecimal, decimalText } from '../../../lib/money.ts';
import { totalOf } from '../../purchases/order.rules.ts';

/** Why a payment must be refunded. */
export const REFUND_REASONS = [
  'PAID_TOO_LATE',
  'AMOUNT_MISMATCH',
  'DUPLICATE_PAYMENT',
  'ORDER_NEVER_CREATED',
  'ORDER_CANCELLED',
] as const;

/** Why a payment must be refunded. */
export type RefundReason = (typeof REFUND_REASONS)[number];

/**
 * A refund is open until its provider is asked to return the money, and resolved when the provider or an
 * admin confirms that it was returned.
 */
export const REFUND_STATUSES = ['OPEN', 'SENT', 'RESOLVED'] as const;

/** Whether the money was returned. */
export type RefundStatus = (typeof REFUND_STATUSES)[number];

/** What an order, or the hold that becomes it, costs. */
export interface AmountOwed {
  /** Decimal text. */
  readonly total: string;
  /** ISO 4217 code. */
  readonly currency: string;
}

/** The amount owed for an order, or for the hold that becomes it. */
export function amountOwed(row: Parameters<typeof totalOf>[0]): AmountOwed {
  return { total: decimalText(totalOf(row)), currency: row.currency };
}

/** The money that a payment event names. */
interface PaymentMoney {
  readonly amount: string | null;
  /** The amount as received, where it cannot be read; null or absent otherwise. */
  readonly unreadableAmount?: string | null;
  readonly currency: string | null;
}

/** The money of a refund. */
export interface MoneyReceived {
  /** Exact decimal text; null if the received amount is unknown. */
  readonly amount: string | null;
  /** ISO 4217 code; null exactly where the amount is. */
  readonly currency: string | null;
}

/**
 * The received money: the amount of the event, else the owed amount. ISO 4217's code for "no currency",
 * XXX, where an amount came without a currency for an order that never existed.
 */
export function moneyReceived(
  { amount, unreadableAmount = null, currency }: PaymentMoney,
  owed: AmountOwed | null,
): MoneyReceived {
  if (amount !== null) return { amount, currency: currency ?? owed?.currency ?? 'XXX' };
  // An unreadable amount is unknown: the order's total would be a guess.
  if (unreadableAmount !== null || owed === null) return { amount: null, currency: null };
  return { amount: owed.total, currency: owed.currency };
}

/**
 * How the paid money differs from the owed amount, one sentence; undefined if it does not. Compared as
 * decimal text, never as a float.
 *
 * @param requireAmount whether the payment must name its amount
 */
export function mismatchOf(
  { amount, unreadableAmount = null, currency }: PaymentMoney,
  owed: AmountOwed,
  requireAmount: boolean,
): string | undefined {
  if (unreadableAmount !== null) return `The amount ${quoted(unreadableAmount)} cannot be read.`;
  if (currency !== null && currency !== owed.currency) {
    return `${owed.currency} is owed, ${currency} was paid.`;
  }
  if (amount === null) return requireAmount ? 'The event names no amount.' : undefined;
  if (canonicalDecimal(amount) === canonicalDecimal(owed.total)) return undefined;
  return `${owed.total} ${owed.currency} is owed, ${amount} was paid.`;
}

/** Most characters of an unreadable amount in a sentence; the event keeps them all. */
const QUOTED_MAX = 60;

/** The sender's text, shortened and without control characters. */
function quoted(text: string): string {
  const clean = text.replace(/\p{Cc}/gu, '\ufffd');
  // The flag u keeps both halves of a surrogate pair together.
  const shown = new RegExp(`^.{0,${QUOTED_MAX}}`, 'su').exec(clean)![0];
  return `"${shown}${shown === clean ? '' : '…'}"`;
}
