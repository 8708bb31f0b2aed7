import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy between a client and the servers that simulates network failures. */
export interface ClientProxy extends AsyncDisposable {
  /** The address for the client, without a slash at its end. */
  readonly url: string;
  /** Forwards new connections to this server. */
  forwardTo(serverUrl: string): void;
  /** Forwards the next POST, then drops its answer and the connection. */
  dropNextAnswer(): void;
  /** Cuts all connections and rejects new ones until `restore`. */
  cut(): void;
  restore(): void;
  /** How many connections were rejected. */
  readonly rejected: number;
  /** Forwards nothing more on open connections, and leaves them open. */
  freeze(): void;
  /** How many POSTs were forwarded. */
  readonly posts: number;
}

/** Opens a proxy to a server. */
export async function openClientProxy(serverUrl: string): Promise<ClientProxy> {
  let target = new URL(serverUrl);
  let posts = 0;
  let dropsNextAnswer = false;
  let open = true;
  let rejected = 0;
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  const destroyAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const proxy = createServer((client) => {
    if (!open) {
      rejected += 1;
      return void client.destroy();
    }
    const upstream = connect(Number(target.port), target.hostname);
    track(client);
    track(upstream);
    let dropsAnswer = false;
    client.on('data', (chunk) => {
      const isPost = chunk.toString('latin1', 0, 5) === 'POST ';
      if (isPost) posts += 1;
      if (isPost && dropsNextAnswer) [dropsAnswer, dropsNextAnswer] = [true, false];
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => (dropsAnswer ? client.destroy() : client.write(chunk)));
    client.on('close', () => upstream.end());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    get rejected() {
      return rejected;
    },
    cut() {
      open = false;
      destroyAll();
    },
    restore: () => void (open = true),
    get posts() {
      return posts;
    },
    forwardTo: (other) => void (target = new URL(other)),
    dropNextAnswer: () => void (dropsNextAnswer = true),
    freeze() {
      for (const socket of sockets) socket.removeAllListeners('data').resume();
    },
    async [Symbol.asyncDispose]() {
      destroyAll();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
