import { randomUUID, timingSafeEqual, createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express } from 'express';
import type { Logger } from '../platform/log.ts';
import type { Shop } from '../shop.ts';
import { answerJson } from './body.ts';
import { Explorer } from './explorer.ts';
import { Context, type Caller } from './graphql/context.ts';
import { openGraphqlHttp, type GraphqlHttp } from './graphql/http.ts';
import { buildShopSchema } from './graphql/schema.ts';
import { openGraphqlSocket, type GraphqlSocket } from './graphql/socket.ts';
import type { Port } from './port.ts';
import { takeDelivery } from './webhook/door.ts';
import type { Provider } from './webhook/provider.ts';

/** What the one port is made of. */
export interface HttpOptions {
  readonly port: Port;
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

/** The shop at its port. */
export interface HttpDoor {
  /** From now on /readyz answers 200. */
  ready(): void;
  /** Not ready any more, no new connections, sockets told to go, requests under way answered. */
  stop(): Promise<void>;
}

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
  const state = { ready: false };
  const rest = restOf(shop, options, state);

  options.port.serve({
    request(request, response) {
      const isOperation = pathOf(request) === '/graphql' && request.method !== 'GET';
      if (isOperation) graphql.handle(request, response);
      else rest(request, response);
    },
    upgrade(request, connection, head) {
      if (pathOf(request) === '/graphql') return socket.upgrade(request, connection, head);
      connection.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    },
  });

  return {
    ready: () => void (state.ready = true),
    async stop() {
      state.ready = false;
      await drain(options, { graphql, socket });
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

/** Who asks: whether the right admin token came with the request is compared in constant time. */
function callersBy(adminToken: string): (request: IncomingMessage) => Caller {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = digest(`Bearer ${adminToken}`);
  return ({ headers: { authorization }, socket: { remoteAddress } }) => ({
    requestId: randomUUID(),
    address: remoteAddress ?? null,
    isAdmin: authorization !== undefined && timingSafeEqual(digest(authorization), expected),
  });
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

async function drain(
  { port, graceMs }: Pick<HttpOptions, 'port' | 'graceMs'>,
  doors: { readonly graphql: GraphqlHttp; readonly socket: GraphqlSocket },
): Promise<void> {
  const closed = port.drain();
  await doors.socket.stop();
  const impatience = setTimeout(() => port.cut(), graceMs);
  await closed;
  clearTimeout(impatience);
  await doors.graphql.stop();
}
