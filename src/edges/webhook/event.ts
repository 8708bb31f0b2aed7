import { isUuid } from '../../platform/ids.ts';
import { canonicalDecimal } from '../../platform/money.ts';
import { matching, own, type EventFields, type WrongFields } from './provider.ts';

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
  const orderId = own(body, 'order_id');
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
    orderId: read(
      'order_id',
      typeof orderId === 'string' && isUuid(orderId) ? orderId.toLowerCase() : undefined,
      'a UUID',
    ),
    reportedStatus: read(
      'status',
      matching(own(body, 'status'), WORD),
      '"success", "failed" or another word',
    ),
    amount: read(
      'amount',
      amountOf(own(body, 'amount')),
      'a plain decimal, at most 15 digits before the point and 6 after it',
    ),
    currency: read('currency', currencyOf(own(body, 'currency')), 'an ISO 4217 code'),
  };
  return Object.keys(wrong).length > 0 ? { wrong } : { fields };
}

/** The amount's canonical text; null where there is none, undefined where it is no amount. */
function amountOf(value: unknown): string | null | undefined {
  if (value === undefined) return null;
  const text = typeof value === 'number' ? numberText(value) : value;
  return typeof text === 'string' && AMOUNT.test(text) ? canonicalDecimal(text) : undefined;
}

/** A number by its shortest decimal text; minus zero keeps the sign that makes it wrong. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function currencyOf(value: unknown): string | null | undefined {
  if (value === undefined) return null;
  return matching(value, /^[A-Za-z]{3}$/)?.toUpperCase();
}
