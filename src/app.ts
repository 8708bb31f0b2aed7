import { isLoopback } from './config.safety.ts';
import type { Settings } from './config.ts';
import { openHttp } from './edges/http.ts';
import { startSchedule } from './edges/schedule.ts';
import { paymentsProvider } from './edges/webhook/payments.ts';
import type { Provider } from './edges/webhook/provider.ts';
import { createHolds, type BatchAnswer } from './holds/create-hold.ts';
import type { HoldRequest } from './holds/hold.rules.ts';
import { HoldTokens } from './holds/hold-token.ts';
import { openDatabase } from './open-database.ts';
import { PurchaseFeed } from './orders/purchase-feed.ts';
import { Closers } from './platform/closers.ts';
import type { Database } from './platform/database.ts';
import { Lanes } from './platform/lane.ts';
import { lockId } from './platform/locked-row.ts';
import type { Logger } from './platform/log.ts';
import { migrate, pendingMigrations, whileAlone } from './platform/migrate.ts';
import { NoticeBoard, type Changes } from './platform/notices.ts';
import { seedDemo } from './seed.ts';
import type { Shop } from './shop.ts';
import { refreshStockFeed } from './stock/count-stock.ts';
import { lockStockRow } from './stock/locked-stock.ts';
import { StockFeed } from './stock/stock-feed.ts';

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

type ShopSettings = Pick<
  Settings,
  | 'HOLD_TTL_SECONDS'
  | 'ORDER_PAYMENT_TTL_SECONDS'
  | 'PARKED_EVENT_TTL_HOURS'
  | 'WEBHOOK_REQUIRE_AMOUNT'
  | 'HOLD_TOKEN_SECRETS'
  | 'HOLD_BATCH_MAX'
  | 'HOLD_QUEUE_MAX'
>;

/** A shop on a prepared database, and the line on which it tells other servers what changed. */
export function openShop(
  database: Database,
  databaseUrl: string,
  settings: ShopSettings,
): { readonly shop: Shop; readonly notices: NoticeBoard } {
  const stockFeed = new StockFeed();
  const purchaseFeed = new PurchaseFeed();
  const refresh = (stock?: readonly number[]): void => {
    // What fails here is read again within a second by the clockwork.
    refreshStockFeed({ database, stockFeed }, stock).catch(() => {});
  };
  const notices = new NoticeBoard(
    databaseUrl,
    {
      onChanges: ({ stock = [], purchases = [] }: Changes) => {
        refresh(stock as readonly number[]);
        purchaseFeed.publish(purchases as readonly string[]);
      },
      onGap: () => {
        refresh();
        void purchaseFeed.refresh(database).catch(() => {});
      },
    },
    database.log,
  );
  const needs = {
    database,
    lockStock: lockStockRow,
    lockOrder: lockId,
    announceStock: (count) => {
      stockFeed.publish(count);
      notices.publish('stock', [count.productId]);
    },
    announcePurchases: (orderIds) => {
      purchaseFeed.publish(orderIds);
      notices.publish('purchases', orderIds);
    },
    holdTtlMs: settings.HOLD_TTL_SECONDS * 1000,
    orderPaymentTtlMs: settings.ORDER_PAYMENT_TTL_SECONDS * 1000,
    parkedEventTtlMs: settings.PARKED_EVENT_TTL_HOURS * 3600 * 1000,
    requireAmount: settings.WEBHOOK_REQUIRE_AMOUNT,
    holdTokens: new HoldTokens(settings.HOLD_TOKEN_SECRETS),
    stockFeed,
    purchaseFeed,
  } satisfies Omit<Shop, 'holdLanes'>;
  return { shop: withLanes(needs, settings), notices };
}

/** The lanes carry batches of holds for the shop that they belong to. */
export function withLanes(
  needs: Omit<Shop, 'holdLanes'>,
  { HOLD_BATCH_MAX, HOLD_QUEUE_MAX }: Pick<Settings, 'HOLD_BATCH_MAX' | 'HOLD_QUEUE_MAX'>,
): Shop {
  const holdLanes = new Lanes<number, HoldRequest, BatchAnswer>(
    (productId, batch) => createHolds(needs, productId, batch),
    { batchMax: HOLD_BATCH_MAX, queueMax: HOLD_QUEUE_MAX },
  );
  return { ...needs, holdLanes };
}

/** Pages that may call the API: those named, or in development those of this machine. */
function allowedOrigins({ ALLOWED_ORIGINS, production }: Settings): (origin: string) => boolean {
  if (ALLOWED_ORIGINS !== undefined) return (origin) => ALLOWED_ORIGINS.includes(origin);
  return (origin) => !production && URL.canParse(origin) && isLoopback(new URL(origin).hostname);
}
