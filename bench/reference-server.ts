import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import { contextOf, schema, serve, settings, type ShopContext } from './reference-shop.ts';

/*
 * The reference: the same schema, resolvers and shop as Apollo's documentation would serve them, on
 * express with express.json() and everything at its default. Run by bench/main.ts as a process of its
 * own; it takes the server's settings.
 */

// Only the stop is ours: the benchmark ends it by a signal, and the database stops last.
const apollo = new ApolloServer<ShopContext>({ schema, stopOnTerminationSignals: false });
await apollo.start();
const app = express();
app.use(
  '/graphql',
  express.json(),
  expressMiddleware(apollo, {
    context: async ({ req }) =>
      contextOf({
        requestId: randomUUID(),
        address: '',
        isAdmin: req.headers.authorization === `Bearer ${settings.adminToken}`,
      }),
  }),
);
serve(createServer(app));
