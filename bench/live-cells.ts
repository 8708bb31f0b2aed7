import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Report } from './screens-process.ts';
import { cpuSeconds } from '../src/rehearsal/cpu.ts';
import { converge, HOLD_EVERY_MS, heldOf, sellSteadily } from './live-sale.ts';
import { Buyers, type Run } from './load.ts';
import { audit, createHold, makeProduct } from './operations.ts';
import { Screens } from './screens.ts';
import type { BenchServer } from './server.ts';

/** How many screens there are. */
export const SIZES = [1000, 5000] as const;

export const SETTLE_MS = 500;
const RECORD_MS = { 1000: 2000, 5000: 4000 } as const;
const BUYERS = 100;
export const STOCK = 10_000_000;

/** Whether holds are made every 25 ms, or as fast as a hundred buyers can. */
export type Load = 'steady' | 'full speed';

/** Our server, or the reference that executes a subscription for each subscriber. */
export type Served = 'shared' | 'plain';

/** One recording. */
export interface Cell {
  readonly served: Served;
  readonly screens: number;
  readonly load: Load;
  readonly messagesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly holdsPerSecond: number;
  readonly serverCpuSeconds: number;
  readonly messages: number;
  readonly tookMs: number;
}

/** The measured configuration. */
export interface Bench {
  readonly servers: Readonly<Record<Served, BenchServer>>;
  readonly database: pg.Client;
}

interface Recorded {
  readonly report: Report;
  readonly cpu: number;
  readonly holdsPerSecond: number;
}

/** Records what the screens receive while holds are made. */
async function record(
  bench: Bench,
  {
    server,
    screens,
    productId,
    load,
    forMs,
  }: {
    readonly server: BenchServer;
    readonly screens: Screens;
    readonly productId: string;
    readonly load: Load;
    readonly forMs: number;
  },
): Promise<Recorded> {
  const buyers = await Buyers.connect(server.url, BUYERS);
  const steady = load === 'steady' ? sellSteadily(server, productId) : undefined;
  const full: Promise<Run> | undefined =
    steady === undefined
      ? buyers.run(createHold(productId), { forMs: SETTLE_MS + forMs })
      : undefined;
  await delay(SETTLE_MS);
  const before = cpuSeconds(server.pid)!.server;
  await screens.record();
  await delay(forMs);
  await screens.stopRecord();
  const cpu = cpuSeconds(server.pid)!.server - before;
  const holdsPerSecond = full === undefined ? 1000 / HOLD_EVERY_MS : (await full).rate;
  await steady?.();
  buyers.close();
  const report = await converge(bench, screens, productId);
  return { report, cpu, holdsPerSecond };
}

/** Two recordings of one audience: in a steady sale, and at full speed. */
export async function measure(
  bench: Bench,
  served: Served,
  size: (typeof SIZES)[number],
): Promise<Cell[]> {
  const server = bench.servers[served];
  const productId = await makeProduct(bench.servers.shared, STOCK);
  const screens = await Screens.open({ urls: [server.url], count: size, productId, stalled: 0 });
  const cells: Cell[] = [];
  for (const load of ['steady', 'full speed'] as const) {
    const { report, cpu, holdsPerSecond } = await record(bench, {
      server,
      screens,
      productId,
      load,
      forMs: RECORD_MS[size],
    });
    cells.push({
      served,
      screens: size,
      load,
      messagesPerSecond: (report.messages * 1000) / report.tookMs,
      p50Ms: report.p50Ms,
      p99Ms: report.p99Ms,
      holdsPerSecond,
      serverCpuSeconds: cpu,
      messages: report.messages,
      tookMs: report.tookMs,
    });
  }
  await screens.close();
  await audit(bench.servers.shared, productId, await heldOf(bench.database, productId));
  return cells;
}

/** Holds without any subscriber: the rate at full speed, and the CPU of a steady second. */
export async function alone(
  bench: Bench,
): Promise<{ holdsPerSecond: number; steadyCpuPerSecond: number }> {
  const { shared } = bench.servers;
  const productId = await makeProduct(shared, STOCK);
  const before = cpuSeconds(shared.pid)!.server;
  const stop = sellSteadily(shared, productId);
  await delay(RECORD_MS[1000]);
  const steadyCpuPerSecond = ((cpuSeconds(shared.pid)!.server - before) * 1000) / RECORD_MS[1000];
  await stop();
  const buyers = await Buyers.connect(shared.url, BUYERS);
  const { rate } = await buyers.run(createHold(productId), { forMs: SETTLE_MS + RECORD_MS[1000] });
  buyers.close();
  return { holdsPerSecond: rate, steadyCpuPerSecond };
}
