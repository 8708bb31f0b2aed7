import { createServer, connect, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { startApp } from '../../src/app.ts';
import { readSettings } from '../../src/config/settings.ts';
import type { SETTINGS } from '../../src/config/settings.table.ts';
import { PORT_TIMEOUTS, type PortTimeouts } from '../../src/server/http/port/timeouts.ts';
import type { Database } from '../../src/postgres/database.ts';
import { silentLog, type Logger } from '../../src/lib/log.ts';
import type { LiveShop } from '../../src/live/live-shop.ts';
import { createTestDatabase, openTestShop } from './shop.ts';

/** The admin token of every test server. */
export const ADMIN_TOKEN = 'an admin token for tests only, long enough';

/** The secret of the hold tokens of every test server. */
export const HOLD_TOKEN_SECRET = 'a hold token secret for test servers and long enough';

/** Settings as environment variables, and the log. */
export type TestServerSettings = Partial<Record<keyof typeof SETTINGS, string>> & {
  readonly log?: Logger;
  /** Shorter timeouts of connections, so that a test waits for less than a second. */
  readonly timeouts?: Partial<PortTimeouts>;
};

/** A whole server in this process, with direct access to its shop and database. */
export interface TestServer extends AsyncDisposable {
  /** http://host:port, without a slash at its end. */
  readonly url: string;
  /** ws://host:port/graphql */
  readonly socketUrl: string;
  /** Its database, for a second server or a SQL session. */
  readonly databaseUrl: string;
  /** The same database, over a separate pool. */
  readonly database: Database;
  /** A second shop on the same database, to create products, count and audit. */
  readonly shop: LiveShop;
  /** Stops only the server; `database` and `shop` stay open. */
  stopServer(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a server on a free port, with a new database unless the settings name one. Without the demo
 * sale; `stop` drops the new database.
 */
export async function startTestServer({
  log = silentLog,
  timeouts = {},
  ...settings
}: TestServerSettings = {}): Promise<TestServer> {
  const made = settings.DATABASE_URL === undefined ? await createTestDatabase() : undefined;
  const databaseUrl = settings.DATABASE_URL ?? made!.url;
  const app = await startApp(
    readSettings(
      {
        PORT: '0',
        ADMIN_TOKEN,
        HOLD_TOKEN_SECRETS: HOLD_TOKEN_SECRET,
        SEED_DEMO: 'false',
        LOG_LEVEL: 'silent',
        // Each stop waits for a tenth of it.
        SHUTDOWN_GRACE_SECONDS: '2',
        ...settings,
        DATABASE_URL: databaseUrl,
      },
      'no such .env file',
    ),
    log,
    { ...PORT_TIMEOUTS, ...timeouts },
  );
  const beside = await openTestShop(databaseUrl, { poolMax: 2 });
  let stopped: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    await app.stop();
    await beside[Symbol.asyncDispose]();
    await made?.drop();
  };
  const stop = (): Promise<void> => (stopped ??= stopAll());
  return {
    url: app.url,
    socketUrl: `${app.url.replace('http', 'ws')}/graphql`,
    databaseUrl,
    database: beside.database,
    shop: beside.shop,
    stopServer: () => app.stop(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A TCP proxy between a server and its database that a test can cut. */
export interface DatabaseProxy extends AsyncDisposable {
  /** The URL of the database through the proxy. */
  readonly url: string;
  /** How many connections it has accepted. */
  readonly taken: number;
  /** Cuts all connections and refuses new ones. */
  cut(): void;
  /** Keeps connections open and forwards nothing in either direction. */
  freeze(): void;
  /** Forwards again. */
  restore(): void;
}

/** Opens a proxy to the database of this URL. */
export async function openDatabaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let open = true;
  let frozen = false;
  let taken = 0;
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  const proxy = createServer((client) => {
    track(client);
    taken += 1;
    if (!open) return void client.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    track(upstream);
    // pipe() would continue to read while the proxy is frozen.
    client.on('data', (chunk: Buffer) => void (frozen || upstream.write(chunk)));
    upstream.on('data', (chunk: Buffer) => void (frozen || client.write(chunk)));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.port = String((proxy.address() as AddressInfo).port);
  url.hostname = '127.0.0.1';
  const cut = (): void => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.toString(),
    get taken() {
      return taken;
    },
    cut,
    freeze: () => void (frozen = true),
    restore() {
      open = true;
      frozen = false;
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
