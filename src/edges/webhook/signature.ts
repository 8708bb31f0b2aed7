import { timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

/** How far a signed timestamp may be off the database's clock, either way. */
const TOLERANCE_MS = 300_000;

/** The three headers of Standard Webhooks 1.0, as received. */
export interface SignatureHeaders {
  readonly id: string | undefined;
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
}

/** Whole seconds, as the specification writes them. */
const TIMESTAMP = /^\d{1,12}$/;

/**
 * Whether one of the signatures was made with one of the secrets over these raw bytes: every one is
 * compared, each in constant time, before the body is parsed and without the database.
 */
export function isSigned(
  headers: SignatureHeaders,
  body: Buffer,
  secrets: readonly string[],
): boolean {
  const { id, timestamp, signature } = headers;
  if (!id || !signature || !timestamp || !TIMESTAMP.test(timestamp)) return false;
  const signedAt = new Date(Number(timestamp) * 1000);
  const given = signature.split(' ').map((one) => Buffer.from(one));
  const text = body.toString('utf8');
  let genuine = false;
  for (const secret of secrets) {
    const expected = Buffer.from(new Webhook(secret).sign(id, signedAt, text));
    for (const one of given) {
      if (isSame(one, expected)) genuine = true;
    }
  }
  return genuine;
}

function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Whether a signed timestamp is within the window, by the clock given (the database's). */
export function isFresh(signedAt: Date, now: Date): boolean {
  return Math.abs(now.getTime() - signedAt.getTime()) <= TOLERANCE_MS;
}

/** The headers that sign a payload: for tests, and for the payment simulator. */
export function signPayload(
  secret: string,
  { id, at, payload }: { readonly id: string; readonly at: Date; readonly payload: string },
): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, payload),
  };
}
