import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { requestId } from '../../../lib/request-id.ts';
import { refuseUpgrade } from '../../http/upgrade.ts';
import type { Caller } from '../context.ts';
import {
  conversationOf,
  SUBSCRIPTIONS_MAX,
  type ConversationOptions,
} from './subscription-server.ts';
import { BackpressuredSocket } from './backpressured-socket.ts';
import { SocketStreams } from './socket-streams.ts';

/** A subscription's document and variables fit easily; a longer message is not one of ours. */
const MESSAGE_BYTES_MAX = 16 * 1024;

/** Stalled and silent sockets are looked for this often. */
const LOOK_MS = 1000;

/** A client that does not answer the goodbye is cut off after this. */
const GOODBYE_MS = 1000;

/** The websocket protocol's own word for a server that goes away. */
const GOING_AWAY = 1001;

const PONG = '{"type":"pong"}';

/** What graphql-ws says of a message that is the server's to say: `next`, for one. */
const NOT_A_CLIENTS = /Unexpected message of type/;

/** What the GraphQL door over websockets is made of. */
export interface GraphqlSocketOptions extends ConversationOptions {
  readonly callerOf: (request: IncomingMessage) => Caller;
  readonly isAllowedOrigin: (origin: string, request: IncomingMessage) => boolean;
  /** Notes that a page of this origin was refused, and gives the sentence that says so. */
  readonly refuseOrigin?: (origin: string) => string;
  /** Most open sockets; a further one is told to come again. */
  readonly socketsMax: number;
}

/** The GraphQL door over websockets. */
export interface GraphqlSocket {
  /** Takes over the connection of an upgrade request to /graphql. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Open sockets. */
  sockets(): number;
  /** Live subscriptions on all sockets. */
  subscriptions(): number;
  /** Tells every socket that the server goes away (1001), so that its client resumes elsewhere. */
  stop(): Promise<void>;
}

/** Opens the door for subscriptions, and for nothing else: queries and mutations go by HTTP. */
export function openGraphqlSocket(options: GraphqlSocketOptions): GraphqlSocket {
  const { isAllowedOrigin, socketsMax } = options;
  const sockets = new WebSocketServer(SOCKETS);
  sockets.on('headers', (headers) => {
    const id = requestId();
    if (id !== undefined) headers.push(`X-Request-Id: ${id}`);
  });
  const lines: Lines = new Map();
  const looking = setInterval(() => lines.forEach((_, line) => line.look()), LOOK_MS);
  const converse = conversing(options, lines);

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
      sockets.handleUpgrade(request, connection, head, (socket) => converse(socket, request));
    },
    sockets: () => sockets.clients.size,
    subscriptions: () => [...lines.values()].reduce((sum, { count }) => sum + count, 0),
    async stop() {
      clearInterval(looking);
      for (const socket of sockets.clients) socket.close(GOING_AWAY, 'Going away');
      await new Promise((resolve) => sockets.close(resolve));
    },
  };
}

/** The open sockets, and the streams on each. */
type Lines = Map<BackpressuredSocket, SocketStreams>;

const SOCKETS = {
  noServer: true,
  maxPayload: MESSAGE_BYTES_MAX,
  closeTimeout: GOODBYE_MS,
  handleProtocols,
} as const;

/**
 * Joins graphql-ws, which speaks the protocol, to each socket. Its own adapter for ws would take
 * binary frames for text, write what goes wrong to the console, and leave a stalled client alone.
 */
function conversing(options: GraphqlSocketOptions, lines: Lines) {
  const { callerOf, log } = options;
  const server = makeServer(conversationOf(options));

  return (socket: WebSocket, request: IncomingMessage): void => {
    const line = new BackpressuredSocket(socket);
    const streams = new SocketStreams(SUBSCRIPTIONS_MAX);
    const fail = (error: unknown): void => {
      if (NOT_A_CLIENTS.test(String(error)))
        return line.close(CloseCode.BadRequest, 'Only a server says this');
      log.error({ err: error }, 'The GraphQL socket failed');
      line.close(CloseCode.InternalServerError, 'Internal server error');
    };
    const hangUp = server.opened(
      {
        protocol: socket.protocol,
        send: (frame) => line.send(frame),
        // Without what came with the ping: nested deep enough it cannot be written again.
        onPing: () => line.send(PONG),
        close: (code = GOING_AWAY, reason = '') => line.close(code, reason),
        onMessage: (hear) =>
          socket.on('message', (message: Buffer, isBinary) => {
            // What still comes on a socket that is being closed is heard by nobody.
            if (socket.readyState !== socket.OPEN) return;
            if (isBinary) line.close(CloseCode.BadRequest, 'Binary frames are not accepted');
            else hear(message.toString()).catch(fail);
          }),
      },
      { caller: callerOf(request), line, streams },
    );
    lines.set(line, streams);
    socket.on('close', (code, reason) => {
      lines.delete(line);
      void Promise.all([hangUp(code, reason.toString()), streams.end()]);
    });
    // What a client breaks, ws closes with the protocol's own code; there is nothing to add.
    socket.on('error', () => {});
  };
}
