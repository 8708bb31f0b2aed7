import type { Attack } from './attack.ts';
import type { AttackReport, HeavyLoad } from './attackers.ts';
import { ratioOf, roundOf, spread, type Ratio, type Series } from './figures.ts';
import { percentile } from '../src/rehearsal/report/percentile.ts';
import { Buyers } from './load.ts';
import { audit, createHold, makeProduct } from './operations.ts';
import type { BenchServer } from './server.ts';

/*
 * The part of npm run bench:hostile that sends heavy documents only: valid ones that repeat a selection
 * and others past the limits, no two the same. Holds at full speed and requests to /readyz run beside them.
 */

const WINDOW_MS = 10_000;
const ROUNDS = 3;
const BUYERS = 100;
const READY_EVERY_MS = 50;
const STOCK = 10_000_000;

/** The figures of holds and /readyz beside heavy documents. */
export interface HeavyFigures {
  readonly series: readonly Series[];
  readonly ratios: readonly Ratio[];
  readonly reports: readonly AttackReport[];
}

/** Measures one window: holds at full speed, beside heavy documents where they are given. */
async function window(server: BenchServer, productId: string, work?: () => Promise<AttackReport>) {
  const buyers = await Buyers.connect(server.url, BUYERS);
  const probing = probe(server.url);
  const [run, report] = await Promise.all([
    buyers.run(createHold(productId), { forMs: WINDOW_MS }),
    work?.(),
  ]);
  buyers.close();
  return { run, report, readyMs: await probing.stop() };
}

/** Requests /readyz repeatedly; returns the response times, ascending. */
function probe(url: string): { stop(): Promise<Float64Array> } {
  const tookMs: number[] = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const askedAt = performance.now();
      const { ok } = await fetch(`${url}/readyz`);
      if (!ok) throw new Error('The server is not ready');
      tookMs.push(performance.now() - askedAt);
      await new Promise((resolve) => setTimeout(resolve, READY_EVERY_MS));
    }
  })();
  return {
    async stop() {
      isOver = true;
      await asking;
      return Float64Array.from(tookMs).toSorted();
    },
  };
}

/** Measures holds in turn alone and beside one load of heavy documents. */
async function beside(server: BenchServer, attack: Attack, load: Omit<HeavyLoad, 'overMs'>) {
  const { connections, by } = load;
  const what = `heavy documents on ${connections} connection${connections > 1 ? 's' : ''} by ${by}`;
  const productId = await makeProduct(server, STOCK);
  const alone: Series = { what: `holds without ${what}`, buyers: BUYERS, rounds: [] };
  const burdened: Series = { what: `holds beside ${what}`, buyers: BUYERS, rounds: [] };
  const readyMs: number[] = [];
  const reports: AttackReport[] = [];
  let held = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const work = () => attack.sendHeavy({ ...load, overMs: WINDOW_MS });
    const order = round % 2 === 1 ? [undefined, work] : [work, undefined];
    for (const one of order) {
      const { run, report, readyMs: ready } = await window(server, productId, one);
      (one === undefined ? alone : burdened).rounds.push(roundOf(run, 'Hold'));
      held += run.outcomes['Hold'] ?? 0;
      if (report === undefined) continue;
      reports.push(report);
      readyMs.push(percentile(ready, 99));
    }
  }
  await audit(server, productId, held);
  return { series: [alone, burdened], ratios: ratiosOf(what, alone, burdened, readyMs), reports };
}

function ratiosOf(
  what: string,
  alone: Series,
  beside: Series,
  readyMs: readonly number[],
): Ratio[] {
  const of = ({ rounds }: Series, figure: 'rate' | 'p99Ms') => rounds.map((one) => one[figure]);
  return [
    {
      what: `holds a second beside ${what} / without`,
      needed: 0.8,
      reached: ratioOf(of(beside, 'rate'), of(alone, 'rate')),
    },
    {
      what: `p99 of holds beside ${what} / without`,
      needed: 2,
      atMost: true,
      reached: ratioOf(of(beside, 'p99Ms'), of(alone, 'p99Ms')),
    },
    {
      what: `p99 of /readyz beside ${what}, ms`,
      needed: 100,
      atMost: true,
      reached: spread(readyMs),
    },
  ];
}

/** Holds beside 1, 20 and 100 connections of heavy documents, at both GraphQL endpoints. */
export async function besideHeavyDocuments(
  server: BenchServer,
  attack: Attack,
): Promise<HeavyFigures> {
  const all: HeavyFigures[] = [];
  for (const by of ['POST', 'websocket'] as const)
    for (const connections of [1, 20, 100])
      all.push(await beside(server, attack, { connections, by }));
  return {
    series: all.flatMap(({ series }) => series),
    ratios: all.flatMap(({ ratios }) => ratios),
    reports: all.flatMap(({ reports }) => reports),
  };
}
