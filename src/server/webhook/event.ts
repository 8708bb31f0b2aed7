import { isUuid } from '../../lib/ids.ts';
import { canonicalDecimal } from '../../lib/money.ts';
import { matching, own, unreadableText, type EventFields, type WrongFields } from './provider.ts';

/** 1 to 255 characters that one can see: no control characters, no half of a surrogate pair. */
const KEY = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

/** As many as a key has, anything but NUL and half surrogate pairs, which cannot be stored. */
const TEXT = /^[^\0\p{Cs}]{1,255}$/u;

/** A provider's own word for a status: any that can be stored. */
const WORD = /^[^\0\p{Cs}]+$/u;

/** At most 15 digits before the point and 6 after it; the sign and exponent it lacks are refused. */
const AMOUNT = /^\d{1,15}(\.\d{1,6})?$/;

/**
 * Reads the six fields of a parsed event. Only own properties count, so `__proto__` is a field like
 * any other. A null is not an absence: a null amount is a provider's mistake, not a free pass.
 *
 * @param headerKey the `webhook-id` header, the key of an event that names none
 */
export function readEvent(
  body: object,
  headerKey: string | undefined,
): { readonly fields: EventFields } | { readonly wrong: WrongFields } {
  const wrong: Record<string, string> = {};
  const read = <T>(name: string, value: T | undefined, form: string): T => {
    if (value === undefined)
      wrong[name] =
        own(body, name) === undefined ? `missing; it must be ${form}` : `must be ${form}`;
    return value as T;
  };
  const amount = amountOf(own(body, 'amount'));
  const fields: EventFields = {
    idempotencyKey: read(
      'idempotency_key',
      matching(
        Object.hasOwn(body, 'idempotency_key') ? own(body, 'idempotency_key') : headerKey,
        KEY,
      ),
      '1 to 255 printable characters',
    ),
    paymentId: read(
      'payment_id',
      matching(own(body, 'payment_id'), TEXT),
      'a string of 1 to 255 characters',
    ),
    orderId: read('order_id', orderIdOf(own(body, 'order_id')), 'a UUID'),
    reportedStatus: read(
      'status',
      matching(own(body, 'status'), WORD),
      '"success", "failed" or another word',
    ),
    amount: amount.read ?? null,
    unreadableAmount: amount.unreadable ?? null,
    currency: read('currency', currencyOf(own(body, 'currency')), 'an ISO 4217 code'),
    ignoredBecause: null,
  };
  // Money that came must stay in sight: only a success that is right otherwise may keep such an amount.
  const mayKeep = fields.reportedStatus === 'success' && Object.keys(wrong).length === 0;
  if (isWrong(amount, mayKeep)) wrong['amount'] = `must be ${AMOUNT_FORM}`;
  return Object.keys(wrong).length > 0 ? { wrong } : { fields };
}

const AMOUNT_FORM = 'a plain decimal, at most 15 digits before the point and 6 after it';

/** An amount as it came: read, unreadable, or of a type that no amount has. */
interface AmountRead {
  /** Canonical decimal text; null where there is none. */
  readonly read?: string | null;
  readonly unreadable?: string;
  readonly isOther?: true;
}

function isWrong({ unreadable, isOther }: AmountRead, mayKeep: boolean): boolean {
  return isOther === true || (unreadable !== undefined && !mayKeep);
}

/** A number counts by its shortest decimal text; minus zero keeps the sign that makes it unreadable. */
function amountOf(value: unknown): AmountRead {
  if (value === undefined) return { read: null };
  if (typeof value !== 'number' && typeof value !== 'string') return { isOther: true };
  const text = unreadableText(value);
  return AMOUNT.test(text) ? { read: canonicalDecimal(text)! } : { unreadable: text };
}

function orderIdOf(value: unknown): string | undefined {
  return typeof value === 'string' && isUuid(value) ? value.toLowerCase() : undefined;
}

function currencyOf(value: unknown): string | null | undefined {
  if (value === undefined) return null;
  return matching(value, /^[A-Za-z]{3}$/)?.toUpperCase();
}
