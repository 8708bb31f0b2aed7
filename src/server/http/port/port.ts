import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import { bindError, urlOf, type ListenAddress } from './bind.ts';
import { asRequest } from '../../../lib/ids.ts';
import { answerJson } from '../body.ts';
import { requestIdOf } from '../client-address.ts';
import { Connections } from './connections.ts';
import type { Origins } from '../origins.ts';
import { answerStarting } from './starting.ts';
import { normalizeTarget } from './target.ts';
import type { PortTimeouts } from './timeouts.ts';
import { Traffic } from './traffic.ts';
import { refuseUpgrade } from './upgrade.ts';

/** The handlers of the port's events. */
export interface PortHandlers {
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void;
  /** A connection was refused: the limit is reached, or accept failed with this error. */
  refused(error?: Error): void;
}

/** The address and the limits of the port. */
export interface PortOptions extends ListenAddress {
  /** Most open connections, including websockets; a further one is closed at once. */
  readonly connectionsMax: number;
  /** Idle timeout of connections, in seconds. */
  readonly keepAliveSeconds: number;
  /** The origins whose pages may call. */
  readonly origins: Origins;
  /** Number of trusted proxies, which may send X-Request-Id. */
  readonly trustedHops: number;
  readonly timeouts: PortTimeouts;
}

/**
 * Most unanswered requests on one connection. Clients do not pipeline; a caller that sends hundreds of
 * requests without reading would make the server buffer all responses.
 */
const UNANSWERED_MAX = 10;

/**
 * The time of the Keep-Alive header is shorter than the idle timeout by this many seconds. A client
 * that obeys the header never writes on a connection that is being closed.
 */
const KEEP_ALIVE_MARGIN_SECONDS = 5;

/**
 * This part of the connections stays free: below it, each new connection closes the longest idle one.
 * Idle connections last for minutes and must not lock out buyers.
 */
const FREE_PART = 0.02;

/**
 * Interval of the check for slow senders. Node's default of 30 s would extend each timeout by that
 * much. Closing thousands of connections in one check would block the event loop for half a second.
 */
const CHECK_MS = 100;

/** During a stop, idle connections are checked at this interval, in milliseconds. */
const CLOSE_IDLE_MS = 20;

/**
 * The port of the server. It is open from the beginning of a start, in one of these states:
 * - starting: /healthz answers 200, everything else 503;
 * - serving: the handlers answer;
 * - closing: the handlers answer, and each response closes its connection, so that clients reconnect to
 *   another server;
 * - draining: new connections are refused and idle ones are closed.
 */
export class Port {
  /** http://host:port, without a slash at its end. */
  readonly url: string;
  readonly #server: Server;
  readonly #origins: Origins;
  readonly #trustedHops: number;
  #handlers: PortHandlers = { request: answerStarting, upgrade: refuseForNow, refused() {} };
  readonly #connections: Connections;
  readonly #traffic = new Traffic();
  #isClosing = false;

  private constructor(server: Server, options: PortOptions) {
    const { host, origins, trustedHops, timeouts } = options;
    const { port } = server.address() as AddressInfo;
    this.url = urlOf({ host, port });
    this.#server = server;
    this.#origins = origins;
    this.#trustedHops = trustedHops;
    this.#connections = new Connections(timeouts.idleMs);
    server.on('connection', (socket: Socket) => this.#opened(socket));
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      const unanswered = this.#connections.begin(request.socket, response);
      if (unanswered === undefined) return;
      if (unanswered > UNANSWERED_MAX) return void request.socket.destroy();
      // In the next turn of the event loop all pipelined requests are parsed, so the last one is known.
      if (this.#isClosing) setImmediate(() => this.#answer(request, response));
      else this.#answer(request, response);
    };
    server.on('request', answer);
    // An unknown Expect header is ignored (RFC 9110, 10.1.1). Node's own 417 has neither CORS headers nor a
    // request id.
    server.on('checkExpectation', answer);
    server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
      // Node has removed its own error listener: without this one, a reset of the connection at this
      // moment would crash the process.
      connection.on('error', () => {});
      this.#connections.upgraded(request.socket);
      asRequest(requestIdOf(request, this.#trustedHops), () => {
        if (this.#isClosing) return refuseForNow(request, connection);
        if (normalizeTarget(request) !== undefined) return refuseUpgrade(connection, 400);
        this.#handlers.upgrade(request, connection, head);
      });
    });
    // Node also calls this for idle connections. Without a listener it would close a connection that
    // waits for a slow response.
    server.setTimeout(timeouts.unreadMs, (socket) => {
      if (this.#connections.isKept(socket) || socket.writableLength > 0) socket.destroy();
    });
    server.on('drop', () => {
      this.#connections.makeRoom();
      this.#handlers.refused();
    });
    server.on('error', (error) => this.#handlers.refused(error));
  }

  /** Opens the port. @throws PortUnavailable */
  static open(options: PortOptions): Promise<Port> {
    const { host, port, connectionsMax, keepAliveSeconds, timeouts } = options;
    const advertisedSeconds = Math.max(1, Math.floor(keepAliveSeconds) - KEEP_ALIVE_MARGIN_SECONDS);
    const server = createServer({
      // The Keep-Alive header has the first value; the idle timeout is the sum of both.
      keepAliveTimeout: advertisedSeconds * 1000,
      keepAliveTimeoutBuffer: Math.max(1, keepAliveSeconds - advertisedSeconds) * 1000,
      // A missing Host header is refused here like a malformed one, with a request id.
      requireHostHeader: false,
      requestTimeout: timeouts.requestMs,
      headersTimeout: timeouts.headersMs,
      connectionsCheckingInterval: CHECK_MS,
    });
    // By default a full worker passes a connection to the next one: endlessly, if all workers are full.
    Object.assign(server, { maxConnections: connectionsMax, dropMaxConnection: true });
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        reject(bindError(error, { host, port }));
      });
      server.listen({ port, host }, () => {
        server.removeAllListeners('error');
        resolve(new Port(server, options));
      });
    });
  }

  #opened(socket: Socket): void {
    this.#connections.add(socket);
    const room = this.connectionsMax - this.#connections.open;
    if (room < this.connectionsMax * FREE_PART) this.#connections.makeRoom();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const id = requestIdOf(request, this.#trustedHops);
    response.setHeader('x-request-id', id);
    asRequest(id, () => this.#answerAs(request, response));
  }

  #answerAs(request: IncomingMessage, response: ServerResponse): void {
    const malformed = normalizeTarget(request);
    this.#traffic.count(request);
    const isPreflight = request.method === 'OPTIONS';
    if (malformed !== undefined && isPreflight) return answerMalformed(response, malformed);
    if (this.#origins.handle(request, response)) return;
    if (malformed !== undefined) return answerMalformed(response, malformed);
    this.#handlers.request(request, response);
  }

  /** Starts serving with these handlers. */
  serve(handlers: PortHandlers): void {
    this.#handlers = handlers;
  }

  /** Most open connections. */
  get connectionsMax(): number {
    return this.#server.maxConnections;
  }

  /** Number of open connections, including websockets. */
  connections(): Promise<number> {
    return promisify(this.#server.getConnections.bind(this.#server))();
  }

  /** From now on each response closes its connection. New connections are still accepted. */
  disableKeepAlive(): void {
    this.#isClosing = true;
    this.#connections.disableKeepAlive();
  }

  /** Resolves with true when no request has arrived for `quietMs`, with false after `limitMs`. */
  quiet(quietMs: number, limitMs: number): Promise<boolean> {
    return this.#traffic.quiet(quietMs, limitMs);
  }

  /**
   * Stops accepting connections. Idle ones stay open until closeIdle. Resolves when the last connection
   * is closed. Safe to call twice.
   */
  drain(): Promise<void> {
    this.disableKeepAlive();
    // The HTTP server's own close() would close idle connections at once.
    return new Promise(
      (resolve) => void NetServer.prototype.close.call(this.#server, () => resolve()),
    );
  }

  /** Closes each connection after `idleMs` without a request. Earlier, a request may be in transit. */
  closeIdle(idleMs: number): void {
    const closing = setInterval(() => this.#connections.closeIdle(idleMs), CLOSE_IDLE_MS);
    this.#server.once('close', () => clearInterval(closing)).close();
  }

  /** Closes the port; only requests in flight are finished. */
  close(): Promise<void> {
    const closed = this.drain();
    this.closeIdle(0);
    return closed;
  }

  /** Aborts every open connection. */
  forceClose(): void {
    this.#server.closeAllConnections();
  }
}

/** Closes the connection: the bytes that follow may be part of a smuggled request. */
function answerMalformed(response: ServerResponse, message: string): void {
  const body = JSON.stringify({ error: 'bad_request', message });
  answerJson(response, 400, body, { connection: 'close' });
}

function refuseForNow(_request: IncomingMessage, connection: Duplex): void {
  refuseUpgrade(connection, 503, { 'Retry-After': '1' });
}
