import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { requestId } from '../../../lib/ids.ts';
import { refuseUpgrade } from '../../http/port/upgrade.ts';
import type { Caller } from '../context.ts';
import {
  graphqlWsOptions,
  SUBSCRIPTIONS_MAX,
  type SubscriptionServerOptions,
} from './subscription-server.ts';
import { BackpressuredSocket } from './backpressured-socket.ts';
import { SocketStreams } from './socket-streams.ts';

/** Maximum length of a message: a document and its variables. */
const MESSAGE_BYTES_MAX = 16 * 1024;

/** Interval of the liveness checks. */
const LIVENESS_CHECK_MS = 1000;

/** Time for a client to answer a close frame, before its connection is destroyed. */
const CLOSE_MS = 1000;

/** The websocket close code of a server that shuts down. */
const GOING_AWAY = 1001;

const PONG = '{"type":"pong"}';

/** graphql-ws's error for a message type that only a server may send, for example `next`. */
const SERVER_MESSAGE = /Unexpected message of type/;

/** The parts of the GraphQL endpoint over websockets. */
export interface GraphqlSocketOptions extends SubscriptionServerOptions {
  readonly callerOf: (request: IncomingMessage) => Caller;
  readonly isAllowedOrigin: (origin: string, request: IncomingMessage) => boolean;
  /** Logs that an origin was refused, and returns the message for it. */
  readonly refuseOrigin?: (origin: string) => string;
  /** Most open sockets; a further one gets 503 with Retry-After. */
  readonly socketsMax: number;
}

/** The GraphQL endpoint over websockets. */
export interface GraphqlSocket {
  /** Takes over the connection of an upgrade request to /graphql. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Open sockets. */
  sockets(): number;
  /** Live subscriptions on all sockets. */
  subscriptions(): number;
  /** Closes every socket with 1001, so that its client reconnects to another server. */
  stop(): Promise<void>;
}

/** Opens the endpoint. It serves subscriptions only; queries and mutations use HTTP. */
export function openGraphqlSocket(options: GraphqlSocketOptions): GraphqlSocket {
  const { isAllowedOrigin, socketsMax } = options;
  const sockets = new WebSocketServer(SOCKETS);
  sockets.on('headers', (headers) => {
    const id = requestId();
    if (id !== undefined) headers.push(`X-Request-Id: ${id}`);
  });
  const open: OpenSockets = new Map();
  const livenessChecks = setInterval(
    () => open.forEach((_, socket) => socket.checkLiveness()),
    LIVENESS_CHECK_MS,
  );
  const serve = serverOf(options, open);

  return {
    upgrade(request, connection, head) {
      const { origin } = request.headers;
      if (origin !== undefined && !isAllowedOrigin(origin, request)) {
        const headers = { 'Content-Type': 'text/plain; charset=utf-8' };
        return refuseUpgrade(connection, 403, headers, options.refuseOrigin?.(origin));
      }
      if (sockets.clients.size >= socketsMax) {
        return refuseUpgrade(connection, 503, { 'Retry-After': '1' });
      }
      sockets.handleUpgrade(request, connection, head, (socket) => serve(socket, request));
    },
    sockets: () => sockets.clients.size,
    subscriptions: () => [...open.values()].reduce((sum, { count }) => sum + count, 0),
    async stop() {
      clearInterval(livenessChecks);
      for (const socket of sockets.clients) socket.close(GOING_AWAY, 'Going away');
      await new Promise((resolve) => sockets.close(resolve));
    },
  };
}

/** The open sockets, and the streams on each. */
type OpenSockets = Map<BackpressuredSocket, SocketStreams>;

const SOCKETS = {
  noServer: true,
  maxPayload: MESSAGE_BYTES_MAX,
  closeTimeout: CLOSE_MS,
  handleProtocols,
} as const;

/**
 * Serves each socket with graphql-ws, which implements the protocol. Its own adapter for ws accepts
 * binary frames as text, writes errors to the console, and does not close stalled clients.
 */
function serverOf(options: GraphqlSocketOptions, open: OpenSockets) {
  const { callerOf, log } = options;
  const server = makeServer(graphqlWsOptions(options));

  return (webSocket: WebSocket, request: IncomingMessage): void => {
    const socket = new BackpressuredSocket(webSocket);
    const streams = new SocketStreams(SUBSCRIPTIONS_MAX);
    const fail = (error: unknown): void => {
      if (SERVER_MESSAGE.test(String(error)))
        return socket.close(CloseCode.BadRequest, 'Invalid client message type');
      log.error({ err: error }, 'The GraphQL socket failed');
      socket.close(CloseCode.InternalServerError, 'Internal server error');
    };
    const closed = server.opened(
      {
        protocol: webSocket.protocol,
        send: (frame) => socket.send(frame),
        // Without the payload of the ping: nested too deep it cannot be serialised.
        onPing: () => socket.send(PONG),
        close: (code = GOING_AWAY, reason = '') => socket.close(code, reason),
        onMessage: (receive) =>
          webSocket.on('message', (message: Buffer, isBinary) => {
            // Messages that arrive after the close frame are ignored.
            if (webSocket.readyState !== webSocket.OPEN) return;
            if (isBinary) socket.close(CloseCode.BadRequest, 'Binary frames are not accepted');
            else receive(message.toString()).catch(fail);
          }),
      },
      { caller: callerOf(request), socket, streams },
    );
    open.set(socket, streams);
    webSocket.on('close', (code, reason) => {
      open.delete(socket);
      void Promise.all([closed(code, reason.toString()), streams.end()]);
    });
    // ws closes the socket on a protocol error of the client; no more to do.
    webSocket.on('error', () => {});
  };
}
