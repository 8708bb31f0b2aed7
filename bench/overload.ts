import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { Crowd } from './crowd.ts';
import { ratioOf, roundOf, spread, type Ratio, type Series } from './figures.ts';
import { Buyers, percentile, type Extent, type Run } from './load.ts';
import { watchMemory } from './memory.ts';
import { audit, createHold, makeProduct, serverTime } from './operations.ts';
import { endHolds, holdUntil, stateSince } from './past.ts';
import { ratioTable, resultsOf, seriesTable, whole } from './report.ts';
import { machine, median, startBenchServer, type BenchServer } from './server.ts';

/*
 * npm run bench:overload: what becomes of a sale when more comes than the server can take, when
 * somebody holds a product's row, when the tables are full of the past, and when very many holds fall
 * due at once. Every product is audited; it ends with 1 as soon as an answer is unexpected.
 */

const STOCK = 10_000_000;
const BUYERS = 100;
const WARM_UP_MS = 3000;

/** Three times the load, over three times the connections that may wait for one product. */
const OVERLOAD = { rounds: 5, peakMs: 2000, forMs: 5000, times: 3, queueMax: 1000 } as const;
const LOCKED = { buyers: 25, rounds: 3, forMs: 3000 } as const;
const PAST = { holds: 1_000_000, rounds: 7, forMs: 1500 } as const;
const DUE = { holds: 100_000, dueInMs: 8000, roundMs: 500, lookMs: 50 } as const;

/** Buyers' holds outlive the run: what the sweep finds is what a measurement puts there. */
const SETTINGS = { HOLD_TTL_SECONDS: '86400', HOLD_QUEUE_MAX: String(OVERLOAD.queueMax) };

const series: Series[] = [];

function note(what: string, buyers: number, run: Run): void {
  let one = series.find((known) => known.what === what && known.buyers === buyers);
  if (one === undefined) series.push((one = { what, buyers, rounds: [] }));
  one.rounds.push(roundOf(run, 'Hold'));
}

const ratesOf = (what: string): number[] =>
  series.find((one) => one.what === what)!.rounds.map(({ rate }) => rate);

const heldBy = ({ outcomes }: Run): number => outcomes['Hold'] ?? 0;

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

/** Holds of a product of the run's own, audited. */
async function holdsOfNew(server: BenchServer, forMs: number, buyers = BUYERS): Promise<Run> {
  const productId = await makeProduct(server, STOCK);
  const run = await closedLoop(server, productId, { forMs, buyers });
  await audit(server, productId, heldBy(run));
  return run;
}

/** More arrive each second than can be served, beside a few who want another product. */
async function offerTooMuch(server: BenchServer, peak: number): Promise<number> {
  const { forMs, times, queueMax } = OVERLOAD;
  const [hot, other] = [await makeProduct(server, STOCK), await makeProduct(server, STOCK)];
  const crowd = await Crowd.connect(server.url, times * queueMax);
  try {
    const { result, residentMbs } = await watchMemory(server.pid, () =>
      Promise.all([
        crowd.run(createHold(hot, ['Busy']), { perSecond: times * peak, forMs }),
        closedLoop(server, other, { forMs, buyers: LOCKED.buyers }),
      ]),
    );
    const [run, beside] = result;
    note('three times the load', times * queueMax, run);
    note('another product beside it', LOCKED.buyers, beside);
    await audit(server, hot, heldBy(run));
    await audit(server, other, heldBy(beside));
    return median(residentMbs);
  } finally {
    crowd.close();
  }
}

async function overload(server: BenchServer): Promise<Ratio[]> {
  const residentMbs: number[] = [];
  for (let round = 1; round <= OVERLOAD.rounds; round += 1) {
    const peak = await holdsOfNew(server, OVERLOAD.peakMs);
    note('createHold', BUYERS, peak);
    residentMbs.push(await offerTooMuch(server, peak.rate));
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
      // The first round's memory is the server's growing to what it needs.
      what: 'memory in the last round of overload / in the second',
      needed: 1.1,
      atMost: true,
      reached: spread([residentMbs.at(-1)! / residentMbs[1]!]),
    },
  ];
}

/** Another product alone, then beside one whose row somebody has locked while 100 want it. */
async function lockedRow(server: BenchServer, session: pg.Client): Promise<Ratio[]> {
  const { buyers, forMs, rounds } = LOCKED;
  const waitsMs: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    note('another product alone', buyers, await holdsOfNew(server, forMs, buyers));
    const locked = await makeProduct(server, STOCK);
    await session.query('begin');
    await session.query('select from stock_levels where product_id = $1 for update', [locked]);
    const [refused, beside] = await Promise.all([
      closedLoop(server, locked, { requests: BUYERS }, ['Busy']),
      holdsOfNew(server, forMs, buyers),
    ]);
    await session.query('rollback');
    if (heldBy(refused) > 0) throw new Error('A hold was made of a product that was locked.');
    note('another product beside a locked one', buyers, beside);
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

/** The same product on two servers in turn: one new, one with a million of its holds ended. */
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
      side.held += heldBy(run);
      // The round before the first warms both up.
      if (round > 0) note(side.what, BUYERS, run);
    }
    if (round === 0) continue;
    const told = sides.map(({ what }) => `${what} ${whole(ratesOf(what).at(-1)!)}`);
    console.log(`full tables, round ${round} of ${PAST.rounds}: ${told.join(' · ')}`);
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

/** So many holds of one product fall due at one instant while buyers of it go on. */
async function fallDue(server: BenchServer, session: pg.Client): Promise<Ratio[]> {
  const productId = await makeProduct(server, STOCK);
  const dueAt = await holdUntil(session, productId, { count: DUE.holds, dueInMs: DUE.dueInMs });
  await session.query('vacuum analyze holds');
  let sinceMs = -Infinity;
  let isBack = false;
  let held = 0;
  const buy = async (): Promise<void> => {
    while (!isBack) {
      const areDue = sinceMs > -DUE.roundMs;
      const run = await closedLoop(server, productId, { forMs: DUE.roundMs });
      held += heldBy(run);
      note(areDue ? 'buyers while they go' : 'buyers before 100,000 are due', BUYERS, run);
    }
  };
  const look = async (): Promise<void> => {
    while (!isBack) {
      const state = await stateSince(session, productId, dueAt);
      sinceMs = state.sinceMs;
      isBack = sinceMs > 0 && !state.isAnyLeft;
      if (!isBack) await delay(DUE.lookMs);
    }
  };
  await Promise.all([buy(), look()]);
  await audit(server, productId, held);
  console.log(
    `${whole(DUE.holds)} holds due at once: back after ${whole(sinceMs)} ms; buyers meanwhile ${whole(median(ratesOf('buyers while they go')))} a second, before ${whole(median(ratesOf('buyers before 100,000 are due')))}`,
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
  const ofThePast = await makeProduct(old, STOCK);
  await endHolds(oldSession, ofThePast, PAST.holds);
  await holdsOfNew(fresh, WARM_UP_MS);

  const ratios = [
    ...(await fullTables(fresh, old, ofThePast)),
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
