import cron from 'node-cron';
import { numberEvents } from '../shop/events/number-events.ts';
import { sweepDue } from '../shop/purchases/end-due.ts';
import { reconcile } from '../shop/reconciliation/reconcile.ts';
import { recordLateStockEvents } from '../shop/stock/late-stock-events.ts';
import { DeliveryRunner } from './deliveries/delivery-runner.ts';
import type { Meters } from './metrics/meters.ts';
import { retryInbox } from '../shop/payments/inbox/retry-inbox.ts';
import { endSessions } from '../shop/payments/end-sessions.ts';
import { sendRefunds } from '../shop/payments/send-refunds.ts';
import { isFault } from '../lib/faults.ts';
import { newId, asRequest } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import type { LiveShop } from '../live/live-shop.ts';

/**
 * Live values are read again every second, in case a change notification was lost. Events are numbered
 * as often.
 */
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
  /** Whether events may be delivered to private addresses. */
  readonly allowPrivateNetworks: boolean;
  /** Whether open refunds are sent to providers that can return money. */
  readonly refundsAutomatic: boolean;
  readonly log: Logger;
  readonly meters: Meters;
}

/**
 * Starts the scheduler: the sweep of due holds, orders and parked payment events, the refresh of live
 * stock, the numbering of events, the record of unauthorized attempts, and the hourly reconciliation. The
 * reconciliation repairs nothing. Ends the payments of ended orders and sends
 * refunds, jobs of their own for each provider. Starts the
 * deliveries of events as well. Every server runs all jobs. A job never overlaps its previous run.
 */
export function startSchedule(
  shop: LiveShop,
  { sweepCron, allowPrivateNetworks, refundsAutomatic, log, meters }: ScheduleOptions,
): { stop(): Promise<void> } {
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
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
    every(REFRESH_CRON, 'events', () => completeEvents(shop)),
    every(MINUTELY_CRON, 'unauthorized attempts', () => shop.unauthorizedAttempts.flush()),
    every(HOURLY_CRON, 'reconciliation', () => reconcileHourly(shop, { log, meters })),
    every(REFRESH_CRON, 'refresh', () => refreshLive(shop)),
    ...providerJobs(shop, { automatic: refundsAutomatic, stop: stopping.signal }).map(
      ({ name, run }) => every(REFRESH_CRON, name, run),
    ),
  ];

  const deliveries = new DeliveryRunner(shop, { allowPrivateNetworks, log, meters });
  return {
    async stop() {
      stopping.abort();
      for (const task of tasks) await task.destroy();
      await Promise.all([...running, deliveries.stop()]);
    },
  };
}

/** The calls to providers: a job for each one, so that one that does not answer delays no other. */
function providerJobs(
  shop: LiveShop,
  options: { readonly automatic: boolean; readonly stop: AbortSignal },
) {
  return [...shop.paymentProviders.values()].flatMap((provider) => [
    {
      name: `payments at ${provider.name}`,
      run: async () => void (await endSessions(shop, provider, options.stop)),
    },
    {
      name: `refunds at ${provider.name}`,
      run: async () => void (await sendRefunds(shop, provider, options)),
    },
  ]);
}

async function reconcileHourly(
  shop: LiveShop,
  { log, meters }: Pick<ScheduleOptions, 'log' | 'meters'>,
): Promise<void> {
  const { balanced, findings } = await reconcile(shop);
  meters.reconciled(balanced);
  const level = balanced ? 'info' : 'error';
  const first = findings.slice(0, FINDINGS_LOGGED);
  log[level]({ balanced, findings: findings.length, first }, 'Reconciliation completed');
}

async function refreshLive({ stockFeed, purchaseFeed, database }: LiveShop): Promise<void> {
  await Promise.all([stockFeed.refresh(), purchaseFeed.refresh(database)]);
}

/** Writes the events that a move of units left out, and numbers all. */
async function completeEvents(shop: LiveShop): Promise<void> {
  await recordLateStockEvents(shop);
  await numberEvents(shop);
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
