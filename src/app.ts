import cluster from 'node:cluster';
import { isLoopback, isUnsignedAccepted } from './config/safety.ts';
import type { Settings } from './config/domain-settings.ts';
import { openHttp, type HttpServer } from './server/http/server.ts';
import { ProcessMetrics, type LiveFigures } from './server/metrics/process-metrics.ts';
import { scrapeAlone, scrapeThroughPrimary } from './server/metrics/scrape.ts';
import { ShopMetrics } from './server/metrics/shop-metrics.ts';
import type { MetricsEndpoint } from './server/http/routes.ts';
import { Origins } from './server/http/origins.ts';
import { localUrlOf } from './server/http/port/bind.ts';
import { Port, type PortOptions } from './server/http/port/port.ts';
import { PORT_TIMEOUTS, type PortTimeouts } from './server/http/port/timeouts.ts';
import { startSchedule } from './server/schedule.ts';
import { openProviders } from './server/providers/providers.ts';
import { openDatabase } from './postgres/open-database.ts';
import { noopMetrics } from './server/metrics/meters.ts';
import { openShop } from './open-shop.ts';
import { readFigures } from './shop/reconciliation/read-figures.ts';
import { Availability } from './postgres/availability.ts';
import { Closers } from './lib/closers.ts';
import type { Logger } from './lib/log.ts';
import type { ChangeNotifier } from './live/change-notifier.ts';
import { prepareDatabase } from './prepare-database.ts';
import type { Shop } from './shop/shop.ts';

/** A running server. */
export interface App {
  /** http://host:port, without a slash at its end. */
  readonly url: string;
  /** Drains and closes everything, last opened first. Stopping twice is harmless. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a server in this order: the port, Postgres (embedded without DATABASE_URL), migrations and the
 * demo sale, the shop, the change notifications, the scheduler, the endpoints. If a step fails, the
 * started parts are closed again.
 */
export async function startApp(
  settings: Settings,
  log: Logger,
  timeouts: PortTimeouts = PORT_TIMEOUTS,
): Promise<App> {
  const closers = new Closers();
  try {
    const origins = openOrigins(settings, log);
    const port = await openPort(settings, log, { origins, timeouts });
    closers.push('the port', () => port.close());
    return await start(settings, log, { closers, origins, port });
  } catch (error) {
    await closers.close().catch(() => {});
    throw error;
  }
}

/** What is open before the database, so that /healthz answers during a start. */
interface Opened {
  readonly closers: Closers;
  readonly origins: Origins;
  readonly port: Port;
}

async function start(
  settings: Settings,
  log: Logger,
  { closers, origins, port }: Opened,
): Promise<App> {
  const { database } = await openDatabase(settings, { log, closers, share: false });
  await prepareDatabase(database, settings, log);

  const metrics = areMetricsOn(settings) ? new ProcessMetrics() : undefined;
  const meters = metrics?.meters ?? noopMetrics;
  const providers = await openProviders(settings, localUrl(settings, port));
  const isReturnOrigin = isAllowedOrigin(settings);
  const resources = { database, meters, paymentProviders: providers.payments, isReturnOrigin };
  const { shop, changeNotifier } = openShop(resources, settings);
  await changeNotifier.start();
  closers.push('the change notifications', () => changeNotifier.stop());
  const availability = new Availability(database, () => changeNotifier.receivedAt);
  await availability.start();
  closers.push('the database probe', () => availability.stop());
  warnOfWebhooks(settings, log);
  // Closed after the endpoints, so that the last unauthorized attempts are recorded.
  closers.push('the unauthorized attempts', () => shop.unauthorizedAttempts.flush());
  const { graceMs } = settings;
  const schedule = startSchedule(shop, { ...scheduleOptions(settings), log, meters });
  closers.push('the scheduler', () => schedule.stop());
  const http = await openHttp(shop, {
    port,
    origins,
    ...endpointOptions(settings),
    providers: providers.webhooks,
    serveProviderPages: providers.servePages,
    metrics: metrics && openMetrics(metrics, shop, settings),
    isDatabaseAvailable: () => availability.isAvailable,
    graceMs,
    meters,
    log,
  });
  // Pushed last, so that a stop begins with 503 at /readyz.
  closers.push('the requests in flight', () => http.stop());
  metrics?.watch(liveFigures(shop, http, changeNotifier));
  http.ready();
  const forceClose = (): void => {
    log.warn({}, 'Shutdown grace period elapsed; aborting in-flight requests');
    port.forceClose();
    database.cut();
  };
  const stop = (): Promise<void> => closeWithin(graceMs, closers, forceClose);
  return { url: port.url, stop, [Symbol.asyncDispose]: stop };
}

/** Where this machine reaches the server, without a slash at its end. */
function localUrl({ host }: Settings, { url }: Port): string {
  // A URL leaves out the port 80.
  return localUrlOf({ host, port: Number(new URL(url).port || 80) });
}

/** Warns of settings with which payments are not safe, or are not reported. */
function warnOfWebhooks(settings: Settings, log: Logger): void {
  if (settings.webhookSecrets === undefined && isUnsignedAccepted(settings)) {
    log.warn(
      {},
      'PAYMENT_WEBHOOK_SECRETS is not set: UNSIGNED payment webhooks are accepted. Development only.',
    );
  }
  if (settings.stripeSecretKey !== undefined && settings.stripeWebhookSecrets === undefined) {
    log.warn(
      {},
      'STRIPE_WEBHOOK_SECRETS is not set: payments are started at Stripe, and their events are NOT accepted.',
    );
  }
}

/** Reserve for files other than client and database connections. A process has about fifty open. */
const OTHER_FILES = 200;

/**
 * Opens the port. The open-file limit of the process caps CONNECTIONS_MAX. Otherwise client connections
 * could use up the files that database connections need.
 */
function openPort(
  settings: Settings,
  log: Logger,
  options: Pick<PortOptions, 'origins' | 'timeouts'>,
): Promise<Port> {
  const { host, port, keepAliveSeconds, trustedHops } = settings;
  const filesMax = openFilesMax();
  const room = Math.max(1, filesMax - settings.poolMax - OTHER_FILES);
  if (room < settings.connectionsMax) {
    const message = `CONNECTIONS_MAX=${settings.connectionsMax} exceeds the open-file limit of ${filesMax}; using ${room}. Raise the limit (ulimit -n).`;
    log.warn({}, message);
  }
  const connectionsMax = Math.min(settings.connectionsMax, room);
  return Port.open({ host, port, connectionsMax, keepAliveSeconds, trustedHops, ...options });
}

/** The part of Node's report with the process limits. */
interface ProcessReport {
  readonly userLimits?: { readonly open_files: { readonly soft: number | 'unlimited' } };
}

/**
 * Most files that this process may have open at once, including connections; Infinity if the system
 * sets or reports no limit. Node raises its soft limit to the hard limit at its start.
 */
function openFilesMax(): number {
  const { userLimits } = process.report.getReport() as ProcessReport;
  const soft = userLimits?.open_files.soft;
  return typeof soft === 'number' ? soft : Infinity;
}

/** The settings of the scheduled jobs. */
function scheduleOptions({ sweepCron, refundsAutomatic, endpointPolicy }: Settings) {
  const { allowPrivateNetworks } = endpointPolicy;
  return { sweepCron, allowPrivateNetworks, refundsAutomatic };
}

/** The settings of the endpoints. */
function endpointOptions(settings: Settings) {
  return {
    adminToken: settings.adminToken,
    explorer: settings.explorer,
    console: settings.console,
    storefront: settings.storefront,
    trustedHops: settings.trustedHops,
    holdsPerMinute: settings.holdsPerMinute,
  };
}

/** Closes everything; after the grace period, aborts what is still open. */
async function closeWithin(
  graceMs: number,
  closers: Closers,
  forceClose: () => void,
): Promise<void> {
  const timer = setTimeout(forceClose, graceMs);
  await closers.close().finally(() => clearTimeout(timer));
}

/** Production serves /metrics only with METRICS_TOKEN. */
export function areMetricsOn({ production, metricsToken }: Settings): boolean {
  return !production || metricsToken !== undefined;
}

function openMetrics(metrics: ProcessMetrics, shop: Shop, settings: Settings): MetricsEndpoint {
  const scrape = cluster.isWorker
    ? scrapeThroughPrimary(metrics)
    : scrapeAlone(metrics, new ShopMetrics(() => readFigures(shop)));
  return { token: settings.metricsToken, scrape };
}

function liveFigures(
  { holdQueues, database }: Shop,
  { live }: HttpServer,
  changeNotifier: ChangeNotifier,
): LiveFigures {
  return {
    ...live,
    queueDepth: () => holdQueues.waiting,
    pool: () => database.pool(),
    isReceivingChanges: () => changeNotifier.isReceiving,
  };
}

/** Creates the check of origins from the settings. */
function openOrigins(settings: Settings, log: Logger): Origins {
  return new Origins({
    isListed: isAllowedOrigin(settings),
    trustedHops: settings.trustedHops,
    log,
  });
}

/** The allowed origins: ALLOWED_ORIGINS, else in development any loopback origin. */
function isAllowedOrigin({ allowedOrigins, production }: Settings): (origin: string) => boolean {
  if (allowedOrigins !== undefined) return (origin) => allowedOrigins.includes(origin);
  return (origin) => !production && URL.canParse(origin) && isLoopback(new URL(origin).hostname);
}
