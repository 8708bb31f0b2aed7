import { setTimeout as delay } from 'node:timers/promises';
import { isFault } from '../lib/faults.ts';
import type { Database } from '../postgres/database.ts';
import { transact } from '../postgres/transaction.ts';
import { lockStockRow } from '../shop/stock/locked-stock.ts';
import type { AnswerDelay } from './database-link.ts';
import type { PlannedFault } from './options.ts';
import type { Fault } from './report/recording.ts';
import type { Servers } from './servers.ts';

/** How long a killed server is away before it starts again. */
const AWAY_MS = 1000;

/** Longer than the lock timeout of the servers. */
const LOCKED_MS = 3000;

const SLOW_MS = 5000;

/** Added to each answer of a slow database. */
const SLOWER_BY_MS = 25;

/** What faults are injected into. */
export interface FaultTarget {
  readonly servers: Servers;
  readonly database: Database;
  readonly productId: number;
  readonly delay: AnswerDelay | undefined;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Injects the faults at their times; resolves with what was done once everything is healed. */
export async function injectAll(
  faults: readonly PlannedFault[],
  target: FaultTarget,
): Promise<Fault[]> {
  const { now, signal } = target;
  return Promise.all(
    faults.map(async ({ kind, atSeconds }, index) => {
      await delay(Math.max(0, atSeconds * 1000 - now()), undefined, { signal });
      const fromMs = now();
      const text = await INJECTIONS[kind](target, index);
      return { text, fromMs, toMs: now() };
    }),
  );
}

type Injection = (target: FaultTarget, index: number) => Promise<string>;

const INJECTIONS: Readonly<Record<PlannedFault['kind'], Injection>> = {
  async kill({ servers, signal }, index) {
    const server = index % servers.urls.length;
    await servers.kill(server, AWAY_MS, signal);
    return `Server ${server + 1} was killed, and started again after ${AWAY_MS / 1000} s.`;
  },
  async lock({ database, productId, signal }) {
    try {
      await transact(database, async (tx) => {
        await lockStockRow(tx, productId);
        await delay(LOCKED_MS, undefined, { signal });
      });
    } catch (error) {
      if (!isFault(error)) throw error;
      return `The stock row could not be locked: ${error.message}`;
    }
    return `Another session locked the stock row for ${LOCKED_MS / 1000} s.`;
  },
  async slow({ delay: answers, signal }) {
    answers!.ms = SLOWER_BY_MS;
    await delay(SLOW_MS, undefined, { signal }).finally(() => (answers!.ms = 0));
    return `Each answer of the database took ${SLOWER_BY_MS} ms longer for ${SLOW_MS / 1000} s.`;
  },
};
