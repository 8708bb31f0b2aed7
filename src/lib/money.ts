import { FORMER_DIGITS, PAYABLE_DIGITS } from './currencies.ts';

/** Money as the shop stores it: a whole number of the currency's smallest unit, never a float. */
export interface Money {
  readonly minor: bigint;
  /** ISO 4217 code, upper case. */
  readonly currency: string;
}

/** Whether a new product may have this currency: on the current ISO 4217 list, and one to pay with. */
export function isPayableCurrency(currency: string): boolean {
  return PAYABLE_DIGITS.has(currency);
}

/**
 * The currency's number of decimal digits by ISO 4217; undefined for an unknown code. Rows of earlier
 * versions may have currencies that are no longer on the list; these keep their digits.
 */
export function currencyDigits(currency: string): number | undefined {
  return PAYABLE_DIGITS.get(currency) ?? FORMER_DIGITS.get(currency);
}

/** Exact decimal text in the currency's own number of digits: "29.99", "1500" for JPY. */
export function decimalText({ minor, currency }: Money): string {
  return scaledDecimal(minor, currencyDigits(currency) ?? 0);
}

/** The decimal text plus one of its last digit: "29.99" becomes "30.00". For payments of a wrong amount. */
export function oneUnitMore(amount: string): string {
  const digits = amount.split('.')[1]?.length ?? 0;
  return scaledDecimal(BigInt(amount.replace('.', '')) + 1n, digits);
}

/** Whole units of a hundredth, a thousandth and so on, by digits, as decimal text: (5, 2) is "0.05". */
export function scaledDecimal(minor: bigint, digits: number): string {
  const text = minor.toString().padStart(digits + 1, '0');
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/**
 * The text as minor units of the currency, exactly. Undefined if the text is not plain decimal, or has
 * more non-zero decimals than the currency.
 */
export function minorFromDecimal(text: string, currency: string): bigint | undefined {
  const digits = currencyDigits(currency);
  const parts = PLAIN_DECIMAL.exec(text);
  if (digits === undefined || parts === null) return undefined;
  const [, whole = '', fraction = ''] = parts;
  const significant = fraction.replace(/0+$/, '');
  if (significant.length > digits) return undefined;
  return BigInt(whole + significant.padEnd(digits, '0'));
}

/** Digits, at most one point, digits on both sides of it: no sign, no exponent. */
const PLAIN_DECIMAL = /^(\d+)(?:\.(\d+))?$/;

/**
 * One spelling for each value, so that equal amounts are equal texts: "29.970" and "029.97" are
 * both "29.97". Undefined where the text is not plain decimal.
 */
export function canonicalDecimal(text: string): string | undefined {
  const parts = PLAIN_DECIMAL.exec(text);
  if (parts === null) return undefined;
  const whole = parts[1]!.replace(/^0+(?=\d)/, '');
  const fraction = (parts[2] ?? '').replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** Received money as it is shown: at least the currency's digits, and all further received ones. */
export function receivedText(amount: string, currency: string): string {
  const [whole, fraction = ''] = (canonicalDecimal(amount) ?? amount).split('.');
  const padded = fraction.padEnd(currencyDigits(currency) ?? 0, '0');
  return padded === '' ? whole! : `${whole}.${padded}`;
}
