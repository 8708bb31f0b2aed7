import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { withLanes } from '../../src/open-shop.ts';
import { refreshStockFeed } from '../../src/stock/count-stock.ts';
import { StockFeed } from '../../src/stock/stock-feed.ts';
import type { StockCount } from '../../src/stock/stock.rules.ts';
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
} from '../support/shop.ts';
import { openSocket, type Heard, type SocketClient } from '../support/socket-client.ts';

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

/** The third server: a process of its own, so that it can be killed in the middle of everything. */
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
      // What a killed server was asked is neither done nor not done.
      await buy(url, productIds[turn % productIds.length]!, turn).catch((error: unknown) => {
        if (alive.has(url)) throw error;
      });
      bought += 1;
    }
  };
  const buyers = Promise.all(Array.from({ length: 12 }, (_, number) => buyer(number)));
  return {
    /** Waits until so many more have bought. */
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

/** The database sessions on which servers hear each other. */
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

test('over three servers, their listeners killed twice and one server killed, 300 subscribers end on the database’s value and no version falls', async () => {
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
  const heard: { readonly url: string; readonly stream: Heard<Stock> }[] = [];
  for (let number = 0; number < 150; number += 1) {
    const url = urls[number % 3]!;
    const socket = await openSocket(`${url.replace('http', 'ws')}/graphql`);
    sockets.push(socket);
    for (const ids of [productIds, [productIds[number % 2]!]])
      heard.push({ url, stream: socket.subscribe<Stock>(STOCK, { ids }) });
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

  const survivors = heard.filter(({ url }) => url !== third.url);
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
  for (const { stream } of heard) {
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

describe('counts of one’s own commits and counts read for another server’s', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(() => database.drop());

  /** Sells at two servers, the first of which tells this feed; the versions it told, until `isEnough`. */
  async function sellUntil(feed: StockFeed, isEnough: (versions: readonly number[]) => boolean) {
    await using here = await openTestShop(database.url);
    await using there = await openTestShop(database.url);
    const productId = await makeProduct(here.shop, { totalStock: 1_000_000 });
    const shop = withLanes(
      { ...here.shop, announceStock: (count) => feed.publish(count) },
      { HOLD_BATCH_MAX: 1, HOLD_QUEUE_MAX: 1000 },
    );
    const versions: number[] = [];
    const leave = feed.subscribe(productId, ({ version }) => versions.push(version));
    const refresh = (): Promise<void> =>
      refreshStockFeed({ database: here.database, stockFeed: feed }, [productId]);
    await until('enough', async () => {
      await Promise.all([
        ...[shop, there.shop, shop, there.shop].map((at) => buyer.ask(at, productId)),
        refresh(),
        refresh(),
      ]);
      return isEnough(versions);
    });
    await refresh();
    const { version } = await stockOf(here.shop, productId);
    await until('the newest', () => versions.at(-1) === version);
    leave();
    return versions;
  }

  const falls = (versions: readonly number[]): boolean =>
    versions.some((version, position) => position > 0 && version < versions[position - 1]!);

  test('told to one feed in any order, they never make a version fall', async () => {
    const versions = await sellUntil(new StockFeed(), ({ length }) => length >= 20);

    expect(versions).toEqual([...new Set(versions)].toSorted((one, other) => one - other));
  });

  test('without the comparison of versions, a count that was read before and comes after makes it fall', async () => {
    const listeners = new Set<(count: StockCount) => void>();
    const unguarded: Pick<StockFeed, 'publish' | 'subscribe' | 'watched'> = {
      publish: (count) => listeners.forEach((listener) => listener(count)),
      subscribe: (productId, listener) => {
        watched = productId;
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      watched: () => [watched],
    };
    let watched = 0;

    const versions = await sellUntil(unguarded as StockFeed, falls);

    expect(falls(versions)).toBe(true);
  });
});
