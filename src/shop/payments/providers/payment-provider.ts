import type { Money } from '../../../lib/money.ts';

/** A payment to start: the same for every attempt, so that an idempotency key always has one content. */
export interface PaymentToStart {
  /** Our id of the session. */
  readonly sessionId: string;
  readonly orderId: string;
  /** What is paid for, for a page of the provider. */
  readonly description: string;
  /** The total of the order. */
  readonly amount: Money;
  /** When the session was decided, by the database's clock. */
  readonly createdAt: Date;
  /** The payment deadline of the order. */
  readonly expiresAt: Date;
  /** Where a hosted page sends the buyer afterwards; null where the shop's own page takes the payment. */
  readonly returnUrl: string | null;
  /** `order:<id>`: the provider starts one payment for it. */
  readonly idempotencyKey: string;
}

/** A payment as its provider started it. */
export interface StartedPayment {
  /** The provider's id. */
  readonly id: string;
  /** What the provider's own frontend library needs; null where the buyer is sent to `url`. */
  readonly clientSecret: string | null;
  /** A hosted page; null where `clientSecret` is used. */
  readonly url: string | null;
}

/** A started payment to cancel. */
export interface PaymentToCancel {
  /** The provider's id. */
  readonly id: string;
  /** Unique for this attempt: a provider may remember the answer to a key, and a later attempt differs. */
  readonly idempotencyKey: string;
}

/** How a payment ended: without money, or with money that the provider's event reports. */
export type PaymentEnd = 'cancelled' | 'completed';

/** Money to return. The same for every attempt, except that the provider's id may be known. */
export interface RefundToSend {
  /** The provider's id of the payment. */
  readonly paymentId: string;
  /** What was received, decimal text; null for all that is left of the payment. */
  readonly amount: { readonly amount: string; readonly currency: string } | null;
  /** The provider's id of the refund; null until it is known. */
  readonly refundId: string | null;
  /**
   * Whether an earlier call may have returned the money. A provider that forgets idempotency keys then looks
   * for the refund first.
   */
  readonly isRepeated: boolean;
  /** `refund:<id>`: the provider returns the money once for it. */
  readonly idempotencyKey: string;
}

/** A refund at its provider. */
export interface RefundAtProvider {
  /** The provider's id; null if the money had been returned in another way. */
  readonly id: string | null;
  /** Whether the money is returned, or the provider has not decided yet. */
  readonly status: 'returned' | 'pending';
}

/** A payment that succeeded at its provider. */
export interface ProviderPayment {
  /** The provider's id, as its events name it. */
  readonly id: string;
  /** The order that it names; null if it names none. */
  readonly orderId: string | null;
  /** What was received, decimal text. */
  readonly amount: string;
  /** ISO 4217 code. */
  readonly currency: string;
}

/**
 * A payment provider as the shop uses it. Every call is made outside transactions and locks, and may be
 * repeated with the same idempotency key. An adapter implements what its provider can do.
 */
export interface PaymentProvider {
  /** Its name in startPayment. */
  readonly name: string;
  /** The name under which its events are in the inbox. */
  readonly inboxName: string;
  /** How the ids of its payments begin, where other senders share the inbox name. */
  readonly paymentPrefix?: string;
  /**
   * Starts a payment. A repeated call with the same key returns the same payment.
   *
   * @throws ProviderRefusal if nothing was started; any other error: the outcome is unknown
   */
  start?(payment: PaymentToStart, signal: AbortSignal): Promise<StartedPayment>;
  /** Cancels a payment, or finds that it has ended. @throws Error while it may still be paid */
  cancel?(payment: PaymentToCancel, signal: AbortSignal): Promise<PaymentEnd>;
  /**
   * Returns money, or asks for the state of a refund whose id is known.
   *
   * @throws ProviderRefusal if no money is returned; any other error: the outcome is unknown
   */
  refund?(refund: RefundToSend, signal: AbortSignal): Promise<RefundAtProvider>;
  /** The successful payments that were created in a range, `to` excluded, read page by page. */
  list?(range: { readonly from: Date; readonly to: Date }): AsyncIterable<ProviderPayment>;
  /** The successful payment with this id; null if there is none. */
  find?(id: string): Promise<ProviderPayment | null>;
}

/** The enabled providers by name; the first one that can start payments is the default. */
export type PaymentProviders = ReadonlyMap<string, PaymentProvider>;

/** The provider refused a call, and nothing was done. */
export class ProviderRefusal extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProviderRefusal';
  }
}

/** Longest call to a provider, in milliseconds. */
const CALL_MS_MAX = 10_000;

/**
 * Makes one call to a provider. After ten seconds, or when `stop` is aborted, it rejects: the outcome is
 * unknown, also for an adapter that does not use its signal.
 */
export async function callProvider<Answer>(
  call: (signal: AbortSignal) => Promise<Answer>,
  stop?: AbortSignal,
): Promise<Answer> {
  const timeout = AbortSignal.timeout(CALL_MS_MAX);
  const signal = stop === undefined ? timeout : AbortSignal.any([timeout, stop]);
  signal.throwIfAborted();
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([call(signal), aborted]);
}
