import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { ApiError } from './graphql-client.ts';
import { until } from './shop.ts';

/** All messages of one subscription, from its start. */
export interface Received<Value> {
  /** The values in order; `at` has the time of receipt of each. */
  readonly values: Value[];
  readonly at: number[];
  readonly errors: ApiError[];
  /** Whether the server completed the subscription or ended it with an error. */
  ended: boolean;
  /** Unsubscribes. */
  stop(): void;
}

/** A graphql-ws client that records all messages. */
export interface SocketClient extends AsyncDisposable {
  /** Subscribes to the first root field of the document. */
  subscribe<Value>(query: string, variables?: Record<string, unknown>): Received<Value>;
  /** The close code, once the socket is closed. */
  readonly closedWith: number | undefined;
}

/** Opens a socket that stays open until disposed and never reconnects. */
export async function openSocket(url: string): Promise<SocketClient> {
  let closedWith: number | undefined;
  const client: Client = createClient({
    url,
    webSocketImpl: WebSocket,
    lazy: false,
    retryAttempts: 0,
    onNonLazyError: () => {},
    on: { closed: (event) => void (closedWith = (event as { code: number }).code) },
  });
  await new Promise<void>((resolve) => client.on('connected', () => resolve()));
  return {
    get closedWith() {
      return closedWith;
    },
    subscribe<Value>(query: string, variables: Record<string, unknown> = {}) {
      const received: Received<Value> = { values: [], at: [], errors: [], ended: false, stop() {} };
      received.stop = client.subscribe<Record<string, Value>>(
        { query, variables },
        {
          next({ data, errors }) {
            received.at.push(performance.now());
            if (data) received.values.push(Object.values(data)[0]!);
            if (errors) received.errors.push(...(errors as unknown as ApiError[]));
          },
          error: (errors) => {
            received.ended = true;
            if (Array.isArray(errors)) received.errors.push(...(errors as ApiError[]));
          },
          complete: () => void (received.ended = true),
        },
      );
      return received;
    },
    async [Symbol.asyncDispose]() {
      await client.dispose();
    },
  };
}

/** A bare websocket, for messages that no real client sends. */
export interface RawSocket extends Disposable {
  readonly messages: { readonly type: string; readonly id?: string; readonly payload?: never }[];
  /** The messages as text. */
  readonly texts: string[];
  send(message: unknown): void;
  /** Sends text or bytes unchanged. */
  sendText(text: string | Buffer): void;
  /** Sends `count` equal fragments of one message and never the final one. */
  sendFragments(text: string, count: number): Promise<void>;
  /** Waits until the server closes the socket, and returns the code. */
  closed(): Promise<number>;
  /** Waits for the first message of this type and, where given, id. */
  waitFor(
    type: string,
    id?: string,
  ): Promise<{ readonly type: string; readonly id?: string; readonly payload?: never }>;
  isOpen(): boolean;
  /** Terminates the connection without a close frame. */
  cut(): void;
  /** `pause` stops reading, like a stalled client; `resume` continues. */
  pause(): void;
  resume(): void;
}

/** A connection that was upgraded to a websocket and sends nothing, not even a close frame. */
export interface SilentSocket extends Disposable {
  /** Sends a close frame, and returns the code of the server's close frame. */
  close(): Promise<number>;
}

/** Upgrades a connection without a websocket library. */
export function openSilentSocket(
  url: string,
  protocol = 'graphql-transport-ws',
): Promise<SilentSocket> {
  const { hostname, port, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    const upgrade = request({
      hostname,
      port,
      path: pathname,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
        'sec-websocket-protocol': protocol,
      },
    });
    upgrade.on('error', reject);
    upgrade.on('upgrade', (_response, socket, head) => {
      const chunks: Buffer[] = [head];
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      resolve({
        close() {
          // An empty close frame, masked like all frames of a client.
          socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
          return new Promise((closed) => {
            // The server's own close frame: opcode 8 and final, the length, the code.
            socket.on('end', () => {
              socket.destroy();
              closed(Buffer.concat(chunks).readUInt16BE(2));
            });
          });
        },
        [Symbol.dispose]: () => socket.destroy(),
      });
    });
    upgrade.end();
  });
}

/** The options of a raw socket. */
export interface RawSocketOptions {
  readonly protocol?: string;
  readonly origin?: string;
  /** Whether to send connection_init and wait for connection_ack. */
  readonly init?: boolean;
}

/** Opens a bare websocket. */
export async function openRawSocket(
  url: string,
  { protocol = 'graphql-transport-ws', origin, init = false }: RawSocketOptions = {},
): Promise<RawSocket> {
  const socket = new WebSocket(url, protocol, origin === undefined ? {} : { origin });
  const messages: RawSocket['messages'] = [];
  let closeCode: number | undefined;
  const texts: string[] = [];
  socket.on('message', (data: Buffer) => {
    texts.push(data.toString());
    messages.push(JSON.parse(data.toString()));
  });
  socket.on('close', (code) => void (closeCode = code));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  const raw: RawSocket = {
    messages,
    texts,
    send: (message) => socket.send(JSON.stringify(message)),
    sendText: (text) => socket.send(text),
    async sendFragments(text, count) {
      for (let part = 0; part < count && socket.readyState === WebSocket.OPEN; part += 1) {
        socket.send(text, { fin: false });
        if (part % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    closed: () => until('the server to close the socket', () => closeCode),
    waitFor: (type, id) =>
      until(`a ${type} message`, () =>
        messages.find(
          (message) => message.type === type && (id === undefined || message.id === id),
        ),
      ),
    isOpen: () => socket.readyState === WebSocket.OPEN,
    cut: () => socket.terminate(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    [Symbol.dispose]: () => socket.terminate(),
  };
  if (init) {
    raw.send({ type: 'connection_init' });
    await raw.waitFor('connection_ack');
  }
  return raw;
}
