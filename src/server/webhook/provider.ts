import type { IncomingHttpHeaders } from 'node:http';

/** One event in our words, whichever provider sent it. */
export interface EventFields {
  /** Names the event for ever, unique for its provider. */
  readonly idempotencyKey: string;
  readonly paymentId: string | null;
  /** Null where the event names no usable order; its status is then the provider's own word. */
  readonly orderId: string | null;
  /** "success", "failed", or the provider's own word. */
  readonly reportedStatus: string;
  /** Decimal text; null where the event names none, or one that cannot be read. */
  readonly amount: string | null;
  /** The amount as it came, where it cannot be read as a plain decimal; null otherwise. */
  readonly unreadableAmount: string | null;
  /** Upper case; null where the event names none. */
  readonly currency: string | null;
  /** Why the event is recorded without effect, one sentence; null where settlement decides. */
  readonly ignoredBecause: string | null;
}

/** Fields that are missing or of the wrong form: each with what is wrong with it. */
export type WrongFields = Readonly<Record<string, string>>;

/** What a right signature says: when it was made; null where the provider need not sign. */
export interface Signed {
  readonly signedAt: Date | null;
}

/**
 * A payment provider: how its deliveries are signed, and how its events read in our words. Adding
 * one is one file like `payments.ts` or `stripe.ts`; all the rest is the same for every provider.
 */
export interface Provider {
  /** Its name in the inbox; keys and payments are unique within it. */
  readonly name: string;
  /** What of the headers an audit may want; never a signature. */
  audit(headers: IncomingHttpHeaders): Record<string, string>;
  /** Verifies the raw bytes in constant time and without a clock; undefined where no signature is right. */
  verify(headers: IncomingHttpHeaders, body: Buffer): Signed | undefined;
  /** Reads a parsed event. */
  read(
    body: object,
    headers: IncomingHttpHeaders,
  ): { readonly fields: EventFields } | { readonly wrong: WrongFields };
}

/** A property that is the object's own, so that `__proto__` is a field like any other. */
export function own(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null && Object.hasOwn(object, name)
    ? (object as Record<string, unknown>)[name]
    : undefined;
}

/**
 * The text of an amount that cannot be read, kept as evidence of what came: a number by
 * its shortest text, a string as it is. What a database cannot store is written as JSON writes it.
 */
export function unreadableText(value: number | string): string {
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /[\0\p{Cs}]/u.test(text) ? JSON.stringify(text).slice(1, -1) : text;
}

/** The value, where it is text of this form. */
export function matching(value: unknown, form: RegExp): string | undefined {
  return typeof value === 'string' && form.test(value) ? value : undefined;
}
