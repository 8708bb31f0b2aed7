/** The value below which `percent` percent of the figures lie. */
export function percentile(ascending: ArrayLike<number>, percent: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor((ascending.length * percent) / 100))]!;
}

/** Some percentiles of a figure. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Percentiles of figures in any order; zeros where there is none. */
export function percentilesOf(figures: readonly number[]): Percentiles {
  if (figures.length === 0) return { p50: 0, p95: 0, p99: 0, max: 0 };
  const ascending = Float64Array.from(figures).toSorted();
  const [p50, p95, p99] = [50, 95, 99].map((percent) => percentile(ascending, percent));
  return { p50: p50!, p95: p95!, p99: p99!, max: ascending.at(-1)! };
}
