import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { ToldError } from './graphql-client.ts';
import { until } from './shop.ts';

/** Everything one subscription heard, from its first moment. */
export interface Heard<Value> {
  /** Each value with the moment it came, in order. */
  readonly values: Value[];
  readonly at: number[];
  readonly errors: ToldError[];
  /** Whether the server said that no more will come. */
  ended: boolean;
  /** Ends it from this side. */
  stop(): void;
}

/** A client of the websocket door that keeps what it hears. */
export interface SocketClient extends AsyncDisposable {
  /** Subscribes to the first root field of the document. */
  subscribe<Value>(query: string, variables?: Record<string, unknown>): Heard<Value>;
  /** The close code, once the socket is closed. */
  readonly closedWith: number | undefined;
}

/** Opens one socket, which is kept until disposed and never reopened. */
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
      const heard: Heard<Value> = { values: [], at: [], errors: [], ended: false, stop() {} };
      heard.stop = client.subscribe<Record<string, Value>>(
        { query, variables },
        {
          next({ data, errors }) {
            heard.at.push(performance.now());
            if (data) heard.values.push(Object.values(data)[0]!);
            if (errors) heard.errors.push(...(errors as unknown as ToldError[]));
          },
          error: (errors) => {
            heard.ended = true;
            if (Array.isArray(errors)) heard.errors.push(...(errors as ToldError[]));
          },
          complete: () => void (heard.ended = true),
        },
      );
      return heard;
    },
    async [Symbol.asyncDispose]() {
      await client.dispose();
    },
  };
}

/** A bare websocket that says what it is told to, for what no client would send. */
export interface RawSocket extends Disposable {
  readonly messages: { readonly type: string; readonly id?: string; readonly payload?: never }[];
  /** The same as they came. */
  readonly texts: string[];
  send(message: unknown): void;
  /** Sends bytes or text as they are. */
  sendText(text: string | Buffer): void;
  /** Sends one message in so many equal parts, the last of which never comes. */
  sendFragments(text: string, count: number): Promise<void>;
  /** The code with which the server closes. */
  closed(): Promise<number>;
  /** The first message of this type (and id). */
  heard(
    type: string,
    id?: string,
  ): Promise<{ readonly type: string; readonly id?: string; readonly payload?: never }>;
  isOpen(): boolean;
  /** Cuts the connection without a goodbye. */
  cut(): void;
  /** Stops reading, as a stalled client does, and goes on. */
  pause(): void;
  resume(): void;
}

/** A connection that became a websocket and says nothing more, not even goodbye. */
export interface DeafSocket extends Disposable {
  /** Says goodbye after all, and gives the code with which the server closed. */
  goodbye(): Promise<number>;
}

/** Upgrades a connection by hand, as neither a browser nor ws would. */
export function openDeafSocket(
  url: string,
  protocol = 'graphql-transport-ws',
): Promise<DeafSocket> {
  const { hostname, port, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    const knock = request({
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
    knock.on('error', reject);
    knock.on('upgrade', (_response, socket, head) => {
      const chunks: Buffer[] = [head];
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      resolve({
        goodbye() {
          // An empty close frame, masked as a client's frames are.
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
    knock.end();
  });
}

/** How a raw socket knocks. */
export interface RawSocketOptions {
  readonly protocol?: string;
  readonly origin?: string;
  /** Whether to say hello and wait for the answer. */
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
    heard: (type, id) =>
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
    await raw.heard('connection_ack');
  }
  return raw;
}
