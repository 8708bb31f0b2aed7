import type { BatchQueues } from '../../../lib/batch-queue.ts';
import type { Hold } from '../../purchases/hold.entity.ts';
import type { Order } from '../../purchases/order.entity.ts';
import type { HoldNotActive, HoldNotFound } from '../../refusal.ts';
import type { DeliveredContent } from './payment-event.rules.ts';
import type { StoredAnswer } from '../settlement/payment-answer.ts';
import type { PaymentAnswer } from '../settlement/settlement.rules.ts';

/** One event of a payment provider, verified and parsed. Texts may be stored as they are. */
export interface ReceivedPayment extends DeliveredContent {
  readonly provider: string;
  readonly idempotencyKey: string;
  /** Why the event is recorded without effect, one sentence; null where settlement decides. */
  readonly ignoredBecause: string | null;
  /** The body as received. */
  readonly payload: string;
  /** The headers to keep for an audit. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The result of a delivery. */
export type Receipt =
  /** The event is recorded and settled, or parked. */
  | { readonly kind: 'settled'; readonly answer: PaymentAnswer }
  /** The event was received before: its first answer, or its final one if it was parked. */
  | { readonly kind: 'repeated'; readonly answer: StoredAnswer }
  /** The key was used before with other content. */
  | { readonly kind: 'conflict' };

/** The request is unusual and is processed separately, by the same rules. */
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
