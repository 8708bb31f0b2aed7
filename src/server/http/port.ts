import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import { bindError, urlOf, type Place } from './bind.ts';
import { asRequest } from '../../lib/request-id.ts';
import { answerJson } from './body.ts';
import { requestIdOf } from './client-address.ts';
import { Connections } from './connections.ts';
import type { Origins } from './origins.ts';
import { answerStarting } from './starting.ts';
import { normalizeTarget } from './target.ts';
import { Traffic } from './traffic.ts';
import { refuseUpgrade } from './upgrade.ts';

/** Who answers at the port. */
export interface PortHandlers {
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void;
  /** A connection was not taken: as many are open as may be, or the system would not give it. */
  refused(error?: Error): void;
}

/** Where it is, and how much it takes. */
export interface PortOptions extends Place {
  /** Most open connections, websockets among them; a further one is closed at once. */
  readonly connectionsMax: number;
  /** How long an idle connection is kept. */
  readonly keepAliveSeconds: number;
  /** Whose pages may call. */
  readonly origins: Origins;
  /** How many proxies in front may name a request's id. */
  readonly trustedHops: number;
}

/** A whole request arrives within this, or its connection is cut: slow senders hold no place. */
const REQUEST_MS_MAX = 15_000;

/** Its headers within this; a connection that says nothing at all is cut, too. */
const HEADERS_MS_MAX = 10_000;

/**
 * A caller who takes nothing of an answer for this long is cut, at Node's second look. The system
 * buffers more than our answers have: only who asks for much without reading it comes to this.
 */
const UNREAD_MS_MAX = 5000;

/**
 * Most requests of one connection that are not answered yet. No client of ours sends the next one
 * before the answer; a caller who sends hundreds and reads none has us keep all their answers.
 */
const UNANSWERED_MAX = 10;

/**
 * The Keep-Alive header names a time shorter by this than an idle connection is kept. A client that
 * obeys the header never writes on a connection that is being closed.
 */
const KEEP_ALIVE_MARGIN_SECONDS = 5;

/**
 * This part of the connections is kept free: where fewer are, the longest idle one is closed for each
 * new one. So idle connections, kept for minutes, keep no buyer out.
 */
const FREE_PART = 0.02;

/**
 * Slow senders are looked for this often. Node's own half a minute would let each have that much more,
 * and the thousands of a flood, cut at one look, would hold up everyone else for half a second.
 */
const LOOK_MS = 100;

/** A stop looks this often, in milliseconds, for connections that have become idle for long enough. */
const CLOSE_IDLE_MS = 20;

/**
 * The one port. It is open from the first moment of a start: *starting*, it answers that the process
 * lives and that it cannot serve yet; *serving*, its handlers answer; *leaving*, they still do, and
 * each answer is the last on its connection, so that callers go elsewhere by themselves; *draining*,
 * no connection is taken any more and idle ones are closed.
 */
export class Port {
  /** http://host:port, without a slash at its end. */
  readonly url: string;
  readonly #server: Server;
  readonly #origins: Origins;
  readonly #trustedHops: number;
  #handlers: PortHandlers = { request: answerStarting, upgrade: refuseForNow, refused() {} };
  readonly #connections = new Connections();
  readonly #traffic = new Traffic();
  #leaving = false;

  private constructor(server: Server, { host, origins, trustedHops }: PortOptions) {
    const { port } = server.address() as AddressInfo;
    this.url = urlOf({ host, port });
    this.#server = server;
    this.#origins = origins;
    this.#trustedHops = trustedHops;
    server.on('connection', (socket: Socket) => this.#opened(socket));
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const unanswered = this.#connections.begin(request.socket, response);
      if (unanswered === undefined) return;
      if (unanswered > UNANSWERED_MAX) return void request.socket.destroy();
      // In its next turn the event loop has parsed all that was pipelined, so it is known which is the last.
      if (this.#leaving) setImmediate(() => this.#answer(request, response));
      else this.#answer(request, response);
    });
    server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
      // Node has taken its own listener off: a caller who resets the connection at this moment would
      // end the process with it.
      connection.on('error', () => {});
      this.#connections.upgraded(request.socket);
      asRequest(requestIdOf(request, this.#trustedHops), () => {
        if (this.#leaving) return refuseForNow(request, connection);
        if (normalizeTarget(request) !== undefined) return refuseUpgrade(connection, 400);
        this.#handlers.upgrade(request, connection, head);
      });
    });
    // Node calls this for idle connections too. Without a listener it would also cut a caller who waits
    // for an answer that takes us long.
    server.setTimeout(UNREAD_MS_MAX, (socket) => {
      if (this.#connections.isKept(socket) || socket.writableLength > 0) socket.destroy();
    });
    server.on('drop', () => {
      this.#connections.makeRoom();
      this.#handlers.refused();
    });
    server.on('error', (error) => this.#handlers.refused(error));
  }

  /** Opens it. @throws PortUnavailable */
  static open(options: PortOptions): Promise<Port> {
    const { host, port, connectionsMax, keepAliveSeconds } = options;
    const advertisedSeconds = Math.max(1, Math.floor(keepAliveSeconds) - KEEP_ALIVE_MARGIN_SECONDS);
    const server = createServer({
      // The header names the first; an idle connection is kept for both together.
      keepAliveTimeout: advertisedSeconds * 1000,
      keepAliveTimeoutBuffer: Math.max(1, keepAliveSeconds - advertisedSeconds) * 1000,
      // A missing Host header is refused here like a malformed one, with a request id.
      requireHostHeader: false,
      requestTimeout: REQUEST_MS_MAX,
      headersTimeout: HEADERS_MS_MAX,
      connectionsCheckingInterval: LOOK_MS,
    });
    // By default a full worker hands a connection on to the next: with all of them full, round for ever.
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

  /** From now on these answer. */
  serve(handlers: PortHandlers): void {
    this.#handlers = handlers;
  }

  /** Most open connections. */
  get connectionsMax(): number {
    return this.#server.maxConnections;
  }

  /** Open connections, websockets among them. */
  connections(): Promise<number> {
    return promisify(this.#server.getConnections.bind(this.#server))();
  }

  /** Each answer is its connection's last from now on; new connections are still taken. */
  leave(): void {
    this.#leaving = true;
    this.#connections.leave();
  }

  /** Whether callers have stopped to send requests for `quietMs`; false where they have not by the limit. */
  quiet(quietMs: number, limitMs: number): Promise<boolean> {
    return this.#traffic.quiet(quietMs, limitMs);
  }

  /**
   * No new connections from now on. Idle ones stay open until they are closed. Resolves once the last
   * connection is closed. Harmless twice.
   */
  drain(): Promise<void> {
    this.leave();
    // The method of the HTTP server would close idle connections at once.
    return new Promise(
      (resolve) => void NetServer.prototype.close.call(this.#server, () => resolve()),
    );
  }

  /** Closes each connection once it has been idle for `idleMs`: on a younger one a request may be on its way. */
  closeIdle(idleMs: number): void {
    const closing = setInterval(() => this.#connections.closeIdle(idleMs), CLOSE_IDLE_MS);
    this.#server.once('close', () => clearInterval(closing)).close();
  }

  /** Closes it at once but for requests under way. */
  close(): Promise<void> {
    const closed = this.drain();
    this.closeIdle(0);
    return closed;
  }

  /** Cuts whatever is still open. */
  cut(): void {
    this.#server.closeAllConnections();
  }
}

/** The connection ends: what follows on it may be the rest of a smuggled request. */
function answerMalformed(response: ServerResponse, message: string): void {
  const body = JSON.stringify({ error: 'bad_request', message });
  answerJson(response, 400, body, { connection: 'close' });
}

function refuseForNow(_request: IncomingMessage, connection: Duplex): void {
  refuseUpgrade(connection, 503, { 'Retry-After': '1' });
}
