import type { BatchQueues } from '../../lib/batch-queue.ts';
import type { ProductNotFound } from '../refusal.ts';
import type { Hold } from './hold.entity.ts';
import type { HoldRefusal, HoldRequest } from './hold.rules.ts';

/** The answer to a request for a hold: the hold, or the reason there is none. */
export type HoldAnswer = Hold | HoldRefusal | ProductNotFound;

/** The answer of a batch to one of its requests; `keyTaken` means that the request is decided again. */
export type BatchAnswer = HoldAnswer | { readonly keyTaken: true };

/** The queue of each product, in which requests that arrive together share one commit. */
export type HoldQueues = BatchQueues<number, HoldRequest, BatchAnswer>;
