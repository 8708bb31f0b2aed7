import { cpus } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../postgres/database.ts';
import { countStock } from '../shop/stock/count-stock.ts';
import { cpuSeconds, processCpuSeconds } from './cpu.ts';
import type { Sample } from './report/recording.ts';

/** The interval between two samples. */
const SAMPLE_MS = 250;

/** A scrape reads the database, so it is not part of each sample. */
const SAMPLES_PER_SCRAPE = 4;

const SCRAPE_TIMEOUT_MS = 1000;

/** What is sampled. */
export interface Sampled {
  readonly database: Database;
  readonly productId: number;
  readonly urls: readonly string[];
  /** Process ids of the running servers. */
  readonly serverPids: () => readonly number[];
  /** The process whose children are PostgreSQL; undefined where its CPU cannot be read. */
  readonly postgresParent: number | undefined;
  /** Milliseconds after the opening. */
  readonly now: () => number;
}

interface Counters {
  readonly atMs: number;
  readonly servers: ReadonlyMap<number, number>;
  readonly postgres: number | undefined;
  readonly generator: number;
  readonly machine: number;
}

/** Samples counters, CPU and queues until it is stopped. */
export class Sampler {
  readonly samples: Sample[] = [];
  readonly #of: Sampled;
  readonly #loop = monitorEventLoopDelay({ resolution: 10 });
  readonly #stopped = new AbortController();
  #last: Counters;
  #queues: Pick<Sample, 'queued' | 'poolWaiting'> = { queued: null, poolWaiting: null };
  #running: Promise<void> | undefined;

  constructor(of: Sampled) {
    this.#of = of;
    this.#last = this.#counters();
  }

  start(): void {
    this.#loop.enable();
    this.#running = this.#run();
  }

  /** Ends after the sample in progress. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    this.#loop.disable();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    for (let turn = 0; !signal.aborted; turn += 1) {
      if (turn % SAMPLES_PER_SCRAPE === 0) this.#queues = await readQueues(this.#of.urls);
      await this.#sample();
      await delay(SAMPLE_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #sample(): Promise<void> {
    // A database that is away has no counters: the curve then has a gap.
    const [stock] = await countStock(this.#of, [this.#of.productId]).catch(() => []);
    if (stock === undefined) return;
    const [before, after] = [this.#last, this.#counters()];
    this.#last = after;
    const cores = (seconds: number): number => (seconds * 1000) / (after.atMs - before.atMs);
    const each = [...after.servers].map(([pid, used]) =>
      cores(used - (before.servers.get(pid) ?? 0)),
    );
    const { available, held, sold } = stock;
    this.samples.push({
      atMs: after.atMs,
      available,
      held,
      sold,
      serverCores: each.length === 0 ? null : each.reduce((sum, one) => sum + one, 0),
      serverCoresMax: each.length === 0 ? null : Math.max(...each),
      postgresCores:
        after.postgres === undefined || before.postgres === undefined
          ? null
          : cores(after.postgres - before.postgres),
      generatorCores: cores(after.generator - before.generator),
      machineCores: cores(after.machine - before.machine),
      // Of nanoseconds. The histogram includes its own resolution.
      generatorDelayMs: Math.max(0, this.#loop.max / 1e6 - 10),
      ...this.#queues,
    });
    this.#loop.reset();
  }

  #counters(): Counters {
    const { serverPids, postgresParent, now } = this.#of;
    const servers = serverPids().flatMap((pid) => {
      const used = processCpuSeconds(pid);
      return used === undefined ? [] : [[pid, used] as const];
    });
    const { user, system } = process.cpuUsage();
    return {
      atMs: now(),
      servers: new Map(servers),
      postgres: postgresParent === undefined ? undefined : cpuSeconds(postgresParent)?.postgres,
      generator: (user + system) / 1e6,
      machine: machineSeconds(),
    };
  }
}

/** CPU time of all cores of the machine that was not idle, in seconds. */
function machineSeconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys, 0) / 1000;
}

/** The queues of all servers by their metrics; null where none answers. */
async function readQueues(
  urls: readonly string[],
): Promise<Pick<Sample, 'queued' | 'poolWaiting'>> {
  const texts = await Promise.all(
    urls.map((url) =>
      fetch(`${url}/metrics`, { signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS) })
        .then((response) => response.text())
        .catch(() => undefined),
    ),
  );
  const answered = texts.filter((text) => text !== undefined);
  const sum = (pattern: RegExp): number | null =>
    answered.length === 0
      ? null
      : answered.reduce((total, text) => total + Number(pattern.exec(text)?.[1] ?? 0), 0);
  return {
    queued: sum(/^flashsale_hold_queue_depth (\d+)/m),
    poolWaiting: sum(/^flashsale_database_pool_connections\{state="waiting"\} (\d+)/m),
  };
}
