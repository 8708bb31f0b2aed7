import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/postgres/embedded/embedded-postgres.ts';
import {
  alone,
  measure,
  SIZES,
  type Bench,
  type Cell,
  type Load,
  type Served,
} from './live-cells.ts';
import { cellTable, claimsOf, over, PER_SECOND } from './live-claims.ts';
import { svgOf } from './plot.ts';
import { table, whole } from './report.ts';
import { overThreeServers } from './several-servers.ts';
import { machine, makeBenchFolder, startBenchServer, type BenchServer } from './server.ts';
import { withStalled } from './stalled.ts';

/*
 * npm run bench:live: live stock of one product on many screens, against graphql-ws that executes a
 * subscription for each subscriber, with the same database and screens. Server, screens and
 * database are separate processes; the buyers run in this one. It ends with 1 as soon as a version
 * decreases, a screen ends with a version other than the database's, or an audit fails.
 */

const ROUNDS = 3;

function write(results: object, cells: readonly Cell[], subtitle: string): void {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'live.json'), `${JSON.stringify(results, null, 2)}\n`);
  const series = (load: Load, served: Served) =>
    SIZES.map((screens) => ({
      of: screens,
      rate: over(cells, { served, screens, load }, (cell) => cell.messagesPerSecond),
    }));
  writeFileSync(
    join(folder, 'live.svg'),
    svgOf({
      title: 'Live stock: messages a second that reach the screens of one product',
      subtitle,
      nameOf: (screens) => `${whole(screens)} screens, at most ${whole(screens * PER_SECOND)}`,
      kinds: [
        { label: 'shared, 40 holds/s', series: series('steady', 'shared') },
        { label: 'shared, holds at full speed', series: series('full speed', 'shared') },
        { label: 'plain, 40 holds/s', series: series('steady', 'plain') },
        { label: 'plain, holds at full speed', series: series('full speed', 'plain') },
      ],
    }),
  );
}

async function main(bench: Bench, settings: Readonly<Record<string, string>>): Promise<void> {
  const load = Number(loadavg()[0]!.toFixed(1));
  const { rows } = await bench.database.query<{ now: Date }>('select now()');
  const date = rows[0]!.now.toISOString();
  console.log(`${machine()}; load average before the run ${load}; warming up`);
  await alone(bench);
  const cells: Cell[] = [];
  const quiet: Awaited<ReturnType<typeof alone>>[] = [];
  for (let number = 1; number <= ROUNDS; number += 1) {
    quiet.push(await alone(bench));
    const order: Served[] = number % 2 === 1 ? ['shared', 'plain'] : ['plain', 'shared'];
    // Large numbers of screens take long, so they get one round.
    for (const size of SIZES.filter((one) => one === 1000 || number === 1)) {
      for (const served of order) cells.push(...(await measure(bench, served, size)));
    }
    console.log(`round ${number} of ${ROUNDS} done`);
  }
  const stalled = await withStalled(bench);
  const several = await overThreeServers(bench.database, settings);
  const claims = claimsOf(cells, quiet, stalled);
  const results = {
    date,
    machine: machine(),
    loadBefore: load,
    claims,
    stalled,
    several,
    cells,
    quiet,
  };
  write(results, cells, `${machine()}, ${date.slice(0, 10)}; medians, lines from least to most`);
  console.log(`\n${cellTable(cells)}\n`);
  console.log(
    table([
      ['', 'required', 'reached', ''],
      ...claims.map((claim) => [
        claim.what,
        claim.needed,
        claim.reached,
        claim.isReached ? 'yes' : 'SHORT',
      ]),
    ]),
  );
  console.log(
    `\nOver three servers, listeners killed twice and one server once: ${several.survivors} of ${several.screens} screens survived, all of them on the database's version ${several.versions}; no version fell.`,
  );
}

const folder = makeBenchFolder();
const postgres = await startEmbeddedPostgres({ dataDir: folder });
const settings = {
  DATABASE_URL: postgres.url,
  HOLD_TOKEN_SECRETS: 'a hold token secret for the benchmark only',
  // No hold expires during the run, so that no sweep disturbs it.
  HOLD_TTL_SECONDS: '86400',
  SEED_DEMO: 'false',
};
const database = new pg.Client({ connectionString: postgres.url });
const started: BenchServer[] = [];
try {
  await database.connect();
  const shared = await startBenchServer(settings);
  started.push(shared);
  const file = join(import.meta.dirname, 'plain-live-server.ts');
  const plain = await startBenchServer(settings, { file });
  started.push(plain);
  await main({ servers: { shared, plain }, database }, settings);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await Promise.all(started.map((server) => server.stop()));
  await database.end();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
// Screens that are still open after a failure would keep this process alive.
process.exit();
