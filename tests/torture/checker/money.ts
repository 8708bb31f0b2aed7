/** Decimals after the point in the checker's own unit of money: providers send six at most. */
const SCALE = 6;

/** Decimal digits of the currencies that a run uses. */
export const CURRENCY_DIGITS: Readonly<Record<string, number>> = { USD: 2, EUR: 2, JPY: 0 };

/** Decimal text as a whole number of millionths. The checker has its own arithmetic on purpose. */
export function millionths(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(SCALE, '0').slice(0, SCALE));
}

/** Minor units of a currency as decimal text. */
export function textOfMinor(minor: number, currency: string): string {
  const digits = CURRENCY_DIGITS[currency]!;
  const text = String(minor).padStart(digits + 1, '0');
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** Millionths as decimal text. */
export function textOfMillionths(value: bigint): string {
  const text = String(value).padStart(SCALE + 1, '0');
  return `${text.slice(0, -SCALE)}.${text.slice(-SCALE)}`.replace(/\.?0+$/, '');
}
