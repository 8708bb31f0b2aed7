import 'reflect-metadata';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

/*
 * The reference for live stock: the same schema, resolvers, shop and HTTP door, but graphql-ws as its
 * documentation has it, which executes a subscription for each subscriber. Run by bench/live.ts as a
 * process of its own; it takes the server's settings.
 */

/** A module of the build: the very code that the server runs. */
const built = (module: string): string => new URL(`../dist/src/${module}.js`, import.meta.url).href;

const { readSettings } = (await import(built('config'))) as typeof import('../src/config.ts');
const { createLog } = (await import(
  built('platform/log')
)) as typeof import('../src/platform/log.ts');
const { Closers } = (await import(
  built('platform/closers')
)) as typeof import('../src/platform/closers.ts');
const { openDatabase } = (await import(
  built('open-database')
)) as typeof import('../src/open-database.ts');
const { noMeters } = (await import(built('meters'))) as typeof import('../src/meters.ts');
const { RateLimits } = (await import(
  built('edges/rate-limits')
)) as typeof import('../src/edges/rate-limits.ts');
const { openShop } = (await import(built('open-shop'))) as typeof import('../src/open-shop.ts');
const { buildShopSchema } = (await import(
  built('edges/graphql/schema')
)) as typeof import('../src/edges/graphql/schema.ts');
const { openGraphqlHttp } = (await import(
  built('edges/graphql/http')
)) as typeof import('../src/edges/graphql/http.ts');
const { Context } = (await import(
  built('edges/graphql/context')
)) as typeof import('../src/edges/graphql/context.ts');

const settings = readSettings();
const log = createLog(settings.LOG_LEVEL);
const closers = new Closers();
const { database, url } = await openDatabase(settings, { log, closers, share: false });
const { shop, notices } = openShop({ database, url }, settings);
await notices.start();
closers.push('the notice line', () => notices.stop());

const schema = buildShopSchema();
const caller = { requestId: 'the benchmark', address: '', isAdmin: false };
const limits = new RateLimits(undefined, noMeters);
const http = await openGraphqlHttp({
  schema,
  callerOf: () => caller,
  contextOf: () => new Context(shop, { caller, limits }),
  isAllowedOrigin: () => true,
  introspection: false,
  log,
});
const server = createServer((request, response) => http.handle(request, response));
const sockets = new WebSocketServer({ server, path: '/graphql' });
useServer(
  { schema, context: () => new Context(shop, { caller, limits, isStream: true }) },
  sockets,
);
server.listen(settings.PORT, settings.HOST, () => {
  const { port } = server.address() as AddressInfo;
  log.info({}, `Ready. GraphQL http://${settings.HOST}:${port}/graphql`);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void closers.close().then(() => process.exit(0));
});
