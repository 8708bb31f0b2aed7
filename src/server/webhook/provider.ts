import type { IncomingHttpHeaders } from 'node:http';

/** One event, in the same fields for every provider. */
export interface EventFields {
  /** Identifies the event, unique for its provider. */
  readonly idempotencyKey: string;
  readonly paymentId: string | null;
  /** Null where the event names no usable order. */
  readonly orderId: string | null;
  /** "success", "failed", or the provider's own word. */
  readonly reportedStatus: string;
  /** Decimal text; null where the event names none, or one that cannot be read. */
  readonly amount: string | null;
  /** The amount as received, where it is not a plain decimal; null otherwise. */
  readonly unreadableAmount: string | null;
  /** Upper case; null where the event names none. */
  readonly currency: string | null;
  /** Why the event is recorded without effect, one sentence; null where settlement decides. */
  readonly ignoredBecause: string | null;
}

/** Fields that are missing or of the wrong form, each with its problem. */
export type FieldErrors = Readonly<Record<string, string>>;

/** The result of reading an event: its fields, or the errors of those that cannot be read. */
export type EventReading =
  | { readonly kind: 'event'; readonly fields: EventFields }
  | { readonly kind: 'invalid'; readonly errors: FieldErrors };

/** A valid signature: when it was made; null where signatures are not required. */
interface Signature {
  readonly signedAt: Date | null;
}

/**
 * A payment provider: how its deliveries are signed, and how its events are read. A new provider is one
 * file like `payments-provider.ts` or `stripe.ts`; the rest is the same for every provider.
 */
export interface Provider {
  /** Its name in the inbox. Idempotency keys and payment ids are unique within it. */
  readonly name: string;
  /** The headers to keep for an audit; never a signature. */
  audit(headers: IncomingHttpHeaders): Record<string, string>;
  /** Verifies the raw bytes in constant time and without a clock; undefined without a valid signature. */
  verify(headers: IncomingHttpHeaders, body: Buffer): Signature | undefined;
  /** Reads a parsed event. */
  read(body: object, headers: IncomingHttpHeaders): EventReading;
}

/** An own property, so that `__proto__` is a field like any other. */
export function own(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null && Object.hasOwn(object, name)
    ? (object as Record<string, unknown>)[name]
    : undefined;
}

/**
 * The text of an unreadable amount, kept as evidence: a number as its shortest text, a string as it is.
 * Characters that a database cannot store are written as JSON escapes.
 */
export function unreadableText(value: number | string): string {
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /[\0\p{Cs}]/u.test(text) ? JSON.stringify(text).slice(1, -1) : text;
}

/** The value, if it is text of this form. */
export function matching(value: unknown, form: RegExp): string | undefined {
  return typeof value === 'string' && form.test(value) ? value : undefined;
}
