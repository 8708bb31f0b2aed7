import { currencyDigits, scaledDecimal, type Money } from '../../../lib/money.ts';

/**
 * Currencies whose smallest unit at Stripe is not a hundredth (docs.stripe.com/currencies). They differ
 * from ISO 4217: MGA counts whole units; ISK and UGX have no decimals but count hundredths.
 */
const ZERO_DECIMAL = new Set(
  'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '),
);
const THREE_DECIMAL = new Set('BHD JOD KWD OMR TND'.split(' '));

function digitsAtStripe(currency: string): number {
  if (ZERO_DECIMAL.has(currency)) return 0;
  return THREE_DECIMAL.has(currency) ? 3 : 2;
}

/** Stripe's integer of smallest units as exact decimal text. */
export function decimalOfUnits(units: bigint, currency: string): string {
  return scaledDecimal(units, digitsAtStripe(currency));
}

/** Decimal text as Stripe's integer of smallest units; undefined if Stripe cannot express the amount. */
export function unitsOfDecimal(amount: string, currency: string): number | undefined {
  const [whole = '', fraction = ''] = amount.split('.');
  const digits = digitsAtStripe(currency);
  if (/[^0]/.test(fraction.slice(digits))) return undefined;
  const units = Number(whole + fraction.slice(0, digits).padEnd(digits, '0'));
  return Number.isSafeInteger(units) ? units : undefined;
}

/** Money as Stripe's integer of smallest units; undefined if Stripe cannot express the amount. */
export function unitsOf({ minor, currency }: Money): number | undefined {
  const added = digitsAtStripe(currency) - (currencyDigits(currency) ?? 0);
  const factor = 10n ** BigInt(Math.abs(added));
  if (added < 0 && minor % factor !== 0n) return undefined;
  const units = Number(added < 0 ? minor / factor : minor * factor);
  return Number.isSafeInteger(units) ? units : undefined;
}
