import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import Stripe from 'stripe';
import { isUuid } from '../../lib/ids.ts';
import {
  matching,
  own,
  unreadableText,
  type EventFields,
  type Provider,
  type WrongFields,
} from './provider.ts';

/** Stripe's event types that say what became of a payment; every other is kept and ignored. */
const STATUS_OF_TYPE: ReadonlyMap<string, 'success' | 'failed'> = new Map([
  ['payment_intent.succeeded', 'success'],
  ['payment_intent.payment_failed', 'failed'],
  ['payment_intent.canceled', 'failed'],
]);

/**
 * Currencies whose smallest unit at Stripe is not a hundredth (docs.stripe.com/currencies). They differ
 * from ISO 4217: MGA counts whole units; ISK and UGX have no decimals but count hundredths.
 */
const ZERO_DECIMAL = new Set(
  'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '),
);
const THREE_DECIMAL = new Set('BHD JOD KWD OMR TND'.split(' '));

/** How Stripe's events are taken. */
export interface StripeOptions {
  /** Whether events of Stripe's test mode have an effect. */
  readonly allowTestMode: boolean;
}

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
export function stripeProvider(secrets: readonly string[], options: StripeOptions): Provider {
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

function readStripeEvent(body: object, { allowTestMode }: StripeOptions): Reading {
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
  const intent = intentOf(own(own(body, 'data'), 'object'), id, type);
  const isTest = own(body, 'livemode') === false && !allowTestMode;
  return isTest
    ? recorded({ ...intent, reportedStatus: type }, IGNORED.test)
    : readReport(intent, STATUS_OF_TYPE.get(type));
}

function readReport(intent: Intent, status: 'success' | 'failed' | undefined): Reading {
  if (status === undefined) return recorded({ ...intent, ...NO_MONEY }, IGNORED.otherType);
  if (intent.paymentId === null) return withoutOrder(intent, status, IGNORED.noPayment);
  if (intent.orderId === null) return withoutOrder(intent, status, IGNORED.noOrder[status]);
  return readPayment(intent, status);
}

/** Why an event is kept without effect. */
const IGNORED = {
  test: 'A test payment (livemode is false) has no effect while STRIPE_ALLOW_TEST_MODE is false.',
  otherType: 'Events of this type have no effect.',
  noPayment: 'The event names no payment intent.',
  noOrder: {
    success: 'Money without an order: metadata.order_id of the payment intent is not an order id.',
    failed: 'metadata.order_id of the payment intent is not an order id.',
  },
} as const;

/** What is kept of an event that is not about a payment's end: whatever its amount means, it is not one paid. */
const NO_MONEY = { orderId: null, amount: null, unreadableAmount: null, currency: null } as const;

/** A payment intent as far as it can be read, whatever its event says of it. */
interface Intent extends Omit<EventFields, 'ignoredBecause'> {
  /** What is wrong with its money; null where all is right. */
  readonly wrongMoney: WrongFields | null;
}

function intentOf(intent: unknown, idempotencyKey: string, type: string): Intent {
  const orderId = matching(own(own(intent, 'metadata'), 'order_id'), TEXT) ?? '';
  const currency = matching(own(intent, 'currency'), /^[A-Za-z]{3}$/)?.toUpperCase() ?? null;
  const field = STATUS_OF_TYPE.get(type) === 'success' ? 'amount_received' : 'amount';
  const { amount, unreadableAmount, wrong } = amountOf(own(intent, field), currency);
  return {
    idempotencyKey,
    paymentId: matching(own(intent, 'id'), TEXT) ?? null,
    orderId: isUuid(orderId) ? orderId.toLowerCase() : null,
    reportedStatus: type,
    amount,
    unreadableAmount,
    currency,
    wrongMoney: currency === null ? { currency: 'must be an ISO 4217 code' } : wrong,
  };
}

/** An event that takes part in no settlement: kept for audit, with its reason. */
function recorded({ wrongMoney: _wrong, ...fields }: Intent, ignoredBecause: string): Reading {
  return { fields: { ...fields, ignoredBecause } };
}

/** A payment that cannot be matched: kept with its money, so that the admin sees whose it is. */
function withoutOrder(intent: Intent, status: 'success' | 'failed', why: string): Reading {
  return recorded({ ...intent, orderId: null, reportedStatus: status }, why);
}

function readPayment(intent: Intent, status: 'success' | 'failed'): Reading {
  const { wrongMoney, ...fields } = intent;
  if (wrongMoney !== null) return { wrong: wrongMoney };
  // Money that came must stay in sight: a success keeps an amount that cannot be read.
  if (fields.unreadableAmount !== null && status === 'failed') return { wrong: WRONG_AMOUNT };
  return { fields: { ...fields, reportedStatus: status, ignoredBecause: null } };
}

const WRONG_AMOUNT: WrongFields = { amount: 'must be a whole number of smallest units' };

/** Stripe's integer of smallest units as exact decimal text. */
function amountOf(
  amount: unknown,
  currency: string | null,
): Pick<EventFields, 'amount' | 'unreadableAmount'> & { readonly wrong: WrongFields | null } {
  if (typeof amount !== 'number' && typeof amount !== 'string') {
    return { amount: null, unreadableAmount: null, wrong: WRONG_AMOUNT };
  }
  if (!Number.isSafeInteger(amount) || (amount as number) < 0 || Object.is(amount, -0)) {
    return { amount: null, unreadableAmount: unreadableText(amount), wrong: null };
  }
  const digits = decimalsOf(currency ?? '');
  const text = String(amount).padStart(digits + 1, '0');
  const decimal = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return { amount: decimal, unreadableAmount: null, wrong: null };
}

function decimalsOf(currency: string): number {
  if (ZERO_DECIMAL.has(currency)) return 0;
  return THREE_DECIMAL.has(currency) ? 3 : 2;
}
