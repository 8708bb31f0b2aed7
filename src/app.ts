import { isLoopback } from './config.safety.ts';
import type { Settings } from './config.ts';
import { openHttp } from './edges/http.ts';
import { Port } from './edges/port.ts';
import { startSchedule } from './edges/schedule.ts';
import { paymentsProvider } from './edges/webhook/payments.ts';
import type { Provider } from './edges/webhook/provider.ts';
import { openDatabase } from './open-database.ts';
import { openShop } from './open-shop.ts';
import { Closers } from './platform/closers.ts';
import type { Logger } from './platform/log.ts';
import { prepareDatabase } from './prepare-database.ts';

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
  const port = await Port.open({ host: settings.HOST, port: settings.PORT });
  closers.push('the port', () => port.drain());
  const { database, url: databaseUrl } = await openDatabase(settings, {
    log,
    closers,
    share: false,
  });
  await prepareDatabase(database, databaseUrl, settings, log);

  const { shop, notices } = openShop(database, databaseUrl, settings);
  await notices.start();
  closers.push('the notice line', () => notices.stop());
  if (settings.PAYMENT_WEBHOOK_SECRETS === undefined) {
    log.warn(
      {},
      'PAYMENT_WEBHOOK_SECRETS is not set: UNSIGNED payment webhooks are accepted. Development only.',
    );
  }
  // Closed after the doors: what was tried at them until the end is told.
  closers.push('denied tries', () => shop.deniedTries.tell());
  const http = await openHttp(shop, {
    port,
    adminToken: settings.ADMIN_TOKEN,
    providers: await openProviders(settings),
    explorer: settings.GRAPHQL_EXPLORER,
    isAllowedOrigin: allowedOrigins(settings),
    isDatabaseThere: () => notices.isConnected,
    graceMs: settings.SHUTDOWN_GRACE_SECONDS * 1000,
    log,
  });
  closers.push('requests under way', () => http.stop());
  const schedule = startSchedule(shop, settings.SWEEP_CRON, log);
  closers.push('the clockwork', () => schedule.stop());
  http.ready();
  const stop = (): Promise<void> => closers.close();
  return { url: port.url, stop, [Symbol.asyncDispose]: stop };
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

/** Pages that may call the API: those named, or in development those of this machine. */
function allowedOrigins({ ALLOWED_ORIGINS, production }: Settings): (origin: string) => boolean {
  if (ALLOWED_ORIGINS !== undefined) return (origin) => ALLOWED_ORIGINS.includes(origin);
  return (origin) => !production && URL.canParse(origin) && isLoopback(new URL(origin).hostname);
}
