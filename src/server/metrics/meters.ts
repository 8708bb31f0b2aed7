import { noopObserver, type BatchObserver } from '../../lib/batch-queue.ts';
import { isRefusal } from '../../shop/refusal.ts';
import type { LockStock } from '../../shop/stock/locked-stock.ts';

/** The doors that are told apart when answers are counted. */
export type Door = 'graphql' | 'webhook' | 'other';

/** What is limited for each address. */
export type Limited = 'holds' | 'tokens' | 'admin';

/**
 * What the shop and its doors tell whoever measures them. The business knows only these words, and
 * most are said once for a whole batch: measuring costs a sale next to nothing.
 */
export interface Meters extends BatchObserver {
  /** So many requests for holds were answered so: HELD, or the code of a refusal. */
  holdsAnswered(outcome: string, count: number): void;
  /** A product's lock was waited for, had or not. */
  lockWaited(ms: number): void;
  /** A request over HTTP was answered; status 499 where its sender went away first. */
  answered(door: Door, answer: { readonly status: number; readonly ms: number }): void;
  /** A provider's delivery was answered: the outcome of its event, or the error's code. */
  webhookAnswered(provider: string, outcome: string): void;
  /** A known event came again. */
  duplicateWebhook(provider: string): void;
  /** A scheduled run ended. */
  ran(task: string, run: { readonly ms: number; readonly failed: boolean }): void;
  /** The sweep ended so many holds and orders. */
  swept(ended: number): void;
  /** Everything was held against everything, and agreed or did not. */
  reconciled(balanced: boolean): void;
  /** A request was refused because its address had too many. */
  rateLimited(what: Limited): void;
  /** A connection was closed before it could ask for anything. */
  connectionRefused(): void;
}

/** Meters that measure nothing: for commands and tests, and where /metrics is off. */
export const noMeters: Meters = {
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
  connectionRefused() {},
};

/** The lock on a product's stock row, its wait measured. */
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
export function countAnswers(answers: readonly object[], meters: Meters): void {
  const counts = new Map<string, number>();
  for (const answer of answers) {
    if ('keyTaken' in answer) continue; // Judged afresh, and counted then.
    const outcome = isRefusal(answer) ? answer.code : 'HELD';
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  for (const [outcome, count] of counts) meters.holdsAnswered(outcome, count);
}
