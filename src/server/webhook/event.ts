import { isUuid } from '../../lib/ids.ts';
import { canonicalDecimal } from '../../lib/money.ts';
import { matching, own, unreadableText, type EventFields, type EventReading } from './provider.ts';

/** 1 to 255 printable characters: no control characters, no half of a surrogate pair. */
const KEY = /^[^\p{Cc}\p{Cs}]{1,255}$/u;

/** 1 to 255 characters, without NUL and half surrogate pairs, which cannot be stored. */
const TEXT = /^[^\0\p{Cs}]{1,255}$/u;

/** A provider's own word for a status: any text that can be stored. */
const WORD = /^[^\0\p{Cs}]+$/u;

/** At most 15 digits before the point and 6 after it, without sign and exponent. */
const AMOUNT = /^\d{1,15}(\.\d{1,6})?$/;

/**
 * Reads the six fields of a parsed event. It reads own properties only, so `__proto__` is a field like
 * any other. A null is not an absent field: a null amount is an error of the provider.
 *
 * @param headerKey the `webhook-id` header, the key of an event that names none
 */
export function readEvent(body: object, headerKey: string | undefined): EventReading {
  const errors: Record<string, string> = {};
  const read = <T>(name: string, value: T | undefined, form: string): T => {
    if (value === undefined)
      errors[name] =
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
    amount: amount.kind === 'decimal' ? amount.text : null,
    unreadableAmount: amount.kind === 'unreadable' ? amount.text : null,
    currency: read('currency', currencyOf(own(body, 'currency')), 'an ISO 4217 code'),
    ignoredBecause: null,
  };
  // A success with an unreadable amount is recorded if its other fields are valid, so that no money is
  // lost.
  const mayKeep = fields.reportedStatus === 'success' && Object.keys(errors).length === 0;
  if (isInvalid(amount, mayKeep)) errors['amount'] = `must be ${AMOUNT_FORM}`;
  return Object.keys(errors).length > 0 ? { kind: 'invalid', errors } : { kind: 'event', fields };
}

const AMOUNT_FORM = 'a plain decimal, at most 15 digits before the point and 6 after it';

/** An amount as received: absent, readable, unreadable, or of a type that no amount has. */
type AmountReading =
  | { readonly kind: 'absent' | 'otherType' }
  /** Canonical decimal text. */
  | { readonly kind: 'decimal'; readonly text: string }
  | { readonly kind: 'unreadable'; readonly text: string };

function isInvalid({ kind }: AmountReading, mayKeep: boolean): boolean {
  return kind === 'otherType' || (kind === 'unreadable' && !mayKeep);
}

/** A number is read as its shortest decimal text; minus zero keeps its sign and is unreadable. */
function amountOf(value: unknown): AmountReading {
  if (value === undefined) return { kind: 'absent' };
  if (typeof value !== 'number' && typeof value !== 'string') return { kind: 'otherType' };
  const text = unreadableText(value);
  return AMOUNT.test(text)
    ? { kind: 'decimal', text: canonicalDecimal(text)! }
    : { kind: 'unreadable', text };
}

function orderIdOf(value: unknown): string | undefined {
  return typeof value === 'string' && isUuid(value) ? value.toLowerCase() : undefined;
}

function currencyOf(value: unknown): string | null | undefined {
  if (value === undefined) return null;
  return matching(value, /^[A-Za-z]{3}$/)?.toUpperCase();
}
