import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Passes one chunk of the database's answer to a server. */
export type PassAnswer = (chunk: Buffer, server: Socket) => void;

/** A TCP proxy between servers and their database, for faults of the network and for a slow database. */
export class DatabaseLink implements AsyncDisposable {
  /** The URL of the database through the proxy. */
  readonly url: string;
  readonly #proxy: Server;
  readonly #sockets: Set<Socket>;

  private constructor(url: string, proxy: Server, sockets: Set<Socket>) {
    this.url = url;
    this.#proxy = proxy;
    this.#sockets = sockets;
  }

  /** Opens the proxy on a free port of loopback. */
  static async open(databaseUrl: string, pass: PassAnswer): Promise<DatabaseLink> {
    const url = new URL(databaseUrl);
    const { hostname, port } = url;
    const sockets = new Set<Socket>();
    const proxy = createServer((client) => {
      const upstream = connect(Number(port), hostname);
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => {});
        socket.on('close', () => {
          sockets.delete(socket);
          (socket === client ? upstream : client).destroy();
        });
      }
      client.on('data', (chunk: Buffer) => upstream.write(chunk));
      upstream.on('data', (chunk: Buffer) => pass(chunk, client));
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    url.port = String((proxy.address() as AddressInfo).port);
    return new DatabaseLink(url.toString(), proxy, sockets);
  }

  /** Breaks all connections. New ones are accepted. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    const closed = once(this.#proxy, 'close');
    this.#proxy.close();
    await closed;
  }
}

/** Delays the answers of a database, in order. With a delay of 0 it changes nothing. */
export class AnswerDelay {
  /** Milliseconds; at first 0. */
  ms = 0;
  readonly #waiting = new WeakMap<Socket, Buffer[]>();

  /** Passes a chunk after the delay and after every earlier chunk of its connection. */
  readonly pass: PassAnswer = (chunk, server) => {
    const queue = this.#waiting.get(server) ?? [];
    this.#waiting.set(server, queue);
    if (this.ms === 0 && queue.length === 0) return void server.write(chunk);
    queue.push(chunk);
    setTimeout(() => server.write(queue.shift()!), this.ms);
  };
}
