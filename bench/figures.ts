import { percentile } from '../src/rehearsal/report/percentile.ts';
import type { Run } from './load.ts';
import type { CpuSeconds } from '../src/rehearsal/cpu.ts';
import { median } from './server.ts';

/** One short round of one configuration. */
export interface Round {
  /** Requests served a second. */
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of a request, in microseconds; NaN where the system does not report it. */
  readonly serverCpuUs: number;
  readonly postgresCpuUs: number;
  /** Requests that were refused with Busy. */
  readonly refused: number;
}

/** All rounds of one configuration at one number of buyers. */
export interface Series {
  readonly what: string;
  readonly buyers: number;
  readonly rounds: Round[];
}

/** The median of the rounds, and their least and greatest value. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function roundOf(run: Run, served: string, before?: CpuSeconds, after?: CpuSeconds): Round {
  const requests = run.latenciesMs.length;
  const cpuUs = (part: keyof CpuSeconds): number =>
    before === undefined || after === undefined
      ? NaN
      : ((after[part] - before[part]) * 1e6) / requests;
  return {
    rate: run.rate,
    p50Ms: percentile(run.latenciesMs, 50),
    p99Ms: percentile(run.latenciesMs, 99),
    serverCpuUs: cpuUs('server'),
    postgresCpuUs: cpuUs('postgres'),
    refused: requests - (run.outcomes[served] ?? 0),
  };
}

export function spread(figures: readonly number[]): Spread {
  return { median: median(figures), min: Math.min(...figures), max: Math.max(...figures) };
}

/** One figure of a series over its rounds. */
export function spreadOf({ rounds }: Series, figure: keyof Round): Spread {
  return spread(rounds.map((round) => round[figure]));
}

/** A required ratio and the measured one. */
export interface Ratio {
  readonly what: string;
  readonly needed: number;
  readonly aim?: number;
  /** Whether less is better. */
  readonly atMost?: boolean;
  /** The medians' ratio; least and most are those of single rounds. */
  readonly reached: Spread;
}

/** The ratio of two series that were measured in turn. */
export function ratioOf(over: readonly number[], under: readonly number[]): Spread {
  const pairs = over.map((figure, round) => figure / under[round]!);
  return { ...spread(pairs), median: median(over) / median(under) };
}

/** Whether the measured ratio meets the requirement. */
export function isReached({ needed, atMost = false, reached }: Ratio): boolean {
  return atMost ? reached.median <= needed : reached.median >= needed;
}
