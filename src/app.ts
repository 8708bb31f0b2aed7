import { isLoopback } from './config.safety.ts';
import type { Settings } from './config.ts';
import { openHttp } from './edges/http.ts';
import { startSchedule } from './edges/schedule.ts';
import { paymentsProvider } from './edges/webhook/payments.ts';
import type { Provider } from './edges/webhook/provider.ts';
import { openDatabase } from './open-database.ts';
import { openShop } from './open-shop.ts';
import { Closers } from './platform/closers.ts';
import type { Database } from './platform/database.ts';
import type { Logger } from './platform/log.ts';
import { migrate, pendingMigrations, whileAlone } from './platform/migrate.ts';
import { seedDemo } from './seed.ts';

/** A running server. */
export interface App {
  /** http://host:port, without a slash at its end. */
  readonly url: string;
  /** Drains and closes everything, last opened first. Stopping twice is harmless. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The database is not one that this server may run on; the message says what to do. */
export class NotReadyToStart extends Error {
  override readonly name = 'NotReadyToStart';
}

/**
 * Starts a server: Postgres (embedded if none is named), migrations and the demo sale, the shop,
 * the notice line, the port, the clockwork. What was opened is closed again if a later step fails.
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
  const { database, url: databaseUrl } = await openDatabase(settings, {
    log,
    closers,
    share: false,
  });
  await prepare(database, databaseUrl, settings, log);

  const { shop, notices } = openShop(database, databaseUrl, settings);
  await notices.start();
  closers.push('the notice line', () => notices.stop());
  if (settings.PAYMENT_WEBHOOK_SECRETS === undefined) {
    log.warn(
      {},
      'PAYMENT_WEBHOOK_SECRETS is not set: UNSIGNED payment webhooks are accepted. Development only.',
    );
  }
  const http = await openHttp(shop, {
    host: settings.HOST,
    port: settings.PORT,
    adminToken: settings.ADMIN_TOKEN,
    providers: await openProviders(settings),
    explorer: settings.GRAPHQL_EXPLORER,
    isAllowedOrigin: allowedOrigins(settings),
    isDatabaseThere: () => notices.isConnected,
    graceMs: settings.SHUTDOWN_GRACE_SECONDS * 1000,
    log,
  });
  closers.push('the port', () => http.stop());
  const schedule = startSchedule(shop, settings.SWEEP_CRON, log);
  closers.push('the clockwork', () => schedule.stop());
  http.ready();
  const stop = (): Promise<void> => closers.close();
  return { url: http.url, stop, [Symbol.asyncDispose]: stop };
}

/** The payment providers that are on, by the path of their webhook. */
async function openProviders(settings: Settings): Promise<Record<string, Provider>> {
  const payments = paymentsProvider(settings.PAYMENT_WEBHOOK_SECRETS ?? []);
  const providers: Record<string, Provider> = { '/api/payments/webhook': payments };
  if (settings.STRIPE_WEBHOOK_SECRETS !== undefined) {
    // Loaded only where it is used: Stripe's package is large.
    const { stripeProvider } = await import('./edges/webhook/stripe.ts');
    providers['/api/payments/webhook/stripe'] = stripeProvider(settings.STRIPE_WEBHOOK_SECRETS);
  }
  return providers;
}

const SERVER_VERSION = "select current_setting('server_version_num')::int as version";

/** The oldest PostgreSQL that the shop is tested on. */
const SERVER_VERSION_MIN = 150_000;

/** Migrations and the demo sale, one server at a time; production migrates by command only. */
async function prepare(
  database: Database,
  url: string,
  settings: Settings,
  log: Logger,
): Promise<void> {
  const [server] = await database.rows<{ version: number }>(SERVER_VERSION, []);
  if (server!.version < SERVER_VERSION_MIN) {
    throw new NotReadyToStart('DATABASE_URL names an older PostgreSQL; 15 or newer is needed.');
  }
  if (settings.production) {
    const pending = await pendingMigrations(database.orm);
    if (pending.length === 0) return;
    throw new NotReadyToStart(
      `${pending.length} migrations are pending: run npm run cli -- migrate first.`,
    );
  }
  await whileAlone(url, async () => {
    const migrations = await migrate(database.orm);
    if (migrations.length > 0) log.info({ migrations }, 'Migrated the database');
    if (settings.SEED_DEMO && (await seedDemo(database)))
      log.info({}, 'Made the demo sale: products 1, 2 and 3');
  });
}

/** Pages that may call the API: those named, or in development those of this machine. */
function allowedOrigins({ ALLOWED_ORIGINS, production }: Settings): (origin: string) => boolean {
  if (ALLOWED_ORIGINS !== undefined) return (origin) => ALLOWED_ORIGINS.includes(origin);
  return (origin) => !production && URL.canParse(origin) && isLoopback(new URL(origin).hostname);
}
