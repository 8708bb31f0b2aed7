import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import Stripe from 'stripe';
import { isUuid } from '../../../lib/ids.ts';
import {
  matching,
  own,
  unreadableText,
  type EventFields,
  type EventReading,
  type FieldErrors,
  type Provider,
} from '../../webhook/provider.ts';
import { decimalOfUnits } from './stripe-amounts.ts';

/** Stripe's event types that report the end of a payment; every other type is recorded and ignored. */
const STATUS_OF_TYPE: ReadonlyMap<string, 'success' | 'failed'> = new Map([
  ['payment_intent.succeeded', 'success'],
  ['payment_intent.payment_failed', 'failed'],
  ['payment_intent.canceled', 'failed'],
]);

/** How Stripe's events are read. */
export interface StripeEventOptions {
  /** Whether events of Stripe's test mode have an effect. */
  readonly allowTestMode: boolean;
}

/** The id of an event is its idempotency key; Stripe's are short ASCII text. */
const EVENT_ID = /^[\x21-\x7e]{1,255}$/;

/** Longest text taken from an event into a column of its own. */
const TEXT = /^[^\0\p{Cs}]{1,255}$/u;

/**
 * Stripe, verified by its own package. The package's tolerance is off, because it uses this server's
 * clock and checks the past only. The timestamp is returned, and checked by the database's clock.
 *
 * @param secrets the endpoint's signing secrets, all accepted, for rotation
 */
export function stripeEvents(secrets: readonly string[], options: StripeEventOptions): Provider {
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
    read: (body) => readStripeEvent(body, options),
  };
}

/**
 * The `t=…` of the signature header, if there is exactly one. With several it would be unclear which one
 * was signed, and an old signature could appear to be new.
 */
function signedAtOf(headers: IncomingHttpHeaders): string | undefined {
  const parts = (headers['stripe-signature']?.toString() ?? '').split(',').map((one) => one.trim());
  const [timestamp, ...more] = parts.filter((part) => part.startsWith('t='));
  return more.length === 0 && /^t=\d{1,12}$/.test(timestamp ?? '') ? timestamp : undefined;
}

/**
 * The package decodes the body as UTF-8 text. It drops a byte order mark and replaces invalid bytes, so
 * different bodies could have one signature. Here each byte is one character, and is signed as a byte.
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

function readStripeEvent(body: object, { allowTestMode }: StripeEventOptions): EventReading {
  const id = matching(own(body, 'id'), EVENT_ID);
  const type = matching(own(body, 'type'), TEXT);
  if (id === undefined || type === undefined) {
    return {
      kind: 'invalid',
      errors: {
        ...(id === undefined && { id: 'must be an event id' }),
        ...(type === undefined && { type: 'must be an event type' }),
      },
    };
  }
  const intent = intentOf(own(own(body, 'data'), 'object'), id, type);
  const isTest = own(body, 'livemode') === false && !allowTestMode;
  return isTest
    ? recorded({ ...intent, reportedStatus: type }, IGNORED.test)
    : readReport(intent, STATUS_OF_TYPE.get(type));
}

function readReport(intent: Intent, status: 'success' | 'failed' | undefined): EventReading {
  if (status === undefined) return recorded({ ...intent, ...NO_MONEY }, IGNORED.otherType);
  if (intent.paymentId === null) return withoutOrder(intent, status, IGNORED.noPayment[status]);
  if (intent.orderId === null) return withoutOrder(intent, status, IGNORED.noOrder[status]);
  return readPayment(intent, status);
}

/** Why an event is recorded without effect. */
const IGNORED = {
  test: 'A test payment (livemode is false) has no effect while STRIPE_ALLOW_TEST_MODE is false.',
  otherType: 'Events of this type have no effect.',
  noPayment: {
    success: 'Money without an order: the event names no payment intent.',
    failed: 'The event names no payment intent.',
  },
  noOrder: {
    success: 'Money without an order: metadata.order_id of the payment intent is not an order id.',
    failed: 'metadata.order_id of the payment intent is not an order id.',
  },
} as const;

/**
 * No money is recorded for an event that does not report the end of a payment: its amount was not paid.
 */
const NO_MONEY = { orderId: null, amount: null, unreadableAmount: null, currency: null } as const;

/** The readable parts of a payment intent, for any type of event. */
interface Intent extends Omit<EventFields, 'ignoredBecause'> {
  /** Errors in amount or currency; null where there are none. */
  readonly moneyErrors: FieldErrors | null;
}

function intentOf(intent: unknown, idempotencyKey: string, type: string): Intent {
  const orderId = matching(own(own(intent, 'metadata'), 'order_id'), TEXT) ?? '';
  const currency = matching(own(intent, 'currency'), /^[A-Za-z]{3}$/)?.toUpperCase() ?? null;
  const field = STATUS_OF_TYPE.get(type) === 'success' ? 'amount_received' : 'amount';
  const { amount, unreadableAmount, errors } = amountOf(own(intent, field), currency);
  return {
    idempotencyKey,
    paymentId: matching(own(intent, 'id'), TEXT) ?? null,
    orderId: isUuid(orderId) ? orderId.toLowerCase() : null,
    reportedStatus: type,
    amount,
    unreadableAmount,
    currency,
    moneyErrors: currency === null ? { currency: 'must be an ISO 4217 code' } : errors,
  };
}

/** An event that is recorded for the audit only, with its reason. */
function recorded(
  { moneyErrors: _errors, ...fields }: Intent,
  ignoredBecause: string,
): EventReading {
  return { kind: 'event', fields: { ...fields, ignoredBecause } };
}

/** A payment that matches no order: recorded with its money, so that an admin can find its owner. */
function withoutOrder(intent: Intent, status: 'success' | 'failed', why: string): EventReading {
  return recorded({ ...intent, orderId: null, reportedStatus: status }, why);
}

function readPayment(intent: Intent, status: 'success' | 'failed'): EventReading {
  const { moneyErrors, ...fields } = intent;
  if (moneyErrors !== null) return { kind: 'invalid', errors: moneyErrors };
  // A success is recorded with its unreadable amount, so that no money is lost.
  if (fields.unreadableAmount !== null && status === 'failed') {
    return { kind: 'invalid', errors: INVALID_AMOUNT };
  }
  return { kind: 'event', fields: { ...fields, reportedStatus: status, ignoredBecause: null } };
}

const INVALID_AMOUNT: FieldErrors = { amount: 'must be a whole number of smallest units' };

/** Stripe's integer of smallest units as exact decimal text. */
function amountOf(
  amount: unknown,
  currency: string | null,
): Pick<EventFields, 'amount' | 'unreadableAmount'> & { readonly errors: FieldErrors | null } {
  if (typeof amount !== 'number' && typeof amount !== 'string') {
    return { amount: null, unreadableAmount: null, errors: INVALID_AMOUNT };
  }
  const isCount = typeof amount === 'number' && Number.isSafeInteger(amount) && amount >= 0;
  if (!isCount || Object.is(amount, -0)) {
    return { amount: null, unreadableAmount: unreadableText(amount), errors: null };
  }
  const decimal = decimalOfUnits(BigInt(amount), currency ?? '');
  return { amount: decimal, unreadableAmount: null, errors: null };
}
