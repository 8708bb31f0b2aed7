import type { BatchQueues } from '../../../lib/batch-queue.ts';
import type {
  HoldNotActive,
  HoldNotFound,
  OrderFinal,
  OrderNotFound,
  ProductNotFound,
} from '../../refusal.ts';
import type { Hold } from '../hold.entity.ts';
import type { HoldRefusal, HoldRequest } from '../hold.rules.ts';
import type { Order } from '../order.entity.ts';

/** The answer to a request for a hold: the hold, or the reason there is none. */
export type HoldAnswer = Hold | HoldRefusal | ProductNotFound;

/**
 * What a batch did with one of its requests. With `keyTaken`, another server used the same
 * idempotency key at the same moment: the request is submitted again, and finds that hold.
 */
export type HoldResult =
  { readonly kind: 'answered'; readonly answer: HoldAnswer } | { readonly kind: 'keyTaken' };

/** The queue of each product, in which requests that arrive together share one commit. */
export type HoldQueues = BatchQueues<number, HoldRequest, HoldResult>;

/** The answer to a release: the released hold, or the reason it was not released. */
export type ReleaseAnswer = Hold | HoldNotFound | HoldNotActive;

/** Releases by product; a request is the id of a hold. */
export type ReleaseQueues = BatchQueues<number, string, ReleaseAnswer>;

/** The answer to a cancellation: the cancelled order, or the reason it was not cancelled. */
export type CancelAnswer = Order | OrderNotFound | OrderFinal<Order>;

/** Cancellations by product; a request is the id of an order. */
export type CancelQueues = BatchQueues<number, string, CancelAnswer>;
