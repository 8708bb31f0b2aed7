import { createServer, connect, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { startApp } from '../../src/app.ts';
import { readSettings } from '../../src/config/settings.ts';
import type { SETTINGS } from '../../src/config/settings.table.ts';
import type { Database } from '../../src/postgres/database.ts';
import { silentLog, type Logger } from '../../src/lib/log.ts';
import type { LiveShop } from '../../src/live/live-shop.ts';
import { createTestDatabase, openTestShop } from './shop.ts';

/** Opens the operator's part of the API on every test server. */
export const ADMIN_TOKEN = 'an admin token for tests only, long enough';

/** Signs the hold tokens of every test server. */
export const HOLD_TOKEN_SECRET = 'a hold token secret for test servers and long enough';

/** Settings as the environment would have them, and where the log goes. */
export type TestServerSettings = Partial<Record<keyof typeof SETTINGS, string>> & {
  readonly log?: Logger;
};

/** A whole server in this process, and what a test needs beside its port. */
export interface TestServer extends AsyncDisposable {
  /** http://host:port, without a slash at its end. */
  readonly url: string;
  /** ws://host:port/graphql */
  readonly socketUrl: string;
  /** Its database, for a second server or a SQL session. */
  readonly databaseUrl: string;
  /** The same database on connections of the test's own. */
  readonly database: Database;
  /** A shop beside the server on the same database: makes products, counts and audits. */
  readonly shop: LiveShop;
  /** Stops the server alone; what is beside it stays. */
  stopServer(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a server on a free port, on a database of its own unless one is named. Without the demo
 * sale; stopping drops the database that it made.
 */
export async function startTestServer({
  log = silentLog,
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
        // A tenth of it is spent leaving, at each stop.
        SHUTDOWN_GRACE_SECONDS: '2',
        ...settings,
        DATABASE_URL: databaseUrl,
      },
      'no such .env file',
    ),
    log,
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

/** A wire between a server and its database that a test can cut. */
export interface DatabaseLine extends AsyncDisposable {
  /** The database, by way of this line. */
  readonly url: string;
  /** How many connections it took so far. */
  readonly taken: number;
  /** Cuts what is connected and refuses what comes. */
  cut(): void;
  /** Keeps what is connected, and lets nothing through either way. */
  freeze(): void;
  /** Lets connections through again. */
  mend(): void;
}

/** Opens a line to the database of this URL. */
export async function openDatabaseLine(databaseUrl: string): Promise<DatabaseLine> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let open = true;
  let frozen = false;
  let taken = 0;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  const line = createServer((near) => {
    keep(near);
    taken += 1;
    if (!open) return void near.destroy();
    const far = connect(Number(target.port), target.hostname);
    keep(far);
    // By hand and not by pipe(), which would read on while the line is frozen.
    near.on('data', (chunk: Buffer) => void (frozen || far.write(chunk)));
    far.on('data', (chunk: Buffer) => void (frozen || near.write(chunk)));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => line.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.port = String((line.address() as AddressInfo).port);
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
    mend() {
      open = true;
      frozen = false;
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => line.close(resolve));
    },
  };
}
