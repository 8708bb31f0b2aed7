import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Endpoint } from '../metrics/meters.ts';
import { requestId } from '../../lib/ids.ts';
import type { LiveShop } from '../../live/live-shop.ts';
import { Context, type Caller } from '../graphql/context.ts';
import { Documents } from '../graphql/http/documents.ts';
import { openGraphqlHttp, type GraphqlHttp } from '../graphql/http/http.ts';
import { buildShopSchema } from '../graphql/schema/schema.ts';
import { openGraphqlSocket, type GraphqlSocket } from '../graphql/ws/socket.ts';
import type { Origins } from './origins.ts';
import { bearerCheck, createRoutes, type RouteOptions } from './routes.ts';
import type { Port } from './port/port.ts';
import { RateLimits } from './rate-limits.ts';
import { addressOf, requestIdOf } from './client-address.ts';
import { QUIET_PART } from './port/traffic.ts';
import { refuseUpgrade } from './port/upgrade.ts';

/** The options of the HTTP server. */
export interface HttpOptions extends Omit<RouteOptions, 'unready'> {
  readonly port: Port;
  readonly adminToken: string;
  /** The origins whose pages may call. */
  readonly origins: Origins;
  /** Whether the database is available. It sends no query, so health checks work under any load. */
  readonly isDatabaseAvailable: () => boolean;
  /** Number of trusted entries of X-Forwarded-For. */
  readonly trustedHops: number;
  /** Limit of createHold calls of one address per minute; undefined for no limit. */
  readonly holdsPerMinute: number | undefined;
  /** Grace period of a stop, in milliseconds. */
  readonly graceMs: number;
}

/** The running HTTP server. */
export interface HttpServer {
  /** Open connections, open websockets and active subscriptions. */
  readonly live: Pick<Port, 'connections'> & Pick<GraphqlSocket, 'sockets' | 'subscriptions'>;
  /** Makes /readyz answer 200. */
  ready(): void;
  /** Makes /readyz answer 503, refuses new connections, closes websockets and finishes requests in flight. */
  stop(): Promise<void>;
}

/** Serves the port: GraphQL by POST and websocket, webhooks, the pages, health and metrics. */
export async function openHttp(shop: LiveShop, options: HttpOptions): Promise<HttpServer> {
  const { graphql, socket } = await openGraphql(shop, options);
  const state = { ready: false };
  const unready = (): string | undefined => {
    if (!state.ready) return 'starting or draining';
    return options.isDatabaseAvailable() ? undefined : 'database unavailable';
  };
  const routes = createRoutes(shop, { ...options, unready });

  options.port.serve({
    request: (request, response) => {
      const path = pathOf(request);
      const isPage = request.method === 'GET' || request.method === 'HEAD';
      const isOperation = path === '/graphql' && !isPage;
      measure(endpointOf(path, options), response, options);
      if (isOperation) graphql.handle(request, response);
      else routes(request, response);
    },
    upgrade(request, connection, head) {
      if (pathOf(request) === '/graphql') return socket.upgrade(request, connection, head);
      refuseUpgrade(connection, 404);
    },
    refused: refusalLogger(options),
  });

  return {
    live: { ...socket, connections: () => options.port.connections() },
    ready: () => void (state.ready = true),
    async stop() {
      state.ready = false;
      await drain(options.port, options.graceMs, { graphql, socket });
    },
  };
}

/**
 * The part of all connections that may be websockets, which stay open for hours. Of the others, idle ones
 * are closed when connections are scarce, so buyers and health checks can always connect.
 */
const SOCKETS_PART = 0.9;

/** The two GraphQL endpoints, HTTP and websocket: one schema, one set of rate limits. */
async function openGraphql(shop: LiveShop, options: HttpOptions): Promise<GraphqlEndpoints> {
  const { log, origins, explorer: introspection } = options;
  const limits = new RateLimits(options.holdsPerMinute, options.meters);
  const schema = buildShopSchema();
  const socketsMax = Math.floor(options.port.connectionsMax * SOCKETS_PART);
  const documents = new Documents({ schema, introspection });
  const callerOf = callerReader(options);
  const common = { schema, documents, callerOf, introspection, log };
  const graphql = await openGraphqlHttp({
    ...common,
    contextOf: (caller) => new Context(shop, { caller, limits }),
  });
  const socket = openGraphqlSocket({
    ...common,
    isAllowedOrigin: (origin, request) => origins.isAllowed(origin, request),
    refuseOrigin: (origin) => origins.refuse(origin),
    socketsMax,
    contextOf: (caller) => new Context(shop, { caller, limits, isStream: true }),
  });
  return { graphql, socket };
}

interface GraphqlEndpoints {
  readonly graphql: GraphqlHttp;
  readonly socket: GraphqlSocket;
}

/** Reads the caller of a request: request id, address, admin token. */
function callerReader({
  adminToken,
  trustedHops,
}: HttpOptions): (request: IncomingMessage) => Caller {
  const isAdmin = bearerCheck(adminToken);
  return (request) => ({
    requestId: requestId() ?? requestIdOf(request, trustedHops),
    // Parsed only if a rate limit counts the call, which most calls avoid.
    get address() {
      return addressOf(request, trustedHops);
    },
    isAdmin: isAdmin(request),
    get isClosed() {
      return request.socket.destroyed;
    },
  });
}

/** Refused connections are logged at most once in this time. */
const LOG_REFUSED_MS = 60_000;

/** Counts refused connections, and logs them. */
function refusalLogger({ meters, log, port }: HttpOptions): (error?: Error) => void {
  let loggedAt = -Infinity;
  return (error) => {
    meters.connectionRefused();
    if (performance.now() - loggedAt < LOG_REFUSED_MS) return;
    loggedAt = performance.now();
    if (error !== undefined) return log.error({ err: error }, 'Could not accept a connection');
    log.warn(
      {},
      `CONNECTIONS_MAX reached: ${port.connectionsMax} connections are open; closing further ones`,
    );
  };
}

function endpointOf(path: string, { providers }: HttpOptions): Endpoint {
  if (path === '/graphql') return 'graphql';
  return Object.hasOwn(providers, path) ? 'webhook' : 'other';
}

/** Measures a request: status and duration; 499 if the client closed the connection first. */
function measure(endpoint: Endpoint, response: ServerResponse, { meters }: HttpOptions): void {
  const startedAt = performance.now();
  response.once('close', () => {
    const status = response.writableFinished ? response.statusCode : 499;
    meters.answered(endpoint, { status, ms: performance.now() - startedAt });
  });
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

/** Longest part of the grace period in which a stopping server accepts connections, so that a load balancer sees no refusal. */
const ACCEPTING_PART_MAX = 0.6;

/** Longest part after that in which it answers on open connections. The rest is for requests in flight. */
const KEPT_PART_MAX = 0.3;

async function drain(port: Port, graceMs: number, endpoints: GraphqlEndpoints): Promise<void> {
  const quietMs = graceMs * QUIET_PART;
  port.disableKeepAlive();
  const isQuiet = await port.quiet(quietMs, graceMs * ACCEPTING_PART_MAX);
  const closed = port.drain();
  const socketsStopped = endpoints.socket.stop();
  if (!isQuiet) await port.quiet(quietMs, graceMs * KEPT_PART_MAX);
  port.closeIdle(quietMs);
  await Promise.all([closed, socketsStopped]);
  await endpoints.graphql.stop();
}
