import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { createHold } from '../src/shop/purchases/create-hold.ts';
import { openDatabase } from '../src/postgres/open-database.ts';
import { openShop } from '../src/open-shop.ts';
import { auditStock } from '../src/shop/reconciliation/audit-stock.ts';
import { now } from '../src/postgres/clock.ts';
import { transact } from '../src/postgres/transaction.ts';
import { Closers } from '../src/lib/closers.ts';
import { BusyFault } from '../src/lib/faults.ts';
import { silentLog } from '../src/lib/log.ts';
import { migrate } from '../src/postgres/migrate/migrate.ts';
import type { Shop } from '../src/shop/shop.ts';
import { createProduct } from '../src/shop/stock/create-product.ts';
import { ratioOf, roundOf, type Ratio, type Series } from './figures.ts';
import { Tally, type Run } from './load.ts';
import { PostgresAlone } from './postgres-alone.ts';
import { ratioTable, resultsOf, seriesTable, whole } from './report.ts';
import { machine, makeBenchFolder } from './server.ts';

/*
 * npm run bench:engine: measures createHold without HTTP, in this process, against a lock per
 * request that does the same work on the same pool, and against Postgres alone. Measured in turn,
 * and audited after each round; it ends with 1 as soon as an answer is unexpected or an audit fails.
 */

const ROUNDS = 7;
const ROUND_MS = 600;
const WARM_UP_MS = 1000;
const STOCK = 10_000_000;

/**
 * The ratios that batching must reach at each number of buyers, and the aims. A session that sends BEGIN
 * and COMMIT with their neighbours made a lock for each request 1.6 times faster, so they are lower than before it.
 */
const BUYERS = [
  { buyers: 25, needed: 14, aim: 20 },
  { buyers: 100, needed: 22, aim: 30 },
  { buyers: 400, needed: 28, aim: 40 },
] as const;
const ALONE = { needed: 0.55, aim: 0.7 } as const;

const WHATS = ['createHold', 'lock per request', 'Postgres alone'] as const;
type What = (typeof WHATS)[number];

interface Engines {
  readonly shop: Shop;
  /** The same shop on the same pool, with batches off. */
  readonly plain: Shop;
  readonly alone: PostgresAlone;
}

let buyersSoFar = 0;

/** Each buyer holds one unit; after the answer the next buyer follows. */
async function closedLoop(
  shop: Shop,
  productId: number,
  { buyers, forMs }: { readonly buyers: number; readonly forMs: number },
): Promise<Run> {
  const keys = randomBytes(8).toString('hex');
  const tally = new Tally('Hold', { forMs });
  const place = async (): Promise<void> => {
    while (!tally.isOver) {
      const buyer = (buyersSoFar += 1);
      const sentAt = performance.now();
      const outcome = await createHold(shop, {
        productId,
        quantity: 1,
        customerId: `buyer ${buyer}`,
        metadata: {},
        idempotencyKey: `key-${keys}-${buyer}`,
      }).then(
        (answer) => ('id' in answer ? 'Hold' : answer.code),
        (error: unknown) => busyOr(error),
      );
      // Only a lock per request may refuse its last waiting request with Busy.
      if (outcome !== 'Hold' && !(outcome === 'Busy' && shop.holdQueues === unbatchedQueues))
        throw new Error(`Unexpected answer: ${outcome}`);
      tally.count(outcome, sentAt);
    }
  };
  await Promise.all(Array.from({ length: buyers }, place));
  return tally.end();
}

let unbatchedQueues: Shop['holdQueues'] | undefined;

function busyOr(error: unknown): 'Busy' {
  if (error instanceof BusyFault) return 'Busy';
  throw error;
}

async function measure(engines: Engines, what: What, buyers: number, forMs: number): Promise<Run> {
  const { shop, plain, alone } = engines;
  const productId = await makeProduct(shop);
  const run =
    what === 'Postgres alone'
      ? await alone.run(productId, buyers, forMs)
      : await closedLoop(what === 'createHold' ? shop : plain, productId, { buyers, forMs });
  const { balanced, held, findings } = (await auditStock(shop, productId))!;
  const answered = run.outcomes['Hold'] ?? 0;
  if (!balanced || held !== answered)
    throw new Error(
      `Audit of ${what} failed: ${held} held, ${answered} answered; ${findings.join(' ')}`,
    );
  return run;
}

async function makeProduct(shop: Shop): Promise<number> {
  const product = await transact(shop.database, (tx) =>
    createProduct(tx, {
      name: 'Hot product',
      description: null,
      price: '29.99',
      currency: 'USD',
      totalStock: STOCK,
      maxPerHold: 10,
      maxPerCustomer: 10,
      saleStartsAt: null,
      saleEndsAt: null,
      imageUrl: null,
    }),
  );
  if ('code' in product) throw new Error(product.message);
  return product.id;
}

async function runAll(engines: Engines): Promise<Series[]> {
  const series: Series[] = BUYERS.flatMap(({ buyers }) =>
    WHATS.map((what) => ({ what, buyers, rounds: [] })),
  );
  for (const what of WHATS) await measure(engines, what, 100, WARM_UP_MS);
  for (let number = 1; number <= ROUNDS; number += 1) {
    // Every other round runs in reverse, so that no measurement always follows the same one.
    const order = number % 2 === 1 ? series : series.toReversed();
    for (const { what, buyers, rounds } of order) {
      rounds.push(roundOf(await measure(engines, what as What, buyers, ROUND_MS), 'Hold'));
    }
    const rates = series.map(
      ({ what, buyers, rounds }) => `${what} at ${buyers} ${whole(rounds.at(-1)!.rate)}`,
    );
    console.log(`round ${number} of ${ROUNDS}: ${rates.join(' · ')}`);
  }
  return series;
}

function ratiosOf(series: readonly Series[]): Ratio[] {
  const rates = (what: What, buyers: number): number[] =>
    series
      .find((one) => one.what === what && one.buyers === buyers)!
      .rounds.map(({ rate }) => rate);
  const against = (what: What, buyers: number) =>
    ratioOf(rates('createHold', buyers), rates(what, buyers));
  return [
    ...BUYERS.map(({ buyers, ...limits }) => ({
      what: `createHold / lock per request, ${buyers} buyers`,
      ...limits,
      reached: against('lock per request', buyers),
    })),
    ...BUYERS.map(({ buyers }) => ({
      what: `createHold / Postgres alone, ${buyers} buyers`,
      ...ALONE,
      reached: against('Postgres alone', buyers),
    })),
  ];
}

async function main(dataDir: string, closers: Closers): Promise<void> {
  const { database, embeddedUrl } = await openDatabase(
    { connection: undefined, dataDir, poolMax: 10 },
    { log: silentLog, closers, share: false },
  );
  await migrate(database);
  const open = async (batchMax: number): Promise<Shop> => {
    const { shop, changeNotifier } = openShop(
      { database },
      {
        holdTtlMs: 86_400_000,
        orderPaymentTtlMs: 600_000,
        parkedEventTtlMs: 86_400_000,
        requireAmount: false,
        endpointPolicy: { allowHttp: true, allowPrivateNetworks: true },
        holdTokenSecrets: ['a hold token secret for the benchmark only'],
        batchMax,
        queueMax: 5000,
      },
    );
    await changeNotifier.start();
    closers.push('change notifications', () => changeNotifier.stop());
    return shop;
  };
  const engines = {
    shop: await open(500),
    plain: await open(1),
    alone: await PostgresAlone.connect(embeddedUrl!),
  };
  closers.push('Postgres alone', () => engines.alone.end());
  unbatchedQueues = engines.plain.holdQueues;

  const date = (await now(database)).toISOString();
  console.log(`${machine()}; warming up`);
  const series = await runAll(engines);
  const ratios = ratiosOf(series);
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  const results = { date, machine: machine(), ...resultsOf(series, ratios) };
  writeFileSync(join(folder, 'engine.json'), `${JSON.stringify(results, null, 2)}\n`);
  console.log(`\n${seriesTable(series)}\n\n${ratioTable(ratios)}`);
}

const folder = makeBenchFolder();
const closers = new Closers();
try {
  await main(folder, closers);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await closers.close();
  rmSync(folder, { recursive: true, force: true });
}
