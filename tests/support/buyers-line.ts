import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** The wire between a buyer's browser and the servers, with the accidents of a train ride. */
export interface BuyersLine extends AsyncDisposable {
  /** The address that the buyer knows, without a slash at its end. */
  readonly url: string;
  /** What is connected from now on goes to this server. */
  leadTo(serverUrl: string): void;
  /** The server gets the next POST, its answer gets lost, and the connection with it. */
  loseNextAnswer(): void;
  /** Cuts what is connected and turns away what comes, until it is mended. */
  cut(): void;
  mend(): void;
  /** How many connections were turned away. */
  readonly rejected: number;
  /** Says nothing more to either side on what is connected, and closes nothing. */
  fallSilent(): void;
  /** How many POSTs have passed. */
  readonly posts: number;
}

/** Opens a line to a server. */
export async function openBuyersLine(serverUrl: string): Promise<BuyersLine> {
  let target = new URL(serverUrl);
  let posts = 0;
  let losing = false;
  let open = true;
  let rejected = 0;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  const destroyAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const line = createServer((near) => {
    if (!open) {
      rejected += 1;
      return void near.destroy();
    }
    const far = connect(Number(target.port), target.hostname);
    keep(near);
    keep(far);
    let lost = false;
    near.on('data', (chunk) => {
      const isPost = chunk.toString('latin1', 0, 5) === 'POST ';
      if (isPost) posts += 1;
      if (isPost && losing) [lost, losing] = [true, false];
      far.write(chunk);
    });
    far.on('data', (chunk) => (lost ? near.destroy() : near.write(chunk)));
    near.on('close', () => far.end());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => line.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(line.address() as AddressInfo).port}`,
    get rejected() {
      return rejected;
    },
    cut() {
      open = false;
      destroyAll();
    },
    mend: () => void (open = true),
    get posts() {
      return posts;
    },
    leadTo: (other) => void (target = new URL(other)),
    loseNextAnswer: () => void (losing = true),
    fallSilent() {
      for (const socket of sockets) socket.removeAllListeners('data').resume();
    },
    async [Symbol.asyncDispose]() {
      destroyAll();
      await new Promise((resolve) => line.close(resolve));
    },
  };
}
