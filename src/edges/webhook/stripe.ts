import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import Stripe from 'stripe';
import { isUuid } from '../../platform/ids.ts';
import { matching, own, type EventFields, type Provider, type WrongFields } from './provider.ts';

/** Stripe's event types that say what became of a payment; every other is kept and ignored. */
const STATUS_OF_TYPE: ReadonlyMap<string, 'success' | 'failed'> = new Map([
  ['payment_intent.succeeded', 'success'],
  ['payment_intent.payment_failed', 'failed'],
  ['payment_intent.canceled', 'failed'],
]);

/**
 * Currencies whose smallest unit at Stripe is not a hundredth (docs.stripe.com/currencies): these
 * differ here and there from ISO 4217, so that table cannot serve.
 */
const ZERO_DECIMAL = new Set(
  'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '),
);
const THREE_DECIMAL = new Set('BHD JOD KWD OMR TND'.split(' '));

/** The key that names an event; Stripe's are short and plain. */
const EVENT_ID = /^[\x21-\x7e]{1,255}$/;

/** Longest text taken from an event into a column of its own. */
const TEXT = /^[^\0\p{Cs}]{1,255}$/u;

/**
 * Stripe, by its own package. Its tolerance is left off here and its timestamp handed on, because
 * the package looks back only, and would ask this server's clock.
 *
 * @param secrets the endpoint's signing secrets, all accepted, for rotation
 */
export function stripeProvider(secrets: readonly string[]): Provider {
  return {
    name: 'stripe',
    audit: (headers) => ({ 'stripe-signature': signedAtOf(headers) ?? '' }),
    verify(headers, body) {
      const header = headers['stripe-signature']?.toString() ?? '';
      const genuine = secrets.some((secret) => isGenuine(body, header, secret));
      const timestamp = signedAtOf(headers)?.slice('t='.length);
      return genuine && timestamp !== undefined
        ? { signedAt: new Date(Number(timestamp) * 1000) }
        : undefined;
    },
    read: readStripeEvent,
  };
}

/**
 * The `t=…` of the signature header, where there is exactly one: with several, which of them was
 * signed would be for each reader to guess, and an old signature could be made to look fresh.
 */
function signedAtOf(headers: IncomingHttpHeaders): string | undefined {
  const parts = (headers['stripe-signature']?.toString() ?? '').split(',').map((one) => one.trim());
  const [timestamp, ...more] = parts.filter((part) => part.startsWith('t='));
  return more.length === 0 && /^t=\d{1,12}$/.test(timestamp ?? '') ? timestamp : undefined;
}

/**
 * The package reads bytes as text, without a mark at their beginning and with one replacement character
 * for all that is no UTF-8. So each byte is handed to it as a character, and signed as a byte.
 */
class SignBytes extends Stripe.CryptoProvider {
  override computeHMACSignature(payload: string, secret: string): string {
    return createHmac('sha256', secret).update(payload, 'latin1').digest('hex');
  }
}

const signBytes = new SignBytes();

function isGenuine(body: Buffer, header: string, secret: string): boolean {
  const { signature } = Stripe.webhooks;
  try {
    return signature?.verifyHeader(body.toString('latin1'), header, secret, 0, signBytes) === true;
  } catch {
    return false;
  }
}

type Reading = { readonly fields: EventFields } | { readonly wrong: WrongFields };

function readStripeEvent(body: object): Reading {
  const id = matching(own(body, 'id'), EVENT_ID);
  const type = matching(own(body, 'type'), TEXT);
  if (id === undefined || type === undefined) {
    return {
      wrong: {
        ...(id === undefined && { id: 'must be an event id' }),
        ...(type === undefined && { type: 'must be an event type' }),
      },
    };
  }
  return readIntent(own(own(body, 'data'), 'object'), id, type);
}

function readIntent(intent: unknown, idempotencyKey: string, type: string): Reading {
  const status = STATUS_OF_TYPE.get(type);
  const paymentId = matching(own(intent, 'id'), TEXT) ?? null;
  const orderId = matching(own(own(intent, 'metadata'), 'order_id'), TEXT) ?? '';
  const common = { idempotencyKey, paymentId };
  if (status === undefined || paymentId === null || !isUuid(orderId)) {
    // Nothing of ours: kept under the type it came with.
    return {
      fields: { ...common, orderId: null, reportedStatus: type, amount: null, currency: null },
    };
  }
  const money = moneyOf(
    own(intent, status === 'success' ? 'amount_received' : 'amount'),
    own(intent, 'currency'),
  );
  if ('wrong' in money) return money;
  return {
    fields: { ...common, orderId: orderId.toLowerCase(), reportedStatus: status, ...money },
  };
}

/** Stripe's integer of smallest units as exact decimal text. */
function moneyOf(
  amount: unknown,
  currency: unknown,
): { readonly amount: string; readonly currency: string } | { readonly wrong: WrongFields } {
  const code = matching(currency, /^[A-Za-z]{3}$/)?.toUpperCase();
  if (code === undefined) return { wrong: { currency: 'must be an ISO 4217 code' } };
  if (!Number.isSafeInteger(amount) || (amount as number) < 0) {
    return { wrong: { amount: 'must be a whole number of smallest units' } };
  }
  const digits = ZERO_DECIMAL.has(code) ? 0 : THREE_DECIMAL.has(code) ? 3 : 2;
  const text = String(amount).padStart(digits + 1, '0');
  return {
    amount: digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`,
    currency: code,
  };
}
