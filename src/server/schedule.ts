import cron from 'node-cron';
import { sweepDue } from '../shop/purchases/expire-due.ts';
import { reconcile } from '../shop/reconciliation/reconcile.ts';
import type { Meters } from './metrics/meters.ts';
import { retryInbox } from '../shop/payments/retry-inbox.ts';
import { isFault } from '../lib/faults.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import { asRequest } from '../lib/request-id.ts';
import type { LiveShop } from '../live/live-shop.ts';

/** Live values are read anew each second: the net under every notice that was lost. */
const REFRESH_CRON = '* * * * * *';

/** Denied tries that were only counted are told each minute. */
const MINUTELY_CRON = '0 * * * * *';

/**
 * Everything is held against everything each hour: damage is found the same night. Not at the full
 * hour, when sales open.
 */
const HOURLY_CRON = '0 17 * * * *';

/** As many findings as a log line holds; `reconcile` tells them all. */
const FINDINGS_LOGGED = 10;

/** When the clockwork sweeps, and who is told of its runs. */
export interface ScheduleOptions {
  /** node-cron's expression, six fields. */
  readonly sweepCron: string;
  readonly log: Logger;
  readonly meters: Meters;
}

/**
 * Starts the clockwork: the sweep of due holds, orders and parked payment events, the net under live
 * stock, the count of denied tries, and the hourly reconciliation, which repairs nothing. Each server
 * runs them all; no run begins while the one before it is under way.
 */
export function startSchedule(
  shop: LiveShop,
  { sweepCron, log, meters }: ScheduleOptions,
): { stop(): Promise<void> } {
  const underWay = new Set<Promise<void>>();
  const every = (expression: string, name: string, task: () => Promise<void>) =>
    cron.schedule(
      expression,
      () => {
        const run = asRequest(newId(), () => runOnce(name, task, { log, meters }));
        underWay.add(run);
        return run.finally(() => underWay.delete(run));
      },
      { name, noOverlap: true, logger: quiet(log) },
    );

  const tasks = [
    every(sweepCron, 'sweep', async () => {
      const { ended, skipped } = await sweepDue(shop);
      meters.swept(ended);
      const level = ended + skipped > 0 ? 'info' : 'debug';
      log[level]({ ended, skipped }, 'Hold expiry job completed');
    }),
    // A run of its own: however many events wait, holds end on time.
    every(sweepCron, 'inbox', async () => {
      const settled = await retryInbox(shop);
      log[settled > 0 ? 'info' : 'debug']({ settled }, 'Payment inbox job completed');
    }),
    every(MINUTELY_CRON, 'denied tries', () => shop.unauthorizedAttempts.tell()),
    every(HOURLY_CRON, 'reconciliation', async () => {
      const { balanced, findings } = await reconcile(shop);
      meters.reconciled(balanced);
      const level = balanced ? 'info' : 'error';
      const first = findings.slice(0, FINDINGS_LOGGED);
      log[level]({ balanced, findings: findings.length, first }, 'Reconciliation completed');
    }),
    every(REFRESH_CRON, 'refresh', async () => {
      await Promise.all([shop.stockFeed.refresh(), shop.purchaseFeed.refresh(shop.database)]);
    }),
  ];

  return {
    async stop() {
      for (const task of tasks) await task.destroy();
      await Promise.all(underWay);
    },
  };
}

/** One run of a task, measured; what it throws is told to the log, and the next run comes. */
async function runOnce(
  name: string,
  task: () => Promise<void>,
  { log, meters }: Pick<ScheduleOptions, 'log' | 'meters'>,
): Promise<void> {
  const startedAt = performance.now();
  let failed = false;
  try {
    await task();
  } catch (error) {
    failed = true;
    report(name, error, log);
  }
  meters.ran(name, { ms: performance.now() - startedAt, failed });
}

function report(name: string, error: unknown, log: Logger): void {
  if (isFault(error))
    return log.warn({ task: name }, `${error.message} The next run comes by itself.`);
  log.error({ task: name, err: error }, 'A scheduled run failed');
}

/** node-cron would write to the console by itself; a run that comes late is only worth a debug line. */
function quiet(log: Logger) {
  return {
    info: (message: string) => log.debug({}, message),
    debug: (message: string | Error) => log.debug({}, String(message)),
    warn: (message: string) => log.debug({}, message),
    error: (message: string | Error) => log.error({}, String(message)),
  };
}
