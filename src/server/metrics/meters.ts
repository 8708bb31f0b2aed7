import { noopObserver, type BatchObserver, type RejectionReason } from '../../lib/batch-queue.ts';
import type { HoldAnswers } from '../../shop/purchases/hold-answers.ts';
import { isRefusal } from '../../shop/refusal.ts';
import type { HoldResult } from '../../shop/purchases/batches/queues.ts';
import type { LockStock } from '../../shop/stock/locked-stock.ts';

/** The label that separates HTTP requests by endpoint. */
export type Endpoint = 'graphql' | 'webhook' | 'other';

/** The rate limits of each address. */
export type RateLimitName = 'holds' | 'tokens' | 'admin';

/**
 * The events that metrics count. The shop uses only this interface, not Prometheus. Most events are
 * reported once for a batch, so that measuring costs a sale almost nothing.
 */
export interface Meters extends BatchObserver {
  /** `count` requests for holds ended with this outcome: HELD, or the code of a refusal. */
  holdsAnswered(outcome: string, count: number): void;
  /** A transaction waited for a product's lock, with or without success. */
  lockWaited(ms: number): void;
  /** An HTTP request ended; status 499 if the client closed the connection first. */
  answered(endpoint: Endpoint, answer: { readonly status: number; readonly ms: number }): void;
  /** A webhook delivery was answered, with the outcome of its event or the code of the error. */
  webhookAnswered(provider: string, outcome: string): void;
  /** A payment event was delivered again. */
  duplicateWebhook(provider: string): void;
  /** A scheduled run ended. */
  ran(task: string, run: { readonly ms: number; readonly failed: boolean }): void;
  /** The sweep ended this many holds and orders. */
  swept(ended: number): void;
  /** A reconciliation ended, with or without discrepancies. */
  reconciled(balanced: boolean): void;
  /** A rate limit refused a request. */
  rateLimited(limit: RateLimitName): void;
  /** An event was attempted to be delivered to an endpoint, with or without success. */
  delivered(endpointId: string, delivered: boolean): void;
  /** The server disabled a webhook endpoint. */
  endpointDisabled(): void;
  /** A connection was refused before its first request. */
  connectionRefused(): void;
}

/** Measures nothing: for commands, tests and servers without /metrics. */
export const noopMetrics: Meters = {
  ...noopObserver,
  holdsAnswered() {},
  lockWaited() {},
  answered() {},
  webhookAnswered() {},
  duplicateWebhook() {},
  ran() {},
  swept() {},
  reconciled() {},
  rateLimited() {},
  delivered() {},
  endpointDisabled() {},
  connectionRefused() {},
};

/** Wraps `lockStock` to measure its wait. */
export function measuredLock(lockStock: LockStock, meters: Meters): LockStock {
  return async (tx, productId) => {
    const startedAt = performance.now();
    try {
      return await lockStock(tx, productId);
    } finally {
      meters.lockWaited(performance.now() - startedAt);
    }
  };
}

/** Counts the answers of a batch by outcome. */
export function countAnswers(results: readonly HoldResult[], meters: Meters): void {
  const counts = new Map<string, number>();
  for (const result of results) {
    if (result.kind === 'keyTaken') continue; // Decided again later, and counted then.
    const outcome = isRefusal(result.answer) ? result.answer.code : 'HELD';
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  for (const [outcome, count] of counts) meters.holdsAnswered(outcome, count);
}

/** Meters that count the answers to requests for holds in `answers` as well. */
export function countingMeters(meters: Meters, answers: HoldAnswers): Meters {
  return {
    ...meters,
    holdsAnswered(outcome, count) {
      answers.add(outcome, count);
      meters.holdsAnswered(outcome, count);
    },
    rejected(reason, count) {
      answers.add(outcomeOfRejection(reason), count);
      meters.rejected(reason, count);
    },
  };
}

/** The outcome of a request for a hold that joined no batch. */
export function outcomeOfRejection(reason: RejectionReason): 'OVERLOADED' | 'BUSY' {
  return reason === 'database' ? 'OVERLOADED' : 'BUSY';
}
