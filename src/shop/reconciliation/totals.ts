import { receivedText, scaledDecimal } from '../../lib/money.ts';

/** Money as decimal text. */
export interface MoneyText {
  readonly amount: string;
  /** ISO 4217 code. */
  readonly currency: string;
}

/** Decimals of an exact sum: more than any currency has. */
const SCALE = 20;

/** Exact sums of decimal text, by currency. */
export class Totals {
  readonly #sums = new Map<string, bigint>();

  add({ amount, currency }: Partial<Readonly<Record<keyof MoneyText, string | null>>>): void {
    if (amount == null || currency == null) return;
    const [whole = '', fraction = ''] = amount.split('.');
    const scaled = BigInt(whole + fraction.slice(0, SCALE).padEnd(SCALE, '0'));
    this.#sums.set(currency, (this.#sums.get(currency) ?? 0n) + scaled);
  }

  list(): MoneyText[] {
    return [...this.#sums]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([currency, sum]) => ({
        amount: receivedText(scaledDecimal(sum, SCALE), currency),
        currency,
      }));
  }
}
