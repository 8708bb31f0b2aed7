import cluster from 'node:cluster';
import { isLoopback, isUnsignedAccepted } from './config/safety.ts';
import type { Settings } from './config/settings.ts';
import { openHttp, type HttpDoor } from './server/http/server.ts';
import { ProcessMetrics, type LiveFigures } from './server/metrics/process-metrics.ts';
import { scrapeAlone, scrapeThroughPrimary } from './server/metrics/scrape.ts';
import { ShopMetrics } from './server/metrics/shop-metrics.ts';
import type { MetricsDoor } from './server/http/routes.ts';
import { Origins } from './server/http/origins.ts';
import { Port } from './server/http/port.ts';
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
 * Starts a server: the port, Postgres (embedded if none is named), migrations and the demo sale, the
 * shop, the notice line, the doors, the clockwork. What was opened is closed again if a later step fails.
 */
export async function startApp(settings: Settings, log: Logger): Promise<App> {
  const closers = new Closers();
  try {
    return await openAll(settings, log, closers);
  } catch (error) {
    await closers.close().catch(() => {});
    throw error;
  }
}

async function openAll(settings: Settings, log: Logger, closers: Closers): Promise<App> {
  const origins = openOrigins(settings, log);
  const port = await openPort(settings, origins, log);
  closers.push('the port', () => port.close());
  const { database } = await openDatabase(settings, { log, closers, share: false });
  await prepareDatabase(database, settings, log);

  const metrics = areMetricsOn(settings) ? new ProcessMetrics() : undefined;
  const meters = metrics?.meters ?? noopMetrics;
  const { shop, notices } = openShop({ database, meters }, settings);
  await notices.start();
  closers.push('the notice line', () => notices.stop());
  const availability = new Availability(database, () => notices.receivedAt);
  await availability.start();
  closers.push('the probe of the database', () => availability.stop());
  if (settings.PAYMENT_WEBHOOK_SECRETS === undefined && isUnsignedAccepted(settings)) {
    log.warn(
      {},
      'PAYMENT_WEBHOOK_SECRETS is not set: UNSIGNED payment webhooks are accepted. Development only.',
    );
  }
  // Closed after the doors: what was tried at them until the end is told.
  closers.push('denied tries', () => shop.unauthorizedAttempts.tell());
  const schedule = startSchedule(shop, { sweepCron: settings.SWEEP_CRON, log, meters });
  closers.push('the clockwork', () => schedule.stop());
  const graceMs = settings.SHUTDOWN_GRACE_SECONDS * 1000;
  const http = await openHttp(shop, {
    port,
    origins,
    ...(await chosenForDoors(settings)),
    metrics: metrics && openMetrics(metrics, shop, settings),
    isDatabaseThere: () => availability.isAvailable,
    graceMs,
    meters,
    log,
  });
  // Opened last, so that a stop begins with 503 at /readyz.
  closers.push('requests under way', () => http.stop());
  metrics?.watch(liveFigures(shop, http, notices));
  http.ready();
  const cut = (): void => {
    log.warn({}, 'The grace is over: what is still under way is cut');
    port.cut();
    database.cut();
  };
  const stop = (): Promise<void> => closeWithin(graceMs, closers, cut);
  return { url: port.url, stop, [Symbol.asyncDispose]: stop };
}

/** Files that a process has open beside its callers' connections and the database's; about fifty are. */
const OTHER_FILES = 200;

/**
 * Opens the port for as many connections as may be and fit into the files that the process may open:
 * past those there would be none left for the database.
 */
function openPort(settings: Settings, origins: Origins, log: Logger): Promise<Port> {
  const {
    HOST: host,
    PORT: port,
    CONNECTIONS_MAX,
    DATABASE_POOL_MAX,
    KEEP_ALIVE_SECONDS: keepAliveSeconds,
    TRUSTED_PROXY_HOPS: trustedHops,
  } = settings;
  const filesMax = openFilesMax();
  const room = Math.max(1, filesMax - DATABASE_POOL_MAX - OTHER_FILES);
  if (room < CONNECTIONS_MAX) {
    const told = `CONNECTIONS_MAX is ${CONNECTIONS_MAX}, but into the ${filesMax} files that this process may open fit ${room}: raise its limit (ulimit -n).`;
    log.warn({}, told);
  }
  const connectionsMax = Math.min(CONNECTIONS_MAX, room);
  return Port.open({ host, port, connectionsMax, keepAliveSeconds, origins, trustedHops });
}

/** What an operator chooses of the doors. */
async function chosenForDoors(settings: Settings) {
  return {
    adminToken: settings.ADMIN_TOKEN,
    providers: await openProviders(settings),
    explorer: settings.GRAPHQL_EXPLORER,
    trustedHops: settings.TRUSTED_PROXY_HOPS,
    holdsPerMinute: settings.HOLDS_PER_MINUTE,
  };
}

/** Closes everything, and has cut what is still open once the grace is over. */
async function closeWithin(graceMs: number, closers: Closers, cut: () => void): Promise<void> {
  const impatience = setTimeout(cut, graceMs);
  await closers.close().finally(() => clearTimeout(impatience));
}

/** In production figures are for those who have the token. */
export function areMetricsOn({ production, METRICS_TOKEN }: Settings): boolean {
  return !production || METRICS_TOKEN !== undefined;
}

function openMetrics(metrics: ProcessMetrics, shop: Shop, settings: Settings): MetricsDoor {
  const scrape = cluster.isWorker
    ? scrapeThroughPrimary(metrics)
    : scrapeAlone(metrics, new ShopMetrics(() => readFigures(shop)));
  return { token: settings.METRICS_TOKEN, scrape };
}

function liveFigures(
  { holdQueues, database }: Shop,
  { live }: HttpDoor,
  notices: ChangeNotifier,
): LiveFigures {
  return {
    ...live,
    queueDepth: () => holdQueues.waiting,
    pool: () => database.pool(),
    isReceivingChanges: () => notices.isReceiving,
  };
}

/** The path of the webhook that speaks this project's own payment contract. */
const PAYMENTS_PATH = '/api/payments/webhook';
const STRIPE_PATH = '/api/payments/webhook/stripe';

/** The payment providers that are on, by the path of their webhook. */
async function openProviders(settings: Settings): Promise<Record<string, Provider>> {
  const paths = webhookPaths(settings);
  const providers: Record<string, Provider> = {};
  if (paths.includes(PAYMENTS_PATH))
    providers[PAYMENTS_PATH] = paymentsProvider(settings.PAYMENT_WEBHOOK_SECRETS ?? []);
  if (paths.includes(STRIPE_PATH)) {
    // Loaded only where it is used: Stripe's package is large.
    const { stripeProvider } = await import('./server/webhook/stripe.ts');
    providers[STRIPE_PATH] = stripeProvider(settings.STRIPE_WEBHOOK_SECRETS!, {
      allowTestMode: settings.STRIPE_ALLOW_TEST_MODE,
    });
  }
  return providers;
}

/** The paths of the webhooks that are on. Without secrets and outside development ours is off. */
export function webhookPaths(settings: Settings): string[] {
  const isOursOn = settings.PAYMENT_WEBHOOK_SECRETS !== undefined || isUnsignedAccepted(settings);
  const isStripeOn = settings.STRIPE_WEBHOOK_SECRETS !== undefined;
  return [...(isOursOn ? [PAYMENTS_PATH] : []), ...(isStripeOn ? [STRIPE_PATH] : [])];
}

/** Whose pages may call the API. */
function openOrigins(settings: Settings, log: Logger): Origins {
  const { TRUSTED_PROXY_HOPS: trustedHops } = settings;
  return new Origins({ isNamed: allowedOrigins(settings), trustedHops, log });
}

/** Pages that may call the API: those named, or in development those of this machine. */
function allowedOrigins({ ALLOWED_ORIGINS, production }: Settings): (origin: string) => boolean {
  if (ALLOWED_ORIGINS !== undefined) return (origin) => ALLOWED_ORIGINS.includes(origin);
  return (origin) => !production && URL.canParse(origin) && isLoopback(new URL(origin).hostname);
}
