import { createServer } from 'node:http';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { contextOf, log, openGraphqlHttp, schema, serve } from './reference-shop.ts';

/*
 * The reference for live stock: the same schema, resolvers, shop and HTTP endpoint, but graphql-ws as its
 * documentation shows it, which executes a subscription for each subscriber. bench/live.ts runs it as a
 * child process with the server's settings.
 */

const caller = { requestId: 'the benchmark', address: '', isAdmin: false };
const http = await openGraphqlHttp({
  schema,
  callerOf: () => caller,
  contextOf: () => contextOf(caller),
  introspection: false,
  log,
});
const server = createServer((request, response) => http.handle(request, response));
const sockets = new WebSocketServer({ server, path: '/graphql' });
useServer({ schema, context: () => contextOf(caller, { isStream: true }) }, sockets);
serve(server);
