import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Door } from '../metrics/meters.ts';
import { requestId } from '../../lib/request-id.ts';
import type { LiveShop } from '../../live/live-shop.ts';
import { Context, type Caller } from '../graphql/context.ts';
import { Documents } from '../graphql/http/documents.ts';
import { openGraphqlHttp, type GraphqlHttp } from '../graphql/http/http.ts';
import { buildShopSchema } from '../graphql/schema/schema.ts';
import { openGraphqlSocket, type GraphqlSocket } from '../graphql/ws/socket.ts';
import type { Origins } from './origins.ts';
import { bearerCheck, openPaths, type PathOptions } from './routes.ts';
import type { Port } from './port.ts';
import { RateLimits } from './rate-limits.ts';
import { addressOf, requestIdOf } from './client-address.ts';
import { QUIET_PART } from './traffic.ts';
import { refuseUpgrade } from './upgrade.ts';

/** What the one port is made of. */
export interface HttpOptions extends Omit<PathOptions, 'unready'> {
  readonly port: Port;
  readonly adminToken: string;
  /** Whose pages may call. */
  readonly origins: Origins;
  /** Whether the database answers; known without asking it, so that health is told under any load. */
  readonly isDatabaseThere: () => boolean;
  /** How many entries of X-Forwarded-For are believed. */
  readonly trustedHops: number;
  /** Holds that an address may ask for in a minute; undefined: any number. */
  readonly holdsPerMinute: number | undefined;
  /** How long a stop may take, in milliseconds. */
  readonly graceMs: number;
}

/** The shop at its port. */
export interface HttpDoor {
  /** Open connections, the websockets among them, and live subscriptions on those. */
  readonly live: Pick<Port, 'connections'> & Pick<GraphqlSocket, 'sockets' | 'subscriptions'>;
  /** From now on /readyz answers 200. */
  ready(): void;
  /** Not ready any more, no new connections, sockets told to go, requests under way answered. */
  stop(): Promise<void>;
}

/** One port: GraphQL by POST and websocket, the payment webhook, the explorer, health, metrics. */
export async function openHttp(shop: LiveShop, options: HttpOptions): Promise<HttpDoor> {
  const { graphql, socket } = await openGraphql(shop, options);
  const state = { ready: false };
  const unready = (): string | undefined => {
    if (!state.ready) return 'starting or draining';
    return options.isDatabaseThere() ? undefined : 'the database is away';
  };
  const paths = openPaths(shop, { ...options, unready });

  options.port.serve({
    request: (request, response) => {
      const path = pathOf(request);
      const isPage = request.method === 'GET' || request.method === 'HEAD';
      const isOperation = path === '/graphql' && !isPage;
      measure(doorOf(path, options), response, options);
      if (isOperation) graphql.handle(request, response);
      else paths(request, response);
    },
    upgrade(request, connection, head) {
      if (pathOf(request) === '/graphql') return socket.upgrade(request, connection, head);
      refuseUpgrade(connection, 404);
    },
    refused: refusing(options),
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
 * The part of all connections that may be websockets. These stay for hours. Of the others the longest
 * idle one is closed where room is scarce, so there is always a place for buyers and health checks.
 */
const SOCKETS_PART = 0.9;

/** GraphQL's two doors, by POST and by websocket: one schema, one set of limits. */
async function openGraphql(shop: LiveShop, options: HttpOptions): Promise<GraphqlDoors> {
  const { log, origins, explorer: introspection } = options;
  const limits = new RateLimits(options.holdsPerMinute, options.meters);
  const schema = buildShopSchema();
  const socketsMax = Math.floor(options.port.connectionsMax * SOCKETS_PART);
  const documents = new Documents({ schema, introspection });
  const callerOf = callersBy(options);
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

interface GraphqlDoors {
  readonly graphql: GraphqlHttp;
  readonly socket: GraphqlSocket;
}

/** Who asks: under which id, from where, and whether the right admin token came along. */
function callersBy({ adminToken, trustedHops }: HttpOptions): (request: IncomingMessage) => Caller {
  const isAdmin = bearerCheck(adminToken);
  return (request) => ({
    requestId: requestId() ?? requestIdOf(request, trustedHops),
    // Looked at only where something is counted: most calls succeed, and cost nothing here.
    get address() {
      return addressOf(request, trustedHops);
    },
    isAdmin: isAdmin(request),
    get isGone() {
      return request.socket.destroyed;
    },
  });
}

/** A flood of connections is told in the log once in this time. */
const TELL_REFUSED_MS = 60_000;

/** Counts the connections that were not taken, and tells of them. */
function refusing({ meters, log, port }: HttpOptions): (error?: Error) => void {
  let toldAt = -Infinity;
  return (error) => {
    meters.connectionRefused();
    if (performance.now() - toldAt < TELL_REFUSED_MS) return;
    toldAt = performance.now();
    if (error !== undefined) return log.error({ err: error }, 'A connection could not be taken');
    log.warn({}, `${port.connectionsMax} connections are open: further ones are closed at once`);
  };
}

function doorOf(path: string, { providers }: HttpOptions): Door {
  if (path === '/graphql') return 'graphql';
  return Object.hasOwn(providers, path) ? 'webhook' : 'other';
}

/** Tells how a request was answered, and after how long; 499 where its sender did not wait. */
function measure(door: Door, response: ServerResponse, { meters }: HttpOptions): void {
  const startedAt = performance.now();
  response.once('close', () => {
    const status = response.writableFinished ? response.statusCode : 499;
    meters.answered(door, { status, ms: performance.now() - startedAt });
  });
}

function pathOf({ url = '' }: IncomingMessage): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

/** The part of the grace for which a stop takes connections at most: then a balancer meets none. */
const LEAVING_PART_MAX = 0.6;

/** The part for which it answers at most on kept connections after that; the rest finishes requests. */
const KEPT_PART_MAX = 0.3;

async function drain(port: Port, graceMs: number, doors: GraphqlDoors): Promise<void> {
  const quietMs = graceMs * QUIET_PART;
  port.leave();
  const isQuiet = await port.quiet(quietMs, graceMs * LEAVING_PART_MAX);
  const closed = port.drain();
  const socketsStopped = doors.socket.stop();
  if (!isQuiet) await port.quiet(quietMs, graceMs * KEPT_PART_MAX);
  port.closeIdle(quietMs);
  await Promise.all([closed, socketsStopped]);
  await doors.graphql.stop();
}
