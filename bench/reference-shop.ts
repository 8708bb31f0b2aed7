import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/*
 * What the reference servers share: the very shop and schema that our server runs, as `npm run build`
 * left them, opened with the settings of this process. Each is a process of its own.
 */

/** A module as it was built from this source file. */
export const built = <Module>(source: `../src/${string}.ts`): Promise<Module> =>
  import(
    new URL(source.replace('../src', '../dist/src').replace(/ts$/, 'js'), import.meta.url).href
  ) as Promise<Module>;

const { readSettings } = await built<typeof import('../src/config/settings.ts')>(
  '../src/config/settings.ts',
);
const { createLog } = await built<typeof import('../src/lib/log.ts')>('../src/lib/log.ts');
const { Closers } = await built<typeof import('../src/lib/closers.ts')>('../src/lib/closers.ts');
const { openDatabase } = await built<typeof import('../src/postgres/open-database.ts')>(
  '../src/postgres/open-database.ts',
);
const { migrate } = await built<typeof import('../src/postgres/migrate/migrate.ts')>(
  '../src/postgres/migrate/migrate.ts',
);
const { noopMetrics } = await built<typeof import('../src/server/metrics/meters.ts')>(
  '../src/server/metrics/meters.ts',
);
const { RateLimits } = await built<typeof import('../src/server/http/rate-limits.ts')>(
  '../src/server/http/rate-limits.ts',
);
const { openShop } = await built<typeof import('../src/open-shop.ts')>('../src/open-shop.ts');
const { buildShopSchema } = await built<typeof import('../src/server/graphql/schema/schema.ts')>(
  '../src/server/graphql/schema/schema.ts',
);
const { Context } = await built<typeof import('../src/server/graphql/context.ts')>(
  '../src/server/graphql/context.ts',
);

/** The context of a resolver. */
export type ShopContext = InstanceType<typeof Context>;

/** The caller of a request. */
type Caller = ShopContext['caller'];

export const { openGraphqlHttp } = await built<typeof import('../src/server/graphql/http/http.ts')>(
  '../src/server/graphql/http/http.ts',
);

export const settings = readSettings();
export const log = createLog(settings.logLevel);
export const schema = buildShopSchema();

/** What a signal closes. */
export const closers = new Closers();
const { database } = await openDatabase(settings, { log, closers, share: false });
await migrate(database);
const { shop, changeNotifier } = openShop({ database }, settings);
export { shop };
await changeNotifier.start();
closers.push('change notifications', () => changeNotifier.stop());
const limits = new RateLimits(undefined, noopMetrics);

/** A context for one request, or one whose cache is cleared at every event of a stream. */
export const contextOf = (caller: Caller, { isStream = false } = {}): ShopContext =>
  new Context(shop, { caller, limits, isStream });

/** Logs that the server is ready in the format of our server, and stops it at a signal. */
export function serve(server: Server): void {
  server.listen(settings.port, settings.host, () => {
    const { port } = server.address() as AddressInfo;
    log.info({}, `Ready. GraphQL http://${settings.host}:${port}/graphql`);
  });
  stopAtSignal(() => {
    server.close();
    server.closeAllConnections();
  });
}

/** Stops the server at a signal, then closes the rest, and exits. */
export function stopAtSignal(stop: () => void | Promise<void>): void {
  const stopAll = async (): Promise<void> => {
    await stop();
    await closers.close();
    process.exit(0);
  };
  process.once('SIGTERM', () => void stopAll());
}
