import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/*
 * What the reference servers share: the very shop and schema that our server runs, as `npm run build`
 * left them, opened with the settings of this process. Each is a process of its own.
 */

/** A module of the build. */
const built = (module: string): string => new URL(`../dist/src/${module}.js`, import.meta.url).href;

const { readSettings } = (await import(
  built('config')
)) as typeof import('../src/config/settings.ts');
const { createLog } = (await import(built('platform/log'))) as typeof import('../src/lib/log.ts');
const { Closers } = (await import(
  built('platform/closers')
)) as typeof import('../src/lib/closers.ts');
const { openDatabase } = (await import(
  built('open-database')
)) as typeof import('../src/postgres/open-database.ts');
const { migrate } = (await import(
  built('platform/migrate')
)) as typeof import('../src/postgres/migrate.ts');
const { noopMetrics } = (await import(
  built('meters')
)) as typeof import('../src/server/metrics/meters.ts');
const { RateLimits } = (await import(
  built('edges/rate-limits')
)) as typeof import('../src/server/http/rate-limits.ts');
const { openShop } = (await import(built('open-shop'))) as typeof import('../src/open-shop.ts');
const { buildShopSchema } = (await import(
  built('edges/graphql/schema')
)) as typeof import('../src/server/graphql/schema/schema.ts');
const { Context } = (await import(
  built('edges/graphql/context')
)) as typeof import('../src/server/graphql/context.ts');

/** The context of a resolver. */
export type ShopContext = InstanceType<typeof Context>;

/** The caller of a request. */
type Caller = ShopContext['caller'];

export const { openGraphqlHttp } = (await import(
  built('edges/graphql/http')
)) as typeof import('../src/server/graphql/http/http.ts');

export const settings = readSettings();
export const log = createLog(settings.logLevel);
export const schema = buildShopSchema();

const closers = new Closers();
const { database } = await openDatabase(settings, { log, closers, share: false });
await migrate(database);
const { shop, changeNotifier } = openShop({ database }, settings);
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
  process.once('SIGTERM', () => {
    server.close();
    server.closeAllConnections();
    void closers.close().then(() => process.exit(0));
  });
}
