import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { cpuSeconds } from '../src/rehearsal/cpu.ts';
import { roundOf, spreadOf, type Series } from './figures.ts';
import { Buyers, type Extent, type Operation, type Run } from './load.ts';
import { audit, createHold, EMPTY, makeProduct, productQuery, serverTime } from './operations.ts';
import { svgOf } from './plot.ts';
import { ratiosOf, seriesOf, WHATS, type SellOut, type What } from './ratios.ts';
import { ratioTable, resultsOf, seriesTable, whole } from './report.ts';
import { machine, startBenchServer, type BenchServer } from './server.ts';

/**
 * npm run bench: the load limit of one hot product over HTTP, against an empty request, against a lock per
 * request, and against the same schema on stock Apollo and express. Everything is measured in turn,
 * several short rounds of each, so that other work of the machine affects all of them. It ends with 1
 * as soon as one answer is unexpected or one audit fails.
 */

const ROUNDS = 5;
const BUYERS = [100, 1, 25, 400] as const;
/** Most ratios are taken at a hundred buyers, so these rounds are longer. */
const roundMs = (buyers: number): number => (buyers === 100 ? 800 : 400);
const WARM_UP_MS = 1000;
const STOCK = 1_000_000;
const SELL_OUT = { units: 1000, attempts: 10_000, buyers: 100 } as const;

/** Holds outlive the run, so that no sweep of an earlier round's holds disturbs a later one. */
const SETTINGS = { HOLD_TTL_SECONDS: '86400' };

/** What is measured: the server and its requests. */
interface Subject {
  readonly what: string;
  readonly server: BenchServer;
  /** The preparation of one round; `check` verifies its result. */
  readonly prepare: () => Promise<{ operation: Operation; check?: (run: Run) => Promise<void> }>;
}

/** Holds of a product of the round's own, audited when the round is over. */
function holds(what: What, server: BenchServer, refusals: readonly string[] = []): Subject {
  const prepare = async () => {
    const productId = await makeProduct(server, STOCK);
    const check = (run: Run) => audit(server, productId, run.outcomes['Hold'] ?? 0);
    return { operation: createHold(productId, refusals), check };
  };
  return { what, server, prepare };
}

function reads(what: What, server: BenchServer, operation: Operation): Subject {
  return { what, server, prepare: async () => ({ operation }) };
}

async function measure({ server, prepare }: Subject, buyers: number, extent: Extent) {
  const { operation, check } = await prepare();
  const connected = await Buyers.connect(server.url, buyers);
  try {
    const before = cpuSeconds(server.pid);
    const run = await connected.run(operation, extent);
    const after = cpuSeconds(server.pid);
    await check?.(run);
    return { run, round: roundOf(run, operation.served, before, after) };
  } finally {
    connected.close();
  }
}

async function sellOut(server: BenchServer, { soldOutMs, emptyMs }: SellOut): Promise<void> {
  const { units, attempts, buyers } = SELL_OUT;
  const connected = await Buyers.connect(server.url, buyers);
  try {
    emptyMs.push((await connected.run(EMPTY, { requests: attempts })).tookMs);
    const productId = await makeProduct(server, units);
    const operation = createHold(productId, ['InsufficientStock']);
    const { tookMs, outcomes } = await connected.run(operation, { requests: attempts });
    if (outcomes['Hold'] !== units || outcomes['InsufficientStock'] !== attempts - units)
      throw new Error(`${units} units, ${attempts} attempts: ${JSON.stringify(outcomes)}`);
    await audit(server, productId, units);
    soldOutMs.push(tookMs);
  } finally {
    connected.close();
  }
}

async function runAll(subjects: readonly Subject[], shop: BenchServer) {
  const sold: SellOut = { soldOutMs: [], emptyMs: [] };
  const series: Series[] = [1, 25, 100, 400].flatMap((buyers) =>
    WHATS.map((what) => ({ what, buyers, rounds: [] })),
  );
  for (const subject of subjects) {
    await measure(subject, 100, { forMs: WARM_UP_MS });
    await measure(subject, 400, { forMs: WARM_UP_MS / 3 });
  }
  for (let number = 1; number <= ROUNDS; number += 1) {
    // Every other round runs in reverse, so that no measurement always follows the same one.
    const order = number % 2 === 1 ? subjects : subjects.toReversed();
    for (const buyers of BUYERS) {
      for (const subject of order) {
        const { round } = await measure(subject, buyers, { forMs: roundMs(buyers) });
        seriesOf(series, subject.what as What, buyers).rounds.push(round);
      }
      const rates = WHATS.map(
        (what) => `${what} ${whole(seriesOf(series, what, buyers).rounds.at(-1)!.rate)}`,
      );
      console.log(
        `round ${number} of ${ROUNDS}, ${buyers === 1 ? '1 buyer' : `${buyers} buyers`}: ${rates.join(' · ')}`,
      );
    }
    await sellOut(shop, sold);
    console.log(
      `round ${number} of ${ROUNDS}, sell-out: ${whole(sold.soldOutMs.at(-1)!)} ms, as many empty queries ${whole(sold.emptyMs.at(-1)!)} ms`,
    );
  }
  return { series, sold };
}

/** The plot shows four kinds, because more are hard to distinguish. */
const PLOTTED: readonly What[] = [
  'createHold',
  'createHold, lock per request',
  'empty query',
  'product, stock Apollo + express',
];

function write(series: readonly Series[], date: string, results: object): void {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'latest.json'), `${JSON.stringify(results, null, 2)}\n`);
  const kinds = PLOTTED.map((what) => ({
    label: what,
    series: [1, 25, 100, 400].map((buyers) => ({
      of: buyers,
      rate: spreadOf(seriesOf(series, what, buyers), 'rate'),
    })),
  }));
  writeFileSync(
    join(folder, 'holds.svg'),
    svgOf({
      title: 'Requests a second: holds of one hot product, and what they are measured by',
      subtitle: `${machine()}, ${date.slice(0, 10)}; medians of ${ROUNDS} rounds, lines from least to most`,
      nameOf: (buyers) => (buyers === 1 ? '1 buyer' : `${buyers} buyers`),
      kinds,
    }),
  );
}

async function main(shop: BenchServer, plain: BenchServer, stock: BenchServer): Promise<void> {
  const subjects: readonly Subject[] = [
    holds('createHold', shop),
    // At 400 buyers the last waiting request may be refused with Busy, after its lock timeout.
    holds('createHold, lock per request', plain, ['Busy']),
    reads('empty query', shop, EMPTY),
    reads('product', shop, productQuery(await makeProduct(shop, STOCK))),
    reads('product, stock Apollo + express', stock, productQuery(await makeProduct(stock, STOCK))),
    reads('empty query, stock Apollo + express', stock, EMPTY),
  ];
  const load = loadavg()[0]!.toFixed(1);
  const date = await serverTime(shop);
  console.log(`${machine()}; load average before the run ${load}; warming up`);
  const { series, sold } = await runAll(subjects, shop);
  const ratios = ratiosOf(series, sold);
  write(series, date, {
    date,
    machine: machine(),
    loadBefore: Number(load),
    sellOut: sold,
    ...resultsOf(series, ratios),
  });
  console.log(`\n${seriesTable(series)}\n\nCPU is that of one request.\n\n${ratioTable(ratios)}`);
}

const servers = await Promise.all([
  startBenchServer(SETTINGS),
  startBenchServer({ ...SETTINGS, HOLD_BATCH_MAX: '1' }),
  startBenchServer(SETTINGS, { file: join(import.meta.dirname, 'reference-server.ts') }),
]);
try {
  await main(...servers);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await Promise.all(servers.map((server) => server.stop()));
}
