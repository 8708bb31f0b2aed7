import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { PRODUCTION_SETTINGS } from '../tests/support/hostile-endpoints.ts';
import { Attack } from './attack.ts';
import type { AttackReport, Target } from './attackers.ts';
import { OpenLoop } from './open-loop.ts';
import { ratioOf, roundOf, spread, type Ratio, type Series } from './figures.ts';
import { besideHeavyDocuments } from './heavy.ts';
import { Buyers, type Run } from './load.ts';
import { watchMemory } from './memory.ts';
import { audit, createHold, makeProduct, serverTime } from './operations.ts';
import { ratioTable, resultsOf, seriesTable, whole } from './report.ts';
import { askAsAdmin, machine, median, startBenchServer, type BenchServer } from './server.ts';

/*
 * npm run bench:hostile: measures a sale, in turn alone and beside the hostile corpus of the tests, which comes
 * over HTTP, websocket and the webhook from another process; then beside heavy documents only
 * (heavy.ts; `npm run bench:hostile -- heavy` measures only that part). The server
 * has production settings. It ends with 1 as soon as a hostile request gets a 5xx answer other than 503,
 * a buyer gets anything but a hold, or an audit fails.
 */

const STOCK = 10_000_000;

/** Beside each window the whole corpus is sent once, evenly over the time. */
const WINDOW_MS = 15_000;

/** A fixed rate far below the server's capacity, so that response times contain no queueing. */
const STEADY = { rounds: 7, perSecond: 200, connections: 50 } as const;

/** Each buyer sends the next request when the last is answered: the server's full capacity. */
const FULL = { rounds: 3, buyers: 100 } as const;

const WEBHOOK_SECRET = `whsec_${Buffer.from('a webhook secret of the benchmark only').toString('base64')}`;

const SETTINGS = {
  ...PRODUCTION_SETTINGS,
  PAYMENT_WEBHOOK_SECRETS: WEBHOOK_SECRET,
  // No hold expires during the run, so that no sweep disturbs it.
  HOLD_TTL_SECONDS: '86400',
};

/** A sale of one product and its measurements. */
interface Sale {
  readonly productId: string;
  readonly alone: Series;
  readonly beside: Series;
  window(): Promise<Run>;
  held: number;
}

/** The attack's report for each window. */
const attacks: AttackReport[] = [];
const residentMbs: number[] = [];

/** Measures one window, beside the attack where one is given. */
async function window(server: BenchServer, sale: Sale, attack?: Attack): Promise<void> {
  const { result, residentMbs: megabytes } = await watchMemory(server.pid, () =>
    Promise.all([sale.window(), attack?.run(WINDOW_MS)]),
  );
  const [run, report] = result;
  sale.held += run.outcomes['Hold'] ?? 0;
  (report === undefined ? sale.alone : sale.beside).rounds.push(roundOf(run, 'Hold'));
  if (report === undefined) return;
  attacks.push(report);
  residentMbs.push(median(megabytes));
  throwOnFaults([report]);
}

/** @throws Error where any answer is a fault */
function throwOnFaults(reports: readonly AttackReport[]): void {
  for (const { answers } of reports) {
    const isFaulty = Object.keys(answers).some(isFault);
    if (isFaulty) throw new Error(`The server answered with a fault: ${JSON.stringify(answers)}`);
  }
}

/** A 5xx other than the intended 503, or a socket closed because of an internal error. */
function isFault(status: string): boolean {
  return /^5\d\d$/.test(status) ? status !== '503' : Number(status) >= 4500;
}

/** Measures the sale in turn alone and beside the attack. */
async function alternate(
  server: BenchServer,
  attack: Attack,
  { sale, rounds }: { readonly sale: Sale; readonly rounds: number },
): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    const order = [undefined, attack];
    for (const one of round % 2 === 1 ? order : order.toReversed()) await window(server, sale, one);
    const figures = [sale.alone, sale.beside].map(({ what, rounds: [...all] }) => {
      const { rate, p50Ms, p99Ms } = all.at(-1)!;
      return `${what}: ${whole(rate)} a second, p50 ${p50Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms`;
    });
    const { sent, tookMs } = attacks.at(-1)!;
    console.log(
      `round ${round} of ${rounds}: ${figures.join(' · ')} · ${whole((sent * 1000) / tookMs)} hostile requests a second · memory ${whole(residentMbs.at(-1)!)} MB`,
    );
  }
  await audit(server, sale.productId, sale.held);
}

const newSale = (
  what: string,
  buyers: number,
  { productId, window }: Pick<Sale, 'productId' | 'window'>,
): Sale => ({
  productId,
  window,
  alone: { what, buyers, rounds: [] },
  beside: { what: `${what}, beside the corpus`, buyers, rounds: [] },
  held: 0,
});

const MAKE = `mutation ($totalStock: Int!) { createProduct(input: {
  name: "Attacked", price: "1.00", currency: "USD", totalStock: $totalStock }) { id } }`;

const HOLD = `mutation ($id: ID!) { createHold(input: { productId: $id }) { ... on Hold { token } } }`;

/** The secrets and ids for the attackers: the server's address, two products, one buyer's token. */
async function targetOf(server: BenchServer): Promise<Target> {
  const [toBuy, toChange] = await Promise.all(
    [1000, 20].map(async (totalStock) => {
      const made = await askAsAdmin<CreatedProduct>(server, MAKE, { totalStock });
      return made.createProduct.id;
    }),
  );
  const { createHold: hold } = await askAsAdmin<CreatedHold>(server, HOLD, { id: toBuy });
  return {
    url: server.url,
    adminToken: server.adminToken,
    webhookSecret: WEBHOOK_SECRET,
    holdToken: hold.token,
    products: { toBuy: toBuy!, toChange: toChange! },
  };
}

interface CreatedProduct {
  readonly createProduct: { readonly id: string };
}

interface CreatedHold {
  readonly createHold: { readonly token: string };
}

async function main(server: BenchServer, attack: Attack): Promise<void> {
  const load = loadavg()[0]!.toFixed(1);
  const date = await serverTime(server);
  console.log(`${machine()}; load average before the run ${load}; warming up`);
  const [slow, fast] = [await makeProduct(server, STOCK), await makeProduct(server, STOCK)];
  const steady = newSale('200 holds a second', STEADY.connections, {
    productId: slow,
    async window() {
      const openLoop = await OpenLoop.connect(server.url, STEADY.connections);
      const offer = { perSecond: STEADY.perSecond, forMs: WINDOW_MS };
      return openLoop.run(createHold(slow), offer).finally(() => openLoop.close());
    },
  });
  // This warm-up window fills the caches of documents, statements and compiled code.
  await window(server, steady, attack);
  steady.beside.rounds.pop();
  await alternate(server, attack, { sale: steady, rounds: STEADY.rounds });
  const full = newSale('holds at full speed', FULL.buyers, {
    productId: fast,
    async window() {
      const buyers = await Buyers.connect(server.url, FULL.buyers);
      return buyers.run(createHold(fast), { forMs: WINDOW_MS }).finally(() => buyers.close());
    },
  });
  await alternate(server, attack, { sale: full, rounds: FULL.rounds });
  report({ steady, full }, { date, loadBefore: Number(load) });
}

function report(
  { steady, full }: { readonly steady: Sale; readonly full: Sale },
  run: { readonly date: string; readonly loadBefore: number },
): void {
  const of = ({ rounds }: Series, figure: 'rate' | 'p50Ms' | 'p99Ms') =>
    rounds.map((round) => round[figure]);
  const between = (sale: Sale, figure: 'rate' | 'p50Ms' | 'p99Ms') =>
    ratioOf(of(sale.beside, figure), of(sale.alone, figure));
  const ratios: Ratio[] = [
    {
      what: 'p99 of 200 holds a second beside the corpus / alone',
      needed: 2,
      atMost: true,
      reached: between(steady, 'p99Ms'),
    },
    {
      what: 'p99 of holds at full speed beside the corpus / alone',
      needed: 2,
      atMost: true,
      reached: between(full, 'p99Ms'),
    },
    {
      // Memory grows to its working size during the first windows, so they do not count.
      what: 'memory in the last window of 200 holds a second beside the corpus / in the fourth',
      needed: 1.1,
      atMost: true,
      reached: spread([residentMbs[STEADY.rounds]! / residentMbs[4]!]),
    },
  ];
  const answers: Record<string, number> = {};
  for (const [status, count] of attacks.flatMap((one) => Object.entries(one.answers)))
    answers[status] = (answers[status] ?? 0) + count;
  const attack = {
    requests: attacks[0]!.sent,
    perSecond: Math.round(median(attacks.map(({ sent, tookMs }) => (sent * 1000) / tookMs))),
    windows: attacks.length,
    answers,
  };
  const series = [steady, full].flatMap(({ alone, beside }) => [alone, beside]);
  write('hostile', { ...run, machine: machine(), attack, ...resultsOf(series, ratios) });
  console.log(
    `\n${seriesTable(series)}\n\n${ratioTable(ratios)}\n\n${JSON.stringify(attack)}; memory ${residentMbs.map(whole).join(' ')} MB`,
  );
}

/** Measures, keeps and prints holds beside heavy documents. */
async function reportHeavy(server: BenchServer, attack: Attack): Promise<void> {
  const run = { date: await serverTime(server), loadBefore: Number(loadavg()[0]!.toFixed(1)) };
  const { series, ratios, reports } = await besideHeavyDocuments(server, attack);
  throwOnFaults(reports);
  write('heavy', { ...run, machine: machine(), ...resultsOf(series, ratios) });
  console.log(`${machine()}\n\n${seriesTable(series)}\n\n${ratioTable(ratios)}`);
}

function write(name: 'hostile' | 'heavy', results: object): void {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`);
}

const server = await startBenchServer(SETTINGS);
try {
  const attack = await Attack.on(await targetOf(server));
  if (!process.argv.includes('heavy')) await main(server, attack);
  await reportHeavy(server, attack);
  await attack.close();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await server.stop();
}
