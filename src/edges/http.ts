import { randomUUID, timingSafeEqual, createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express } from 'express';
import type { Logger } from '../platform/log.ts';
import type { Shop } from '../shop.ts';
import { answerJson } from './body.ts';
import { Explorer } from './explorer.ts';
import { Context, type Caller } from './graphql/context.ts';
import { openGraphqlHttp, type GraphqlHttp } from './graphql/http.ts';
import { buildShopSchema } from './graphql/schema.ts';
import { openGraphqlSocket, type GraphqlSocket } from './graphql/socket.ts';
import { takeDelivery } from './webhook/door.ts';
import type { Provider } from './webhook/provider.ts';

/** What the one port is made of. */
export interface HttpOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly adminToken: string;
  /** The providers whose webhooks are taken, by path. */
  readonly providers: Readonly<Record<string, Provider>>;
  /** Whether GET /graphql serves the explorer and introspection is answered. */
  readonly explorer: boolean;
  readonly isAllowedOrigin: (origin: string) => boolean;
  /** Whether the database answers; known without asking it, so that health is told under any load. */
  readonly isDatabaseThere: () => boolean;
  /** How long a stop waits for requests under way. */
  readonly graceMs: number;
  readonly log: Logger;
}

/** The open port. */
export interface HttpDoor {
  /** http://host:port, without a slash at its end. */
  readonly url: string;
  /** From now on /readyz answers 200. */
  ready(): void;
  /** Not ready any more, no new connections, sockets told to go, requests under way answered. */
  stop(): Promise<void>;
}

/** A whole request arrives within this, or its connection is cut: slow senders hold no place. */
const REQUEST_MS_MAX = 15_000;

/** Its headers within this. */
const HEADERS_MS_MAX = 10_000;

/** One port: GraphQL by POST and websocket, the payment webhook, the explorer, health. */
export async function openHttp(shop: Shop, options: HttpOptions): Promise<HttpDoor> {
  const schema = buildShopSchema();
  const { log, isAllowedOrigin, explorer: introspection } = options;
  const callerOf = callersBy(options.adminToken);
  const common = { schema, callerOf, isAllowedOrigin, introspection, log };
  const graphql = await openGraphqlHttp({
    ...common,
    contextOf: (caller) => new Context(shop, caller),
  });
  const socket = openGraphqlSocket({
    ...common,
    contextOf: (caller) => new Context(shop, caller, true),
  });
  const state = { ready: false, draining: false };
  const rest = restOf(shop, options, state);

  const server = createServer(
    { requestTimeout: REQUEST_MS_MAX, headersTimeout: HEADERS_MS_MAX },
    (request, response) => {
      // While draining each connection gets its last answer and is then closed.
      if (state.draining) response.shouldKeepAlive = false;
      if (pathOf(request) === '/graphql' && request.method !== 'GET')
        return graphql.handle(request, response);
      rest(request, response);
    },
  );
  server.on('upgrade', (request, connection, head) => {
    if (pathOf(request) === '/graphql' && !state.draining)
      return socket.upgrade(request, connection, head);
    connection.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  await listen(server, options);

  return {
    url: urlOf(options.host, server),
    ready: () => void (state.ready = true),
    stop: async () => {
      state.ready = false;
      state.draining = true;
      await drain(server, { graphql, socket, graceMs: options.graceMs });
    },
  };
}

/** Everything but GraphQL operations, on express. */
function restOf(shop: Shop, options: HttpOptions, state: { readonly ready: boolean }): Express {
  const { log, providers } = options;
  const app = express()
    .disable('x-powered-by')
    .enable('strict routing')
    .enable('case sensitive routing');
  const explorer = new Explorer();

  app.all(Object.keys(providers), (request, response) => {
    const provider = providers[request.path]!;
    if (request.method === 'POST') return takeDelivery({ shop, log }, provider, request, response);
    answerJson(response, 405, errorJson('method_not_allowed', 'Events are sent by POST.'), {
      allow: 'POST',
    });
  });
  app.get('/graphql', async (request, response) => {
    const isBrowser =
      request.headers.accept?.includes('text/html') && request.query['query'] === undefined;
    if (!options.explorer || !isBrowser) {
      return answerJson(response, 400, errorJson('bad_request', 'Operations are sent by POST.'), {
        allow: 'POST',
      });
    }
    const page = await explorer.page();
    response
      .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-encoding': 'gzip' })
      .end(page);
  });
  app.get('/healthz', (_request, response) => answerJson(response, 200, '{"status":"ok"}'));
  app.get('/readyz', (_request, response) => {
    const why = state.ready ? undefined : 'starting or draining';
    const unready = why ?? (options.isDatabaseThere() ? undefined : 'the database is away');
    answerJson(response, unready ? 503 : 200, JSON.stringify({ status: unready ?? 'ready' }));
  });
  app.use((_request, response) =>
    answerJson(response, 404, errorJson('not_found', 'There is nothing at this path.')),
  );
  app.use((error: unknown, _request: IncomingMessage, response: ServerResponse, _next: unknown) => {
    log.error({ err: error }, 'A request failed unexpectedly');
    const malformed = (error as { status?: number }).status === 400;
    answerJson(
      response,
      malformed ? 400 : 500,
      errorJson(malformed ? 'malformed' : 'internal', 'The request failed.'),
    );
  });
  return app;
}

function errorJson(error: string, message: string): string {
  return JSON.stringify({ error, message });
}

/** Whether the right admin token came with a request, compared in constant time. */
function callersBy(adminToken: string): (request: IncomingMessage) => Caller {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = digest(`Bearer ${adminToken}`);
  return ({ headers: { authorization } }) => ({
    requestId: randomUUID(),
    isAdmin: authorization !== undefined && timingSafeEqual(digest(authorization), expected),
  });
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

/** Another process listens there already. */
class PortInUse extends Error {
  override readonly name = 'PortInUse';

  constructor(host: string, port: number) {
    super(
      `PORT ${port} on ${host} is taken by another process: stop that one, or set another PORT.`,
    );
  }
}

function listen(server: Server, { port, host }: HttpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new PortInUse(host, port) : error);
    });
    server.listen({ port, host }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function urlOf(host: string, server: Server): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

interface Draining {
  readonly graphql: GraphqlHttp;
  readonly socket: GraphqlSocket;
  readonly graceMs: number;
}

async function drain(server: Server, { graphql, socket, graceMs }: Draining): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await socket.stop();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(cut);
  await graphql.stop();
}
