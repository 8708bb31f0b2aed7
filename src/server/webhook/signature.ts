import { isUtf8 } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
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
 * Whether one of the signatures was made with one of the secrets over these raw bytes. Every pair is
 * compared in constant time, before the body is parsed and without the database.
 */
export function isSigned(
  headers: SignatureHeaders,
  body: Buffer,
  secrets: readonly string[],
): boolean {
  const { id, timestamp, signature } = headers;
  if (!id || !signature || !timestamp || !TIMESTAMP.test(timestamp)) return false;
  const at = new Date(Number(timestamp) * 1000);
  const given = signature.split(' ').map((one) => Buffer.from(one));
  let genuine = false;
  for (const secret of secrets) {
    const expected = Buffer.from(signatureOf(secret, { id, at, payload: body }));
    for (const one of given) {
      if (isSame(one, expected)) genuine = true;
    }
  }
  return genuine;
}

/** The content of one signature; a text is signed as its bytes in UTF-8. */
interface ToSign {
  readonly id: string;
  readonly at: Date;
  readonly payload: string | Buffer;
}

/**
 * The signature over the raw bytes. The package signs text, and decodes all invalid bytes as one
 * replacement character. Different bodies would then have one signature, so bodies that are not UTF-8
 * are signed here.
 */
function signatureOf(secret: string, { id, at, payload }: ToSign): string {
  if (typeof payload === 'string' || isUtf8(payload)) {
    return new Webhook(secret).sign(id, at, payload);
  }
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const hmac = createHmac('sha256', key);
  return `v1,${hmac
    .update(`${id}.${secondsOf(at)}.`)
    .update(payload)
    .digest('base64')}`;
}

const secondsOf = (at: Date): number => Math.floor(at.getTime() / 1000);

function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Whether a signed timestamp is within the window, by the clock given (the database's). */
export function isFresh(signedAt: Date, now: Date): boolean {
  return Math.abs(now.getTime() - signedAt.getTime()) <= TOLERANCE_MS;
}

/** The headers that sign a payload: for tests, and for the payment simulator. */
export function signPayload(secret: string, toSign: ToSign): Record<string, string> {
  return {
    'webhook-id': toSign.id,
    'webhook-timestamp': String(secondsOf(toSign.at)),
    'webhook-signature': signatureOf(secret, toSign),
  };
}
