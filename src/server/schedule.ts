import cron from 'node-cron';
import { sweepDue } from '../shop/purchases/end-due.ts';
import { reconcile } from '../shop/reconciliation/reconcile.ts';
import type { Meters } from './metrics/meters.ts';
import { retryInbox } from '../shop/payments/retry-inbox.ts';
import { isFault } from '../lib/faults.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import { asRequest } from '../lib/request-id.ts';
import type { LiveShop } from '../live/live-shop.ts';

/** Live values are read again every second, in case a change notification was lost. */
const REFRESH_CRON = '* * * * * *';

/** Unauthorized attempts that were only counted are recorded every minute. */
const MINUTELY_CRON = '0 * * * * *';

/**
 * Reconciliation runs every hour, so that damage is found soon. It avoids the full hour, when sales
 * usually open.
 */
const HOURLY_CRON = '0 17 * * * *';

/** Most findings in one log line. The command `reconcile` prints all of them. */
const FINDINGS_LOGGED = 10;

/** When the sweep runs, and where runs are reported. */
export interface ScheduleOptions {
  /** node-cron's expression, six fields. */
  readonly sweepCron: string;
  readonly log: Logger;
  readonly meters: Meters;
}

/**
 * Starts the scheduler: the sweep of due holds, orders and parked payment events, the refresh of live
 * stock, the record of unauthorized attempts, and the hourly reconciliation, which repairs nothing.
 * Every server runs all jobs. A job never overlaps its previous run.
 */
export function startSchedule(
  shop: LiveShop,
  { sweepCron, log, meters }: ScheduleOptions,
): { stop(): Promise<void> } {
  const running = new Set<Promise<void>>();
  const every = (expression: string, name: string, task: () => Promise<void>) =>
    cron.schedule(
      expression,
      () => {
        const run = asRequest(newId(), () => runOnce(name, task, { log, meters }));
        running.add(run);
        return run.finally(() => running.delete(run));
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
    // A separate job, so that many waiting events do not delay the end of holds.
    every(sweepCron, 'inbox', async () => {
      const settled = await retryInbox(shop);
      log[settled > 0 ? 'info' : 'debug']({ settled }, 'Payment inbox job completed');
    }),
    every(MINUTELY_CRON, 'unauthorized attempts', () => shop.unauthorizedAttempts.flush()),
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
      await Promise.all(running);
    },
  };
}

/** Runs a job once and measures it. An error is logged; the job runs again at its next time. */
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
    return log.warn({ task: name }, `${error.message} Will retry on the next run.`);
  log.error({ task: name, err: error }, 'A scheduled job failed');
}

/** Without a logger node-cron writes to the console. Its warnings of late runs are logged at debug. */
function quiet(log: Logger) {
  return {
    info: (message: string) => log.debug({}, message),
    debug: (message: string | Error) => log.debug({}, String(message)),
    warn: (message: string) => log.debug({}, message),
    error: (message: string | Error) => log.error({}, String(message)),
  };
}
