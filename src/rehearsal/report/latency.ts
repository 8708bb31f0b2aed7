import { percentilesOf, type Percentiles } from './percentile.ts';
import { OPERATIONS, type Call, type OperationName } from './recording.ts';

/** All calls of one operation. */
export interface CallSummary extends Percentiles {
  readonly operation: OperationName;
  readonly count: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** The answers to the calls that began in one interval. */
export interface LatencyPoint {
  /** The middle of the interval. */
  readonly atMs: number;
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Intervals of a curve; each has enough calls for a p99 in a large rehearsal. */
const INTERVALS = 60;
const INTERVAL_MS_MIN = 250;

/** Latency and outcomes of each operation that was called. */
export function callSummaries(calls: readonly Call[]): CallSummary[] {
  const byOperation = Map.groupBy(calls, ({ operation }) => operation);
  return OPERATIONS.flatMap((operation) => {
    const all = byOperation.get(operation) ?? [];
    if (all.length === 0) return [];
    const outcomes: Record<string, number> = {};
    for (const { outcome } of all) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    const took = percentilesOf(all.map(({ tookMs }) => tookMs));
    return [{ operation, count: all.length, outcomes, ...took }];
  });
}

/** Latency over time, by the moment of the request; intervals without calls are left out. */
export function latencyPoints(calls: readonly Call[]): LatencyPoint[] {
  if (calls.length === 0) return [];
  const first = calls.reduce((least, { atMs }) => Math.min(least, atMs), Infinity);
  const last = calls.reduce((most, { atMs }) => Math.max(most, atMs), -Infinity);
  const widthMs = Math.max(INTERVAL_MS_MIN, (last - first) / INTERVALS);
  const intervals = Map.groupBy(calls, ({ atMs }) => Math.floor((atMs - first) / widthMs));
  return [...intervals]
    .toSorted(([one], [other]) => one - other)
    .map(([index, inside]) => {
      const { p50, p95, p99 } = percentilesOf(inside.map(({ tookMs }) => tookMs));
      return { atMs: first + (index + 0.5) * widthMs, count: inside.length, p50, p95, p99 };
    });
}
