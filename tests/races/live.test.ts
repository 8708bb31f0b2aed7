import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { updateProduct } from '../../src/shop/catalog/update-product.ts';
import { transact } from '../../src/postgres/transaction.ts';
import type { Shop } from '../../src/shop/shop.ts';
import {
  findStockedProducts,
  isOlder,
  type StockedProduct,
} from '../../src/shop/stock/find-stocked.ts';
import { StockFeed } from '../../src/live/stock-feed.ts';
import type { StockCount } from '../../src/shop/stock/stock.rules.ts';
import * as buyer from '../support/buyer.ts';
import { ask, CREATE_HOLD, CREATE_ORDER, RELEASE_HOLD } from '../support/graphql-client.ts';
import { ROOT } from '../support/project.ts';
import { deliver, success } from '../support/provider.ts';
import { ADMIN_TOKEN, startTestServer, type TestServer } from '../support/server.ts';
import {
  createTestDatabase,
  findingsOf,
  makeProduct,
  openTestShop,
  stockOf,
  until,
  type TestDatabase,
  type TestShop,
} from '../support/shop.ts';
import { openSocket, type Received, type SocketClient } from '../support/socket-client.ts';

const STOCK = `subscription ($ids: [ID!]!) { stockChanged(productIds: $ids) {
  id availableStock heldStock soldStock totalStock stockVersion } }`;

interface Stock {
  readonly id: string;
  readonly availableStock: number;
  readonly heldStock: number;
  readonly soldStock: number;
  readonly totalStock: number;
  readonly stockVersion: number;
}

/** The third server: a separate process, so that the test can kill it. */
async function startProcess(databaseUrl: string) {
  const child = spawn(process.execPath, ['--import', '@oxc-node/core/register', 'src/main.ts'], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      DATABASE_URL: databaseUrl,
      ADMIN_TOKEN,
      HOLD_TOKEN_SECRETS: 'a hold token secret for test servers and long enough',
      SEED_DEMO: 'false',
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const ready = /GraphQL (http:\S+)\/graphql/.exec(line);
      if (ready !== null) resolve(ready[1]!);
    });
    child.once('exit', () => reject(new Error('It ended before it was ready.')));
  });
  return {
    url,
    async kill() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** Some of everything that moves units: holds that stay, releases, orders, payments. */
async function buy(url: string, productId: string, turn: number): Promise<void> {
  const made = await ask(url, CREATE_HOLD, { input: { productId } });
  if (made.token === undefined || turn % 4 === 0) return;
  if (turn % 4 === 1) return void (await ask(url, RELEASE_HOLD, { token: made.token }));
  await ask(url, CREATE_ORDER, { token: made.token });
  if (turn % 4 === 2) await deliver(url, success(made.orderId));
}

/** Keeps buyers busy at every server until it is stopped. */
function keepBuying(urls: readonly string[], productIds: readonly string[]) {
  const alive = new Set(urls);
  let bought = 0;
  let goesOn = true;
  const buyer = async (number: number): Promise<void> => {
    for (let turn = number; goesOn; turn += 1) {
      const url = [...alive][turn % alive.size]!;
      // A request to a killed server has an unknown outcome.
      await buy(url, productIds[turn % productIds.length]!, turn).catch((error: unknown) => {
        if (alive.has(url)) throw error;
      });
      bought += 1;
    }
  };
  const buyers = Promise.all(Array.from({ length: 12 }, (_, number) => buyer(number)));
  return {
    /** Waits until this number of further buyers have bought. */
    more: (count: number) => {
      const enough = bought + count;
      return until('buyers', () => bought >= enough, 20_000);
    },
    leave: (url: string) => void alive.delete(url),
    async stop() {
      goesOn = false;
      await buyers;
    },
  };
}

/** The database sessions of the change notifications. */
const listeningSessions = async ({ database }: TestServer): Promise<number[]> =>
  (
    await database.rows<{ pid: number }>(
      "select pid from pg_stat_activity where application_name = 'flash-sale notices' and datname = current_database()",
      [],
    )
  ).map(({ pid }) => pid);

/** Kills every server's listening session, and waits for as many new ones. */
async function killListeners(server: TestServer): Promise<void> {
  const before = await listeningSessions(server);
  await server.database.rows('select pg_terminate_backend(pid) from unnest($1::int[]) pid', [
    before,
  ]);
  await until('new listeners', async () => {
    const now = await listeningSessions(server);
    return now.length >= before.length && now.every((pid) => !before.includes(pid));
  });
}

const shown = ({ version, total, available, held, sold }: StockCount) => ({
  stockVersion: version,
  totalStock: total,
  availableStock: available,
  heldStock: held,
  soldStock: sold,
});

test('over three servers, with connections cut twice and one server killed, 300 subscribers end on the database’s value and no version decreases', async () => {
  const settings = { PAYMENT_WEBHOOK_SECRETS: '' };
  await using first = await startTestServer(settings);
  await using second = await startTestServer({ ...settings, DATABASE_URL: first.databaseUrl });
  const third = await startProcess(first.databaseUrl);
  const urls = [first.url, second.url, third.url];
  const productIds = [
    String(await makeProduct(first.shop, { totalStock: 100_000 })),
    String(await makeProduct(first.shop, { totalStock: 60 })),
  ];
  const sockets: SocketClient[] = [];
  const messages: { readonly url: string; readonly stream: Received<Stock> }[] = [];
  for (let number = 0; number < 150; number += 1) {
    const url = urls[number % 3]!;
    const socket = await openSocket(`${url.replace('http', 'ws')}/graphql`);
    sockets.push(socket);
    for (const ids of [productIds, [productIds[number % 2]!]])
      messages.push({ url, stream: socket.subscribe<Stock>(STOCK, { ids }) });
  }

  const buying = keepBuying(urls, productIds);
  await buying.more(100);
  await killListeners(first);
  await buying.more(100);
  await killListeners(first);
  await buying.more(50);
  buying.leave(third.url);
  await third.kill();
  await buying.more(100);
  await buying.stop();
  const committed = new Map<string, object>();
  for (const id of productIds) committed.set(id, shown(await stockOf(first.shop, Number(id))));

  const survivors = messages.filter(({ url }) => url !== third.url);
  for (const { stream } of survivors) {
    for (const id of new Set(stream.values.map((value) => value.id))) {
      const last = await until('the newest', () => {
        const newest = stream.values.findLast((value) => value.id === id)!;
        const { stockVersion } = committed.get(id) as Stock;
        return newest.stockVersion >= stockVersion ? newest : undefined;
      });
      expect(last).toEqual({ id, ...committed.get(id) });
    }
  }
  for (const { stream } of messages) {
    expect(stream.values.length).toBeGreaterThan(1);
    for (const id of productIds) {
      const versions = stream.values.filter((value) => value.id === id).map((v) => v.stockVersion);
      expect(versions).toEqual([...new Set(versions)].toSorted((one, other) => one - other));
    }
    for (const { availableStock, heldStock, soldStock, totalStock } of stream.values)
      expect(availableStock + heldStock + soldStock).toBe(totalStock);
  }
  expect(survivors).toHaveLength(200);
  for (const id of productIds) expect(await findingsOf(first.shop, Number(id))).toEqual([]);
  for (const socket of sockets) await socket[Symbol.asyncDispose]();
}, 90_000);

describe('products read at the same time', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(() => database.drop());

  /**
   * Sells a unit and renames the product while a read that began before is slow to arrive: what a
   * subscriber receives of both reads.
   */
  async function receivedOf(
    open: (
      read: typeof findStockedProducts,
      shop: Shop,
      receive: (product: StockedProduct) => void,
    ) => { load(ids: readonly number[]): Promise<unknown>; close(): void },
    productId: number,
    { shop, database: at }: TestShop,
  ): Promise<StockedProduct[]> {
    const received: StockedProduct[] = [];
    const arrived = Promise.withResolvers<void>();
    const mayEnd = Promise.withResolvers<void>();
    let reads = 0;
    const read: typeof findStockedProducts = async (from, ids) => {
      reads += 1;
      const isSlow = reads === 2;
      const products = await findStockedProducts(from, ids);
      if (isSlow) arrived.resolve();
      if (isSlow) await mayEnd.promise;
      return products;
    };
    const reader = open(read, shop, (product) => received.push(product));
    await reader.load([productId]);

    await buyer.ask(shop, productId);
    const slow = reader.load([productId]);
    await arrived.promise;
    await buyer.ask(shop, productId);
    await transact(at, (tx) => updateProduct(shop, tx, { id: productId, name: 'Renamed' }));
    const fast = reader.load([productId]);
    // With the guard on, the second read begins only after the slow one has ended.
    if (open === unguarded) await fast;
    mayEnd.resolve();
    await Promise.all([slow, fast]);
    await until('the newest', () => received.some(({ name }) => name === 'Renamed'));
    reader.close();
    return received;
  }

  type Open = Parameters<typeof receivedOf>[0];

  const guarded: Open = (read, shop, receive) => {
    const feed = new StockFeed((ids) => read(shop, ids));
    const leave: (() => void)[] = [];
    return {
      load(ids) {
        if (leave.length === 0) leave.push(...ids.map((id) => feed.subscribe(id, receive)));
        return feed.load(ids);
      },
      close: () => leave.forEach((end) => end()),
    };
  };

  const unguarded: Open = (read, shop, receive) => ({
    load: async (ids) => (await read(shop, ids)).forEach(receive),
    close() {},
  });

  const falls = (values: readonly StockedProduct[]): boolean =>
    values.some((value, position) => position > 0 && isOlder(value, values[position - 1]!));

  test('arrive in the order of their snapshots: neither version nor time of change decreases', async () => {
    await using here = await openTestShop(database.url);
    const received = await receivedOf(guarded, await makeProduct(here.shop), here);

    expect(received.length).toBeGreaterThan(1);
    expect(falls(received)).toBe(false);
  });

  test('without serial reads, an older snapshot arrives later and both decrease', async () => {
    await using here = await openTestShop(database.url);
    const received = await receivedOf(unguarded, await makeProduct(here.shop), here);

    expect(falls(received)).toBe(true);
  });
});
