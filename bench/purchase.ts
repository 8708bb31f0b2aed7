import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { spreadOf, type Series } from './figures.ts';
import { reconcile, serverTime } from './operations.ts';
import { svgOf } from './plot.ts';
import { WEBHOOK_SECRET } from './purchase-operations.ts';
import {
  HOLDS_BESIDE,
  ratiosOf,
  seriesOf,
  WEBHOOKS_BESIDE,
  type Sales,
} from './purchase-ratios.ts';
import {
  BESIDE,
  measure,
  measureBeside,
  measureSale,
  subjectsOn,
  type Amount,
  type Servers,
  type Subject,
} from './purchase-subjects.ts';
import { ratioTable, resultsOf, seriesTable, whole } from './report.ts';
import { machine, startBenchServer } from './server.ts';

/*
 * npm run bench:purchase: every call of a purchase over HTTP, on one hot product, against the product
 * query on stock Apollo and express, against batches of one, and holds beside payments. Measured in
 * turn, several short rounds of each. Each product is audited after its round, both servers are
 * reconciled. It ends with 1 as soon as an answer is unexpected or rows disagree.
 *
 * `npm run bench:purchase -- short` tries everything in one small round and stores no results.
 */

const IS_SHORT = process.argv.includes('short');

const ROUNDS = IS_SHORT ? 1 : 5;
const SALE_UNITS = IS_SHORT ? 1000 : 10_000;

/** One buyer makes some hundred calls a second, all together some thousand. */
const ALONE: Amount = { forMs: IS_SHORT ? 200 : 400, requests: IS_SHORT ? 60 : 200 };
const TOGETHER: Amount = { forMs: IS_SHORT ? 300 : 800, requests: IS_SHORT ? 500 : 3000 };
const WARM_UP: Amount = { forMs: 500, requests: IS_SHORT ? 300 : 1500 };
const WARM_UP_SINGLE: Amount = { forMs: 500, requests: IS_SHORT ? 200 : 500 };

/** No hold or order expires during the run. */
const SETTINGS = {
  HOLD_TTL_SECONDS: '86400',
  ORDER_PAYMENT_TTL_SECONDS: '86400',
  PAYMENT_WEBHOOK_SECRETS: WEBHOOK_SECRET,
};

interface Measured {
  readonly series: Series[];
  readonly sales: Sales;
}

/** One round of everything; every other round in reverse, so that no subject always follows the same one. */
async function round(
  number: number,
  subjects: readonly Subject[],
  { shop, single }: Servers,
  { series, sales }: Measured,
): Promise<void> {
  const order = number % 2 === 1 ? subjects : subjects.toReversed();
  for (const subject of order) {
    const amount = subject.buyers === 1 ? ALONE : TOGETHER;
    const { rounds } = seriesOf(series, subject.what, subject.buyers);
    rounds.push(await measure(subject, amount));
  }
  const { holds, payments } = await measureBeside(shop, TOGETHER);
  seriesOf(series, HOLDS_BESIDE, BESIDE.buyers).rounds.push(holds);
  seriesOf(series, WEBHOOKS_BESIDE, BESIDE.payments).rounds.push(payments);
  const { saleMs, emptyMs } = await measureSale(shop, SALE_UNITS);
  sales.saleMs.push(saleMs);
  sales.emptyMs.push(emptyMs);
  await reconcile(shop);
  await reconcile(single);
  console.log(
    `round ${number} of ${ROUNDS}: sale of ${whole(SALE_UNITS)} units ${whole(saleMs)} ms, ${whole(3 * SALE_UNITS)} empty queries ${whole(emptyMs)} ms`,
  );
}

/** The bars of the plot: series, connections and label. */
const PLOTTED = [
  ['createHold', 100, 'createHold'],
  ['createOrder', 100, 'createOrder'],
  ['webhook', 50, 'webhook'],
  ['releaseHold', 100, 'releaseHold'],
  ['cancelOrder', 100, 'cancelOrder'],
  ['order query', 100, 'order query'],
  ['whole purchase', 100, 'purchase'],
  ['product, stock Apollo + express', 100, 'stock product'],
] as const;

function write(series: Series[], date: string, results: object): void {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'purchase.json'), `${JSON.stringify(results, null, 2)}\n`);
  const bars = PLOTTED.map(([what, buyers], of) => ({
    of,
    rate: spreadOf(seriesOf(series, what, buyers), 'rate'),
  }));
  writeFileSync(
    join(folder, 'purchase.svg'),
    svgOf({
      title: 'Calls of a purchase a second, one hot product',
      subtitle: `${machine()}, ${date.slice(0, 10)}; medians of ${ROUNDS} rounds, lines from least to most`,
      nameOf: (group) => PLOTTED[group]![2],
      kinds: [{ label: '100 buyers, webhooks on 50 connections', series: bars }],
    }),
  );
}

/** Runs each call on each server once before the rounds, the server with batches of one with fewer requests. */
async function warmUp(subjects: readonly Subject[], { single }: Servers): Promise<void> {
  for (const subject of subjects) {
    if (subject.server === single) await measure({ ...subject, buyers: 25 }, WARM_UP_SINGLE);
    else if (subject.buyers > 1) await measure(subject, WARM_UP);
  }
}

async function main(servers: Servers): Promise<void> {
  const load = loadavg()[0]!.toFixed(1);
  const date = await serverTime(servers.shop);
  console.log(`${machine()}; load average before the run ${load}; warming up`);
  const subjects = await subjectsOn(servers);
  await warmUp(subjects, servers);
  const measured: Measured = { series: [], sales: { saleMs: [], emptyMs: [] } };
  for (let number = 1; number <= ROUNDS; number += 1)
    await round(number, subjects, servers, measured);
  const { series, sales } = measured;
  const ratios = ratiosOf(series, sales);
  if (!IS_SHORT)
    write(series, date, {
      date,
      machine: machine(),
      loadBefore: Number(load),
      sales,
      ...resultsOf(series, ratios),
    });
  console.log(`\n${seriesTable(series)}\n\nCPU is that of one request.\n\n${ratioTable(ratios)}`);
}

const [shop, single, stock] = await Promise.all([
  startBenchServer(SETTINGS),
  startBenchServer({ ...SETTINGS, HOLD_BATCH_MAX: '1' }),
  startBenchServer(SETTINGS, { file: join(import.meta.dirname, 'reference-server.ts') }),
]);
try {
  await main({ shop, single, stock });
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await Promise.all([shop, single, stock].map((server) => server.stop()));
}
