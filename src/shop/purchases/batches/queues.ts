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

/** The hold, or the reason why it was not created. */
export type HoldAnswer = Hold | HoldRefusal | ProductNotFound;

/**
 * What a batch did with one of its requests. With `keyTaken`, another server used the same
 * idempotency key at the same moment: the request is submitted again, and finds that hold.
 */
export type HoldResult =
  { readonly kind: 'answered'; readonly answer: HoldAnswer } | { readonly kind: 'keyTaken' };

/** Requests for holds, by product: those that arrive during a commit share the next one. */
export type HoldQueues = BatchQueues<number, HoldRequest, HoldResult>;

/** The released hold, or the reason why it was not released. */
export type ReleaseAnswer = Hold | HoldNotFound | HoldNotActive;

/** Releases by product; a request is the id of a hold. */
export type ReleaseQueues = BatchQueues<number, string, ReleaseAnswer>;

/** The cancelled order, or the reason why it was not cancelled. */
export type CancelAnswer = Order | OrderNotFound | OrderFinal<Order>;

/** Cancellations by product; a request is the id of an order. */
export type CancelQueues = BatchQueues<number, string, CancelAnswer>;
