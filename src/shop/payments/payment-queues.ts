import type { BatchQueues } from '../../lib/batch-queue.ts';
import type { Hold } from '../purchases/hold.entity.ts';
import type { Order } from '../purchases/order.entity.ts';
import type { HoldNotActive, HoldNotFound } from '../refusal.ts';
import type { PaymentAnswer } from './payment-answer.ts';
import type { PaymentEvent } from './payment-event.entity.ts';

/** The six fields by which two events with one key are the same; an amount has one of two fields. */
export type EventContent = Pick<
  PaymentEvent,
  'paymentId' | 'orderId' | 'reportedStatus' | 'amount' | 'unreadableAmount' | 'currency'
>;

/** One event of a payment provider, verified and parsed. */
export interface ReceivedPayment {
  readonly provider: string;
  readonly idempotencyKey: string;
  readonly paymentId: string | null;
  /** Null where a provider's event names no usable order. */
  readonly orderId: string | null;
  readonly reportedStatus: string;
  /** Decimal text; null where the event names none. */
  readonly amount: string | null;
  /** Upper case; null where the event names none. */
  readonly currency: string | null;
  /** The amount as it came, where it cannot be read; null otherwise. */
  readonly unreadableAmount: string | null;
  /** Why the event is recorded without effect, one sentence; null where settlement decides. */
  readonly ignoredBecause: string | null;
  /** The body as received. */
  readonly payload: string;
  /** The headers that matter. */
  readonly headers: Readonly<Record<string, string>>;
  /** Reads the body of a stored event as this one was read; undefined where it cannot be read. */
  readonly readStored?: (payload: string) => EventContent | undefined;
}

/** What the sender is told: the event's answer, new or as before, or that its key stands for another. */
export type Receipt =
  (PaymentAnswer & { readonly replayed: boolean }) | { readonly conflict: true };

/** The request is unusual and is processed by itself, by the same rules. */
export interface Unusual {
  readonly kind: 'unusual';
}

/** The one value of its type. */
export const unusual: Unusual = { kind: 'unusual' };

/** The answer to createOrder: the order, or the reason it was not created. */
export type OrderAnswer = Order | HoldNotFound | HoldNotActive;

/** The result of a request in a batch of createOrder: `created` once for each new order. */
export type OrderResult =
  | { readonly kind: 'created'; readonly order: Order }
  | { readonly kind: 'answered'; readonly answer: OrderAnswer }
  | Unusual;

/** Holds that become orders, of all products together. */
export type OrderQueues = BatchQueues<'orders', Hold, OrderResult>;

/** Payment events by the product of their order. */
export type PaymentQueues = BatchQueues<number, ReceivedPayment, Receipt | Unusual>;
