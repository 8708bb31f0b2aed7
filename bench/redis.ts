import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds, type CpuSeconds } from '../src/rehearsal/cpu.ts';
import { ratioOf, roundOf, type Ratio, type Series } from './figures.ts';
import { Buyers, type Operation } from './load.ts';
import { audit, createHold, EMPTY, makeProduct, serverTime } from './operations.ts';
import { seriesOf } from './purchase-ratios.ts';
import { RedisHolds } from './redis-holds.ts';
import { ratioTable, resultsOf, seriesTable } from './report.ts';
import { machine, makeBenchFolder, startBenchServer, type BenchServer } from './server.ts';

/*
 * npm run bench:redis: createHold of this server against the same hold as a Lua script in Redis with
 * appendfsync always, behind the same HTTP server and schema. Redis does less: it has no ledger, no sale
 * window and no limit for a customer. Measured in turn; both are audited after each round.
 *
 * `npm run bench:redis -- short` tries everything in one small round and stores no results.
 */

const IS_SHORT = process.argv.includes('short');
const ROUNDS = IS_SHORT ? 1 : 5;
const ROUND_MS = IS_SHORT ? 300 : 800;
const WARM_UP_MS = 1000;
const BUYERS = [1, 25, 100, 400] as const;
const STOCK = 1_000_000;
const HOLD_TTL_SECONDS = 86_400;

/** A running Redis, whose files are deleted when it stops. */
interface Redis {
  readonly socket: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Every write is on the disk before its answer, as a commit of Postgres is. */
async function startRedis(): Promise<Redis> {
  const folder = makeBenchFolder();
  const socket = join(folder, 'redis.sock');
  const options = { port: '0', unixsocket: socket, dir: folder, save: '' };
  const durable = { appendonly: 'yes', appendfsync: 'always' };
  const flags = Object.entries({ ...options, ...durable }).flatMap(([name, is]) => [
    `--${name}`,
    is,
  ]);
  const server = spawn('redis-server', flags, { stdio: ['ignore', 'ignore', 'inherit'] });
  process.once('exit', () => server.kill('SIGTERM'));
  while (!existsSync(socket)) {
    if (server.exitCode !== null) throw new Error('redis-server ended before it was ready.');
    await delay(20);
  }
  return {
    socket,
    pid: server.pid!,
    async stop() {
      const exited = once(server, 'exit');
      server.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What is measured. The database of the second one is Redis. */
interface Subject {
  readonly what: string;
  readonly server: BenchServer;
  readonly prepare: () => Promise<{
    operation: Operation;
    check?: (served: number) => Promise<void>;
  }>;
}

const empty = (what: string, server: BenchServer): Subject => ({
  what,
  server,
  prepare: async () => ({ operation: EMPTY }),
});

const WHATS = {
  holds: 'createHold',
  redis: 'createHold over Redis',
  empty: 'empty query',
  emptyBeside: 'empty query, server over Redis',
} as const;

function subjectsOn(shop: BenchServer, overRedis: BenchServer, redis: RedisHolds): Subject[] {
  const inPostgres = async () => {
    const productId = await makeProduct(shop, STOCK);
    const check = (served: number) => audit(shop, productId, served);
    return { operation: createHold(productId), check };
  };
  const inRedis = async () => {
    const productId = await makeProduct(overRedis, STOCK);
    const before = await redis.keys();
    const check = async (served: number): Promise<void> => {
      await redis.audit(productId, served, STOCK);
      // The product, and for each hold its hash and its idempotency key.
      const added = (await redis.keys()) - before;
      if (added !== 1 + 2 * served) throw new Error(`${served} holds added ${added} keys.`);
    };
    return { operation: createHold(productId), check };
  };
  return [
    { what: WHATS.holds, server: shop, prepare: inPostgres },
    { what: WHATS.redis, server: overRedis, prepare: inRedis },
    empty(WHATS.empty, shop),
    empty(WHATS.emptyBeside, overRedis),
  ];
}

/** CPU of a server and its databases: Redis is no child of the server that uses it. */
function cpuOf(server: BenchServer, redis: Redis): CpuSeconds | undefined {
  const used = cpuSeconds(server.pid);
  const ofRedis = cpuSeconds(redis.pid);
  if (used === undefined || ofRedis === undefined) return undefined;
  return { server: used.server, postgres: used.postgres + ofRedis.server };
}

async function measure({ server, prepare }: Subject, redis: Redis, buyers: number, forMs: number) {
  const { operation, check } = await prepare();
  const connected = await Buyers.connect(server.url, buyers);
  try {
    const before = cpuOf(server, redis);
    const run = await connected.run(operation, { forMs });
    const after = cpuOf(server, redis);
    await check?.(run.outcomes[operation.served] ?? 0);
    return roundOf(run, operation.served, before, after);
  } finally {
    connected.close();
  }
}

function ratiosOf(series: Series[]): Ratio[] {
  const rates = (what: string, buyers: number): number[] =>
    seriesOf(series, what, buyers).rounds.map(({ rate }) => rate);
  return BUYERS.map((buyers) => ({
    what: `createHold / createHold over Redis, ${buyers === 1 ? '1 buyer' : `${buyers} buyers`}`,
    needed: 1,
    aim: 1.5,
    reached: ratioOf(rates(WHATS.holds, buyers), rates(WHATS.redis, buyers)),
  }));
}

async function main(subjects: readonly Subject[], redis: Redis): Promise<void> {
  const load = loadavg()[0]!.toFixed(1);
  const date = await serverTime(subjects[0]!.server);
  console.log(`${machine()}; load average before the run ${load}; warming up`);
  for (const subject of subjects) await measure(subject, redis, 100, WARM_UP_MS);
  const series: Series[] = [];
  for (let number = 1; number <= ROUNDS; number += 1) {
    const order = number % 2 === 1 ? subjects : subjects.toReversed();
    for (const buyers of BUYERS)
      for (const subject of order) {
        const { rounds } = seriesOf(series, subject.what, buyers);
        rounds.push(await measure(subject, redis, buyers, ROUND_MS));
      }
    console.log(`round ${number} of ${ROUNDS}`);
  }
  const ratios = ratiosOf(series);
  if (!IS_SHORT) {
    const folder = join(import.meta.dirname, 'results');
    const results = { date, machine: machine(), loadBefore: Number(load) };
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, 'redis.json'),
      `${JSON.stringify({ ...results, ...resultsOf(series, ratios) }, null, 2)}\n`,
    );
  }
  console.log(`\n${seriesTable(series)}\n\nCPU is that of one request.\n\n${ratioTable(ratios)}`);
}

if (spawnSync('redis-server', ['--version']).error !== undefined) {
  console.error('redis-server is not on the PATH.');
  process.exit(1);
}
const redis = await startRedis();
const settings = { HOLD_TTL_SECONDS: String(HOLD_TTL_SECONDS) };
const [shop, overRedis, holds] = await Promise.all([
  startBenchServer(settings),
  startBenchServer(
    { ...settings, REDIS_SOCKET: redis.socket },
    { file: join(import.meta.dirname, 'redis-shop-server.ts') },
  ),
  RedisHolds.connect(redis.socket, HOLD_TTL_SECONDS * 1000),
]);
try {
  await main(subjectsOn(shop, overRedis, holds), redis);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  holds.close();
  await Promise.all([shop.stop(), overRedis.stop()]);
  await redis.stop();
}
