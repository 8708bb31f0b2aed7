import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';

/*
 * The reference: the same schema, resolvers and shop as Apollo's documentation would serve them, on
 * express with express.json() and everything at its default. Run by bench/main.ts as a process of its
 * own; it takes the server's settings.
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
const { migrate } = (await import(
  built('platform/migrate')
)) as typeof import('../src/platform/migrate.ts');
const { noMeters } = (await import(built('meters'))) as typeof import('../src/meters.ts');
const { RateLimits } = (await import(
  built('edges/rate-limits')
)) as typeof import('../src/edges/rate-limits.ts');
const { openShop } = (await import(built('open-shop'))) as typeof import('../src/open-shop.ts');
const { buildShopSchema } = (await import(
  built('edges/graphql/schema')
)) as typeof import('../src/edges/graphql/schema.ts');
const { Context } = (await import(
  built('edges/graphql/context')
)) as typeof import('../src/edges/graphql/context.ts');

const settings = readSettings();
const log = createLog(settings.LOG_LEVEL);
const closers = new Closers();
const { database, url } = await openDatabase(settings, { log, closers, share: false });
await migrate(database.orm);
const { shop, notices } = openShop({ database, url }, settings);
await notices.start();
closers.push('the notice line', () => notices.stop());

const limits = new RateLimits(undefined, noMeters);

// Only its stop is ours: the benchmark ends it by a signal, and the database goes last.
const apollo = new ApolloServer<InstanceType<typeof Context>>({
  schema: buildShopSchema(),
  stopOnTerminationSignals: false,
});
await apollo.start();
const app = express();
app.use(
  '/graphql',
  express.json(),
  expressMiddleware(apollo, {
    context: async ({ req }) =>
      new Context(shop, {
        limits,
        caller: {
          requestId: randomUUID(),
          address: '',
          isAdmin: req.headers.authorization === `Bearer ${settings.ADMIN_TOKEN}`,
        },
      }),
  }),
);
const server = app.listen(settings.PORT, settings.HOST, () => {
  const { port } = server.address() as AddressInfo;
  log.info({}, `Ready. GraphQL http://${settings.HOST}:${port}/graphql`);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void closers.close().then(() => process.exit(0));
});
