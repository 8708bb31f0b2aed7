import cluster from 'node:cluster';
import { isLoopback, isUnsignedAccepted } from './config/safety.ts';
import type { Settings } from './config/domain-settings.ts';
import { openHttp, type HttpServer } from './server/http/server.ts';
import { ProcessMetrics, type LiveFigures } from './server/metrics/process-metrics.ts';
import { scrapeAlone, scrapeThroughPrimary } from './server/metrics/scrape.ts';
import { ShopMetrics } from './server/metrics/shop-metrics.ts';
import type { MetricsEndpoint } from './server/http/routes.ts';
import { Origins } from './server/http/origins.ts';
import { Port } from './server/http/port/port.ts';
import { startSchedule } from './server/schedule.ts';
import { paymentsProvider } from './server/webhook/payments-provider.ts';
import type { Provider } from './server/webhook/provider.ts';
import { openDatabase } from './postgres/open-database.ts';
import { noopMetrics } from './server/metrics/meters.ts';
import { openShop } from './open-shop.ts';
import { readFigures } from './shop/reconciliation/read-figures.ts';
import { Availability } from './postgres/availability.ts';
import { Closers } from './lib/closers.ts';
import type { Logger } from './lib/log.ts';
import type { ChangeNotifier } from './live/change-notifier.ts';
import { openFilesMax } from './lib/open-files.ts';
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
 * Starts a server: the port, Postgres (embedded without DATABASE_URL), migrations and the demo sale, the
 * shop, the change notifications, the scheduler and the endpoints. If a step fails, the started parts
 * are closed again.
 */
export async function startApp(settings: Settings, log: Logger): Promise<App> {
  const closers = new Closers();
  try {
    return await start(settings, log, closers);
  } catch (error) {
    await closers.close().catch(() => {});
    throw error;
  }
}

async function start(settings: Settings, log: Logger, closers: Closers): Promise<App> {
  const origins = openOrigins(settings, log);
  const port = await openPort(settings, origins, log);
  closers.push('the port', () => port.close());
  const { database } = await openDatabase(settings, { log, closers, share: false });
  await prepareDatabase(database, settings, log);

  const metrics = areMetricsOn(settings) ? new ProcessMetrics() : undefined;
  const meters = metrics?.meters ?? noopMetrics;
  const { shop, changeNotifier } = openShop({ database, meters }, settings);
  await changeNotifier.start();
  closers.push('the change notifications', () => changeNotifier.stop());
  const availability = new Availability(database, () => changeNotifier.receivedAt);
  await availability.start();
  closers.push('the database probe', () => availability.stop());
  if (settings.webhookSecrets === undefined && isUnsignedAccepted(settings)) {
    log.warn(
      {},
      'PAYMENT_WEBHOOK_SECRETS is not set: UNSIGNED payment webhooks are accepted. Development only.',
    );
  }
  // Closed after the endpoints, so that the last unauthorized attempts are recorded.
  closers.push('the unauthorized attempts', () => shop.unauthorizedAttempts.flush());
  const schedule = startSchedule(shop, { sweepCron: settings.sweepCron, log, meters });
  closers.push('the scheduler', () => schedule.stop());
  const { graceMs } = settings;
  const http = await openHttp(shop, {
    port,
    origins,
    ...(await endpointOptions(settings)),
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

/** Reserve for files other than client and database connections. A process has about fifty open. */
const OTHER_FILES = 200;

/**
 * Opens the port. The open-file limit of the process caps CONNECTIONS_MAX: otherwise client
 * connections could use up the files that database connections need.
 */
function openPort(settings: Settings, origins: Origins, log: Logger): Promise<Port> {
  const { host, port, keepAliveSeconds, trustedHops } = settings;
  const filesMax = openFilesMax();
  const room = Math.max(1, filesMax - settings.poolMax - OTHER_FILES);
  if (room < settings.connectionsMax) {
    const message = `CONNECTIONS_MAX=${settings.connectionsMax} exceeds the open-file limit of ${filesMax}; using ${room}. Raise the limit (ulimit -n).`;
    log.warn({}, message);
  }
  const connectionsMax = Math.min(settings.connectionsMax, room);
  return Port.open({ host, port, connectionsMax, keepAliveSeconds, origins, trustedHops });
}

/** The settings of the endpoints. */
async function endpointOptions(settings: Settings) {
  return {
    adminToken: settings.adminToken,
    providers: await openProviders(settings),
    explorer: settings.explorer,
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

/** The path of the webhook of this project's own payment contract. */
const PAYMENTS_PATH = '/api/payments/webhook';
const STRIPE_PATH = '/api/payments/webhook/stripe';

/** The enabled payment providers, by the path of their webhook. */
async function openProviders(settings: Settings): Promise<Record<string, Provider>> {
  const paths = webhookPaths(settings);
  const providers: Record<string, Provider> = {};
  if (paths.includes(PAYMENTS_PATH))
    providers[PAYMENTS_PATH] = paymentsProvider(settings.webhookSecrets ?? []);
  if (paths.includes(STRIPE_PATH)) {
    // Loaded only if it is used: Stripe's package is large.
    const { stripeProvider } = await import('./server/webhook/stripe.ts');
    providers[STRIPE_PATH] = stripeProvider(settings.stripeWebhookSecrets!, {
      allowTestMode: settings.allowStripeTestMode,
    });
  }
  return providers;
}

/** The paths of the enabled webhooks. Without secrets ours is enabled only in development. */
export function webhookPaths(settings: Settings): string[] {
  const isOursOn = settings.webhookSecrets !== undefined || isUnsignedAccepted(settings);
  const isStripeOn = settings.stripeWebhookSecrets !== undefined;
  return [...(isOursOn ? [PAYMENTS_PATH] : []), ...(isStripeOn ? [STRIPE_PATH] : [])];
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
