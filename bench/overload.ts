import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { OpenLoop } from './open-loop.ts';
import { ratioOf, roundOf, spread, type Ratio, type Series } from './figures.ts';
import { percentile } from '../src/rehearsal/report/percentile.ts';
import { Buyers, type Extent, type Run } from './load.ts';
import { watchMemory } from './memory.ts';
import { audit, createHold, makeProduct, serverTime } from './operations.ts';
import { endHolds, holdUntil, stateSince } from './insert-holds.ts';
import { ratioTable, resultsOf, seriesTable, whole } from './report.ts';
import { machine, median, startBenchServer, type BenchServer } from './server.ts';

/*
 * npm run bench:overload: measures a sale when more requests arrive than the server can serve, when
 * another session locks a product's row, when the tables hold a million ended holds, and when 100,000
 * holds expire at once. It audits every product, and ends with 1 as soon as an answer is unexpected.
 */

const STOCK = 10_000_000;
const BUYERS = 100;
const WARM_UP_MS = 3000;

/** Three times the peak rate, over three times as many connections as may queue for one product. */
const OVERLOAD = { rounds: 5, peakMs: 2000, forMs: 5000, times: 3, queueMax: 1000 } as const;
const LOCKED = { buyers: 25, rounds: 3, forMs: 3000 } as const;
const PAST = { holds: 1_000_000, rounds: 7, forMs: 1500 } as const;
const DUE = { holds: 100_000, dueInMs: 8000, roundMs: 500, lookMs: 50 } as const;

/** No buyer's hold expires during the run: the sweep ends only the holds that a measurement inserts. */
const SETTINGS = { HOLD_TTL_SECONDS: '86400', HOLD_QUEUE_MAX: String(OVERLOAD.queueMax) };

const series: Series[] = [];

function addRound(what: string, buyers: number, run: Run): void {
  let one = series.find((known) => known.what === what && known.buyers === buyers);
  if (one === undefined) series.push((one = { what, buyers, rounds: [] }));
  one.rounds.push(roundOf(run, 'Hold'));
}

const ratesOf = (what: string): number[] =>
  series.find((one) => one.what === what)!.rounds.map(({ rate }) => rate);

const holdsIn = ({ outcomes }: Run): number => outcomes['Hold'] ?? 0;

/** Buyers of one product, each sending its next request when its last is answered. */
async function closedLoop(
  { url }: BenchServer,
  productId: string,
  { buyers = BUYERS, ...extent }: Extent & { readonly buyers?: number },
  refusals: readonly string[] = [],
): Promise<Run> {
  const connected = await Buyers.connect(url, buyers);
  try {
    return await connected.run(createHold(productId, refusals), extent);
  } finally {
    connected.close();
  }
}

/** Sells a new product and audits it. */
async function sellNewProduct(server: BenchServer, forMs: number, buyers = BUYERS): Promise<Run> {
  const productId = await makeProduct(server, STOCK);
  const run = await closedLoop(server, productId, { forMs, buyers });
  await audit(server, productId, holdsIn(run));
  return run;
}

/** Offers more requests than the server can serve, beside a few buyers of another product. */
async function overloadProduct(server: BenchServer, peak: number): Promise<number> {
  const { forMs, times, queueMax } = OVERLOAD;
  const [hot, other] = [await makeProduct(server, STOCK), await makeProduct(server, STOCK)];
  const openLoop = await OpenLoop.connect(server.url, times * queueMax);
  try {
    const { result, residentMbs } = await watchMemory(server.pid, () =>
      Promise.all([
        openLoop.run(createHold(hot, ['Busy']), { perSecond: times * peak, forMs }),
        closedLoop(server, other, { forMs, buyers: LOCKED.buyers }),
      ]),
    );
    const [run, beside] = result;
    addRound('three times the load', times * queueMax, run);
    addRound('another product beside it', LOCKED.buyers, beside);
    await audit(server, hot, holdsIn(run));
    await audit(server, other, holdsIn(beside));
    return median(residentMbs);
  } finally {
    openLoop.close();
  }
}

async function overload(server: BenchServer): Promise<Ratio[]> {
  const residentMbs: number[] = [];
  for (let round = 1; round <= OVERLOAD.rounds; round += 1) {
    const peak = await sellNewProduct(server, OVERLOAD.peakMs);
    addRound('createHold', BUYERS, peak);
    residentMbs.push(await overloadProduct(server, peak.rate));
    console.log(
      `overload, round ${round} of ${OVERLOAD.rounds}: peak ${whole(peak.rate)} · at ${OVERLOAD.times} times that ${whole(ratesOf('three times the load').at(-1)!)} · memory ${whole(residentMbs.at(-1)!)} MB`,
    );
  }
  const both = ratesOf('three times the load').map(
    (rate, round) => rate + ratesOf('another product beside it')[round]!,
  );
  return [
    {
      what: 'holds served at three times the load / at 100 buyers',
      needed: 0.9,
      reached: ratioOf(both, ratesOf('createHold')),
    },
    {
      // Memory grows to its working size in the first round, so that round does not count.
      what: 'memory in the last round of overload / in the second',
      needed: 1.1,
      atMost: true,
      reached: spread([residentMbs.at(-1)! / residentMbs[1]!]),
    },
  ];
}

/** Sells one product alone, then beside another whose row is locked while 100 buyers request it. */
async function lockedRow(server: BenchServer, session: pg.Client): Promise<Ratio[]> {
  const { buyers, forMs, rounds } = LOCKED;
  const waitsMs: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    addRound('another product alone', buyers, await sellNewProduct(server, forMs, buyers));
    const locked = await makeProduct(server, STOCK);
    await session.query('begin');
    await session.query('select from stock_levels where product_id = $1 for update', [locked]);
    const [refused, beside] = await Promise.all([
      closedLoop(server, locked, { requests: BUYERS }, ['Busy']),
      sellNewProduct(server, forMs, buyers),
    ]);
    await session.query('rollback');
    if (holdsIn(refused) > 0) throw new Error('A hold was made of a product that was locked.');
    addRound('another product beside a locked one', buyers, beside);
    waitsMs.push(percentile(refused.latenciesMs, 100));
    console.log(
      `locked row, round ${round} of ${rounds}: another product alone ${whole(ratesOf('another product alone').at(-1)!)} · beside it ${whole(beside.rate)} · longest wait for Busy ${whole(waitsMs.at(-1)!)} ms`,
    );
  }
  return [
    {
      what: 'another product beside a locked one / alone, 25 buyers',
      needed: 0.9,
      reached: ratioOf(
        ratesOf('another product beside a locked one'),
        ratesOf('another product alone'),
      ),
    },
    {
      what: 'longest wait for Busy behind a locked row, seconds',
      needed: 2.5,
      atMost: true,
      reached: spread(waitsMs.map((waitMs) => waitMs / 1000)),
    },
  ];
}

/** Sells on two servers in turn: one with a new product, one whose product has a million ended holds. */
async function fullTables(
  fresh: BenchServer,
  old: BenchServer,
  productId: string,
): Promise<Ratio[]> {
  const sides = [
    { what: 'no ended holds', server: fresh, productId: await makeProduct(fresh, STOCK), held: 0 },
    { what: 'a million ended holds', server: old, productId, held: 0 },
  ];
  for (let round = 0; round <= PAST.rounds; round += 1) {
    for (const side of round % 2 === 1 ? sides : sides.toReversed()) {
      const run = await closedLoop(side.server, side.productId, { forMs: PAST.forMs });
      side.held += holdsIn(run);
      // The round before the first warms both up.
      if (round > 0) addRound(side.what, BUYERS, run);
    }
    if (round === 0) continue;
    const rates = sides.map(({ what }) => `${what} ${whole(ratesOf(what).at(-1)!)}`);
    console.log(`full tables, round ${round} of ${PAST.rounds}: ${rates.join(' · ')}`);
  }
  for (const side of sides) await audit(side.server, side.productId, side.held);
  return [
    {
      what: 'createHold with a million ended holds / with none, 100 buyers',
      needed: 0.9,
      reached: ratioOf(ratesOf('a million ended holds'), ratesOf('no ended holds')),
    },
  ];
}

/** Lets `DUE.holds` holds of one product expire at the same instant while buyers continue. */
async function fallDue(server: BenchServer, session: pg.Client): Promise<Ratio[]> {
  const productId = await makeProduct(server, STOCK);
  const dueAt = await holdUntil(session, productId, { count: DUE.holds, dueInMs: DUE.dueInMs });
  await session.query('vacuum analyze holds');
  let sinceMs = -Infinity;
  let isDone = false;
  let held = 0;
  const buy = async (): Promise<void> => {
    while (!isDone) {
      const areDue = sinceMs > -DUE.roundMs;
      const run = await closedLoop(server, productId, { forMs: DUE.roundMs });
      held += holdsIn(run);
      addRound(areDue ? 'buyers while they go' : 'buyers before 100,000 are due', BUYERS, run);
    }
  };
  const pollDueHolds = async (): Promise<void> => {
    while (!isDone) {
      const state = await stateSince(session, productId, dueAt);
      sinceMs = state.sinceMs;
      isDone = sinceMs > 0 && !state.isAnyLeft;
      if (!isDone) await delay(DUE.lookMs);
    }
  };
  await Promise.all([buy(), pollDueHolds()]);
  await audit(server, productId, held);
  console.log(
    `${whole(DUE.holds)} holds due at once: back after ${whole(sinceMs)} ms; buyers during it ${whole(median(ratesOf('buyers while they go')))} a second, before ${whole(median(ratesOf('buyers before 100,000 are due')))}`,
  );
  return [
    {
      what: '100,000 holds due at once, seconds until the last is back',
      needed: 10,
      atMost: true,
      reached: spread([sinceMs / 1000]),
    },
  ];
}

async function main(fresh: BenchServer, old: BenchServer): Promise<void> {
  const load = loadavg()[0]!.toFixed(1);
  const date = await serverTime(fresh);
  console.log(`${machine()}; load average before the run ${load}; writing a past, warming up`);
  const [session, oldSession] = [await fresh.connect(), await old.connect()];
  const pastProductId = await makeProduct(old, STOCK);
  await endHolds(oldSession, pastProductId, PAST.holds);
  await sellNewProduct(fresh, WARM_UP_MS);

  const ratios = [
    ...(await fullTables(fresh, old, pastProductId)),
    ...(await overload(fresh)),
    ...(await lockedRow(fresh, session)),
    ...(await fallDue(old, oldSession)),
  ];
  await Promise.all([session.end(), oldSession.end()]);

  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  const results = {
    date,
    machine: machine(),
    loadBefore: Number(load),
    ...resultsOf(series, ratios),
  };
  writeFileSync(join(folder, 'overload.json'), `${JSON.stringify(results, null, 2)}\n`);
  console.log(`\n${seriesTable(series)}\n\n${ratioTable(ratios)}`);
}

const servers = await Promise.all([startBenchServer(SETTINGS), startBenchServer(SETTINGS)]);
try {
  await main(...servers);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await Promise.all(servers.map((server) => server.stop()));
}
