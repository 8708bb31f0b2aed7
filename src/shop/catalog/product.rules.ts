import { currencyDigits, isPayableCurrency, minorFromDecimal } from '../../lib/money.ts';
import type { SaleStatus } from '../refusal.ts';

/** When a product may be held; null is no limit on that side. */
export interface SaleWindow {
  readonly saleStartsAt: Date | null;
  readonly saleEndsAt: Date | null;
}

/** When a product may be held, and whether an admin has paused its sale. */
export interface Sale extends SaleWindow {
  readonly salePaused: boolean;
}

/**
 * The state of a sale at an instant: the start is part of the sale, the end is not. A paused sale does not
 * open at its start, so it is PAUSED before it too.
 */
export function saleStatus({ saleStartsAt, saleEndsAt, salePaused }: Sale, now: Date): SaleStatus {
  if (saleEndsAt !== null && now >= saleEndsAt) return 'ENDED';
  if (salePaused) return 'PAUSED';
  if (saleStartsAt !== null && now < saleStartsAt) return 'UPCOMING';
  return 'LIVE';
}

/** Milliseconds from `now` until the sale next opens or ends; undefined if it never does. */
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

/** Parses a product id; undefined if no product can have it. */
export function parseProductId(text: string): number | undefined {
  if (!PRODUCT_ID.test(text)) return undefined;
  const id = Number(text);
  return id <= INTEGER_MAX ? id : undefined;
}

/** The terms of a product's sale, as the admin enters them. */
export interface ProductTerms extends SaleWindow {
  /** Exact decimal text. */
  readonly price: string;
  /** ISO 4217 code, upper case. */
  readonly currency: string;
  readonly maxPerHold: number;
  readonly maxPerCustomer: number | null;
}

/** The total of a hold must fit into the fifteen digits of a payment's amount. */
const HOLD_TOTAL_MINOR_MAX = 10n ** 15n - 1n;

/** One sentence about the first fault of these terms; undefined if they are valid. */
export function wrongWithTerms(terms: ProductTerms): string | undefined {
  return wrongWithPrice(terms) ?? wrongWithLimits(terms) ?? wrongWithWindow(terms);
}

/**
 * A name without a visible character. It has only separators, control and format characters, lone
 * surrogates and marks without a letter, or default-ignorable characters, the empty Braille pattern and
 * the empty note head.
 */
const INVISIBLE = /^[\p{Z}\p{C}\p{M}\p{Default_Ignorable_Code_Point}\u2800\u{1D159}]*$/u;

/** One sentence why this cannot be a product's name; undefined if it can. */
export function wrongWithName(name: string): string | undefined {
  return INVISIBLE.test(name) ? 'name must have at least one visible character.' : undefined;
}

/** One sentence why a new product cannot have this currency; undefined if it can. */
export function wrongWithCurrency(currency: string): string | undefined {
  const isCode = /^[A-Za-z]{3}$/.test(currency);
  return isCode && isPayableCurrency(currency.toUpperCase())
    ? undefined
    : `currency is ${currency}; it must be the ISO 4217 code of a currency in use.`;
}

/** Maximum characters of the address of a picture. */
const IMAGE_URL_MAX = 2048;

/** One sentence why this cannot be the address of a product's picture; undefined if it can. */
export function wrongWithImageUrl(text: string | null): string | undefined {
  if (text === null) return undefined;
  if (text.length > IMAGE_URL_MAX)
    return `imageUrl has ${text.length} characters; it may have ${IMAGE_URL_MAX}.`;
  const url = URL.parse(text);
  if (url?.protocol !== 'https:') return 'imageUrl must be a URL that begins with https://.';
  return url.username !== '' || url.password !== ''
    ? 'imageUrl must not have a user or a password.'
    : undefined;
}

function wrongWithPrice({ price, currency, maxPerHold }: ProductTerms): string | undefined {
  const digits = currencyDigits(currency);
  if (digits === undefined) return `currency is ${currency}; it must be an ISO 4217 code.`;
  const minor = minorFromDecimal(price, currency);
  if (minor === undefined) {
    return `price is ${price}; it must be a plain decimal with at most ${digits} decimals for ${currency}.`;
  }
  return minor * BigInt(maxPerHold) > HOLD_TOTAL_MINOR_MAX
    ? 'price times maxPerHold is too large; the total of a hold has at most fifteen digits.'
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
