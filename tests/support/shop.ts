import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { tables } from '../../mikro-orm.config.ts';
import { openShop, withQueues } from '../../src/open-shop.ts';
import { auditStock } from '../../src/shop/reconciliation/audit-stock.ts';
import { connectDatabase, type Database } from '../../src/postgres/database.ts';
import { transact } from '../../src/postgres/transaction.ts';
import { BusyFault } from '../../src/lib/faults.ts';
import { silentLog, type Logger } from '../../src/lib/log.ts';
import type { LiveShop } from '../../src/live/live-shop.ts';
import { countStock } from '../../src/shop/stock/count-stock.ts';
import type { StockCount } from '../../src/shop/stock/stock.rules.ts';
import { createProduct, type NewProduct } from '../../src/shop/stock/create-product.ts';
import { admin, connectionTo, withDatabase } from './test-postgres.ts';

/** A database of its own for one test file, cloned from the migrated template. */
export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** Clones the template; drop it when the file is done. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env['TEST_POSTGRES_URL']!;
  const name = `flash_sale_test_${randomUUID().replaceAll('-', '')}`;
  await admin(server, `create database ${name} template ${process.env['TEST_TEMPLATE']!}`);
  return {
    url: withDatabase(server, name),
    drop: () => admin(server, `drop database if exists ${name} with (force)`),
  };
}

/** What a test may have otherwise than a server has by default. */
export interface TestShopOptions {
  readonly holdTtlMs?: number;
  readonly orderPaymentTtlMs?: number;
  readonly parkedEventTtlMs?: number;
  readonly requireAmount?: boolean;
  readonly endpointPolicy?: LiveShop['endpointPolicy'];
  readonly batchMax?: number;
  readonly queueMax?: number;
  readonly poolMax?: number;
  readonly log?: Logger;
  /** Another guard in place of the shop's own: how a race's twin shows the race. */
  readonly lockStock?: LiveShop['lockStock'];
  readonly lockOrders?: LiveShop['lockOrders'];
}

/** One server's shop, without its ports: what the use cases take. */
export interface OpenShop {
  readonly shop: LiveShop;
  readonly database: Database;
}

/** A shop that a test closes. */
export type TestShop = OpenShop & AsyncDisposable;

const SECRET = 'a hold token secret for tests only, long enough';

/** Opens a shop on a database, as one server would; open two for a race over two servers. */
export async function openTestShop(url: string, options: TestShopOptions = {}): Promise<TestShop> {
  const { log = silentLog, poolMax = 10 } = options;
  const database = await connectDatabase(tables, { connection: connectionTo(url), poolMax, log });
  const settings = {
    holdTtlMs: 120_000,
    orderPaymentTtlMs: 600_000,
    parkedEventTtlMs: 24 * 3600_000,
    requireAmount: false,
    endpointPolicy: { allowHttp: true, allowPrivateNetworks: true },
    holdTokenSecrets: [SECRET],
    batchMax: 500,
    queueMax: 5000,
    ...options,
  };
  const { shop: own, changeNotifier } = openShop({ database }, settings);
  await changeNotifier.start();
  const { lockStock = own.lockStock, lockOrders = own.lockOrders } = options;
  const shop = withQueues({ ...own, lockStock, lockOrders }, settings);
  return {
    shop,
    database,
    async [Symbol.asyncDispose]() {
      await changeNotifier.stop();
      await database.close();
    },
  };
}

/** The shop of a test file or of each test, and the URL of its database for a second server or a SQL session. */
export interface FileShop extends OpenShop {
  readonly url: string;
}

/** The options of a shop, and whether each test has its own. */
type ShopUse = TestShopOptions & { readonly forEachTest?: boolean };

/** Gives the test file one shop on a new database; with `forEachTest` each test has its own. */
export function useShop({ forEachTest, ...options }: ShopUse = {}): FileShop {
  return useShops([options], forEachTest)[0]!;
}

/** The same with the shops of two servers on one new database. */
export function useTwoShops(
  { forEachTest, ...options }: ShopUse = {},
  ofSecond: TestShopOptions = options,
): readonly [FileShop, FileShop] {
  const [one, two] = useShops([options, ofSecond], forEachTest);
  return [one!, two!];
}

function useShops(ofEach: readonly TestShopOptions[], forEachTest = false): FileShop[] {
  const [before, after] = forEachTest ? [beforeEach, afterEach] : [beforeAll, afterAll];
  let made: TestDatabase;
  let opened: TestShop[];
  before(async () => {
    made = await createTestDatabase();
    opened = [];
    for (const options of ofEach) opened.push(await openTestShop(made.url, options));
  });
  after(async () => {
    for (const shop of opened) await shop[Symbol.asyncDispose]();
    await made.drop();
  });
  return ofEach.map((_options, place) => ({
    get shop() {
      return opened[place]!.shop;
    },
    get database() {
      return opened[place]!.database;
    },
    get url() {
      return made.url;
    },
  }));
}

/** Creates a product, by default live and without limits; returns its id. */
export async function makeProduct(
  shop: LiveShop,
  wanted: Partial<NewProduct> = {},
): Promise<number> {
  const product = await transact(shop.database, (tx) =>
    createProduct(tx, {
      name: 'Test Widget',
      description: null,
      price: '29.99',
      currency: 'USD',
      totalStock: 20,
      maxPerHold: 10,
      maxPerCustomer: null,
      saleStartsAt: null,
      saleEndsAt: null,
      imageUrl: null,
      ...wanted,
    }),
  );
  if ('code' in product) throw new Error(product.message);
  return product.id;
}

/**
 * Moves the clock of the shop: redefines the database's `shop_clock()` for all sessions. Negative moves
 * it back; 0 is the true time.
 */
export async function moveClock(database: Database, aheadMs: number): Promise<void> {
  await database.orm.em.getConnection().execute(`
    create or replace function shop_clock() returns timestamptz language sql volatile as $$
      select date_trunc('milliseconds', clock_timestamp() + interval '${aheadMs} milliseconds') $$`);
}

/** A separate SQL session: it takes locks, and reads committed rows. */
export async function openSession(url: string): Promise<pg.Client & AsyncDisposable> {
  const session = new pg.Client({ connectionString: url });
  await session.connect();
  return Object.assign(session, { [Symbol.asyncDispose]: () => session.end() });
}

/** The inconsistencies of one product's stock; empty when every version of the counters adds up. */
export async function findingsOf(shop: LiveShop, productId: number): Promise<readonly string[]> {
  return (await auditStock(shop, productId))!.findings;
}

/** One product's counts, as committed. */
export async function stockOf(shop: LiveShop, productId: number): Promise<StockCount> {
  return (await countStock(shop, [productId]))[0]!;
}

/** Waits until `condition` gives something, looking every few milliseconds; a limit, not a sleep. */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | null | Promise<T | undefined | false | null>,
  limitMs = 20_000,
): Promise<T> {
  const startedAt = performance.now();
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (performance.now() - startedAt > limitMs)
      throw new Error(`Timed out after ${limitMs} ms waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Calls again while the shop is busy, as a caller does: on a slow machine many at once wait too long for a session. */
export async function unlessBusy<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof BusyFault)) throw error;
    }
  }
}
