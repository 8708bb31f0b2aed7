import { currencyDigits, isPayableCurrency, minorFromDecimal } from '../../lib/money.ts';
import type { SaleStatus } from '../refusal.ts';

/** When a product may be held; a missing end is open. */
export interface SaleWindow {
  readonly saleStartsAt: Date | null;
  readonly saleEndsAt: Date | null;
}

/** Where the sale stands at an instant: the start belongs to it, the end does not. */
export function saleStatus({ saleStartsAt, saleEndsAt }: SaleWindow, now: Date): SaleStatus {
  if (saleEndsAt !== null && now >= saleEndsAt) return 'ENDED';
  if (saleStartsAt !== null && now < saleStartsAt) return 'UPCOMING';
  return 'LIVE';
}

/** Milliseconds from `now` until the sale opens or ends by itself; undefined where it never does. */
export function msToStatusChange(
  { saleStartsAt, saleEndsAt }: SaleWindow,
  now: Date,
): number | undefined {
  const next = [saleStartsAt, saleEndsAt].find((instant) => instant !== null && instant > now);
  return next ? next.getTime() - now.getTime() : undefined;
}

const PRODUCT_ID = /^[1-9]\d{0,9}$/;

/** Postgres's largest integer: no product can have an id beyond it. */
const INTEGER_MAX = 2_147_483_647;

/** A product's id out of its string form; undefined where no product can have it. */
export function parseProductId(text: string): number | undefined {
  if (!PRODUCT_ID.test(text)) return undefined;
  const id = Number(text);
  return id <= INTEGER_MAX ? id : undefined;
}

/** The terms a product is sold on, as the operator writes them. */
export interface ProductTerms extends SaleWindow {
  /** Exact decimal text. */
  readonly price: string;
  /** ISO 4217 code, upper case. */
  readonly currency: string;
  readonly maxPerHold: number;
  readonly maxPerCustomer: number | null;
}

/** A hold's total must fit the fifteen digits that a payment's amount may have. */
const HOLD_TOTAL_MINOR_MAX = 10n ** 15n - 1n;

/** One sentence on what can never be right with these terms; undefined where all is well. */
export function wrongWithTerms(terms: ProductTerms): string | undefined {
  return wrongWithPrice(terms) ?? wrongWithLimits(terms) ?? wrongWithWindow(terms);
}

/**
 * What no reader sees when a name has nothing else: separators, control and format characters, half
 * characters, marks without a letter, fillers (Unicode's default-ignorable ones, U+3164 among them),
 * the empty Braille pattern and the empty note head.
 */
const INVISIBLE = /^[\p{Z}\p{C}\p{M}\p{Default_Ignorable_Code_Point}\u2800\u{1D159}]*$/u;

/** One sentence on why this cannot be a product's name; undefined where it can. */
export function wrongWithName(name: string): string | undefined {
  return INVISIBLE.test(name) ? 'name must have at least one visible character.' : undefined;
}

/** One sentence on why a new product cannot have this currency; undefined where it can. */
export function wrongWithCurrency(currency: string): string | undefined {
  const isCode = /^[A-Za-z]{3}$/.test(currency);
  return isCode && isPayableCurrency(currency.toUpperCase())
    ? undefined
    : `currency is ${currency}; it must be the ISO 4217 code of a currency in use.`;
}

function wrongWithPrice({ price, currency, maxPerHold }: ProductTerms): string | undefined {
  const digits = currencyDigits(currency);
  if (digits === undefined) return `currency is ${currency}; it must be an ISO 4217 code.`;
  const minor = minorFromDecimal(price, currency);
  if (minor === undefined) {
    return `price is ${price}; it must be a plain decimal with at most ${digits} decimals for ${currency}.`;
  }
  return minor * BigInt(maxPerHold) > HOLD_TOTAL_MINOR_MAX
    ? 'price times maxPerHold is too large; a hold may come to at most fifteen digits.'
    : undefined;
}

function wrongWithLimits({ maxPerHold, maxPerCustomer }: ProductTerms): string | undefined {
  if (maxPerHold < 1) return `maxPerHold is ${maxPerHold}; it must be 1 or more.`;
  if (maxPerCustomer !== null && maxPerCustomer < 1) {
    return `maxPerCustomer is ${maxPerCustomer}; it must be 1 or more.`;
  }
  return undefined;
}

function wrongWithWindow({ saleStartsAt, saleEndsAt }: SaleWindow): string | undefined {
  return saleStartsAt !== null && saleEndsAt !== null && saleStartsAt >= saleEndsAt
    ? 'saleEndsAt must be after saleStartsAt.'
    : undefined;
}
