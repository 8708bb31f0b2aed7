import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { CREATE_HOLD, send } from '../support/graphql-client.ts';
import {
  auditAt,
  buildServer,
  makeDemoData,
  makeProductAt,
  ServerProcesses,
  statusOf,
  type Running,
} from '../support/server-process.ts';
import { until } from '../support/shop.ts';
import { openSocket } from '../support/socket-client.ts';

const WAIT_MS = 60_000;

const STOCK = `subscription ($ids: [ID!]!) { stockChanged(productIds: $ids) { heldStock stockVersion } }`;

interface Stock {
  readonly heldStock: number;
  readonly stockVersion: number;
}

let demo: ServerProcesses;
let servers: ServerProcesses;
const start = (settings?: Record<string, string>): Running => {
  servers.copyDataOf(demo);
  return servers.start(settings);
};

beforeAll(async () => {
  buildServer();
  demo = await makeDemoData();
}, WAIT_MS);

afterAll(() => demo.clear(), WAIT_MS);

beforeEach(() => {
  servers = new ServerProcesses();
});

afterEach(() => servers.clear(), WAIT_MS);

test(
  'three workers sell one stock behind one port; a killed one is replaced, and all stop together',
  async () => {
    const server = start({ WORKERS: '3' });
    const url = await server.ready();
    const { id } = await makeProductAt(url, 30);

    const buyers = await Promise.all(
      Array.from({ length: 45 }, () => send(url, CREATE_HOLD, { input: { productId: id } })),
    );
    const first = workersOf(server);
    process.kill(first[0]!, 'SIGKILL');
    const second = await until('another worker', () => {
      const now = workersOf(server);
      return now.length === 3 && !now.includes(first[0]!) && now;
    });
    const after = await auditAt(url, id);
    server.child.kill('SIGTERM');

    const served = buyers.filter(({ data }) => data?.createHold?.token).length;
    expect([first.length, second.length]).toEqual([3, 3]);
    expect(served).toBe(30);
    expect(after).toMatchObject({ balanced: true, held: 30 });
    expect(await server.exited).toBe(0);
    expect(servers.others()).toEqual([]);
  },
  WAIT_MS,
);

test(
  'subscribers of every worker get the sales of every worker, and only those of a killed one are disconnected',
  async () => {
    const server = start({ WORKERS: '2' });
    const url = await server.ready();
    const { id } = await makeProductAt(url, 1000);
    const sockets = await Promise.all(
      Array.from({ length: 12 }, () => openSocket(`${url.replace('http', 'ws')}/graphql`)),
    );
    const screens = sockets.map((socket) => ({
      socket,
      received: socket.subscribe<Stock>(STOCK, { ids: [id] }),
    }));
    const sell = (units: number) =>
      Promise.all(
        Array.from({ length: units }, () => send(url, CREATE_HOLD, { input: { productId: id } })),
      );
    const cutOff = () => screens.filter(({ socket }) => socket.closedWith !== undefined);
    const alive = () => screens.filter(({ socket }) => socket.closedWith === undefined);
    const shows = (held: number) => () =>
      alive().every(({ received }) => received.values.at(-1)?.heldStock === held);

    await until('the first state', shows(0));
    await sell(40);
    await until('both workers’ sales', shows(40));
    process.kill(workersOf(server)[0]!, 'SIGKILL');
    await until('its screens to be cut off', () => cutOff().length > 0);
    await until('another worker', () => workersOf(server).length === 2);
    await sell(40);
    await until('the sales after it', shows(80));

    expect(alive().length).toBeGreaterThan(0);
    for (const { received } of screens) {
      const versions = received.values.map(({ stockVersion }) => stockVersion);
      expect(versions).toEqual([...new Set(versions)].toSorted((one, other) => one - other));
    }
    server.child.kill('SIGTERM');
    expect(await server.exited).toBe(0);
    await until('the goodbyes', () => alive().length === 0);
    expect(new Set(screens.map(({ socket }) => socket.closedWith))).toEqual(new Set([1001, 1006]));
  },
  WAIT_MS,
);

test(
  'workers whose primary is killed exit, and so does the database',
  async () => {
    const server = start({ WORKERS: '2' });
    await server.ready();

    server.child.kill('SIGKILL');
    await server.exited;

    await until('all to be gone', () => servers.others().length === 0, 15_000);
    expect(servers.others()).toEqual([]);
  },
  WAIT_MS,
);

test(
  'a signal to all processes at once lets the workers finish requests in flight',
  async () => {
    const server = start({ WORKERS: '2' });
    const url = new URL(await server.ready());
    const body = JSON.stringify({ query: '{ __typename }' });
    const buyer = connect(Number(url.port), url.hostname);
    let received = '';
    buyer.on('data', (chunk: Buffer) => (received += chunk.toString()));
    buyer.write(
      `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    );
    await until('its connection', async () => (await statusOf(`${url.origin}/readyz`)) === 200);

    for (const pid of [...workersOf(server), server.child.pid!]) {
      process.kill(pid, 'SIGINT');
    }
    await until('the stop', () => server.out().includes('Stopping'));
    buyer.write(body.slice(5));

    expect(await server.exited).toBe(0);
    expect(received).toContain('"__typename":"Query"');
  },
  WAIT_MS,
);

/** The worker processes of a server. */
const workersOf = ({ child }: Running): number[] => childrenOf(child.pid!).filter(isServer);

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => statusLine(pid, 'PPid') === String(parent));
}

const isServer = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('main.js');

function statusLine(pid: number, name: string): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
  } catch {
    return undefined;
  }
}
