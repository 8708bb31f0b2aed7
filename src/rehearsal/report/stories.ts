import type { BuyerEnd, Call } from './recording.ts';

/** What one buyer lived through. */
export interface Story {
  /** The percentile of the buyer among all, by the time to a hold or to the last refusal. */
  readonly percent: number;
  readonly buyer: number;
  readonly decidedMs: number;
  readonly ending: string;
  readonly reason: string;
  /** One line for each call, in order. */
  readonly steps: readonly string[];
}

const PERCENTS = [1, 25, 50, 75, 90, 99, 100];

/** Steps of a story; a longer one is shortened in its middle. */
const STEPS_MAX = 14;

/** The buyers at some percentiles, from the fastest to the slowest answer. */
export function storiesOf(buyers: readonly BuyerEnd[], calls: readonly Call[]): Story[] {
  const answered = buyers
    .filter(({ ending }) => ending !== 'page closed')
    .toSorted((one, other) => one.decidedMs - other.decidedMs);
  if (answered.length === 0) return [];
  const byBuyer = Map.groupBy(calls, ({ buyer }) => buyer);
  return PERCENTS.map((percent) => {
    const index = Math.min(answered.length - 1, Math.floor((answered.length * percent) / 100));
    const { number, decidedMs, ending, reason, arrivedAtMs } = answered[index]!;
    const steps = (byBuyer.get(number) ?? [])
      .toSorted((one, other) => one.atMs - other.atMs)
      .map((call) => stepText(call, arrivedAtMs));
    return { percent, buyer: number, decidedMs, ending, reason, steps: shortened(steps) };
  });
}

function stepText({ operation, atMs, tookMs, outcome }: Call, arrivedAtMs: number): string {
  const after = ((atMs - arrivedAtMs) / 1000).toFixed(2);
  return `${after} s: ${operation}, ${outcome} after ${Math.round(tookMs)} ms`;
}

function shortened(steps: readonly string[]): readonly string[] {
  if (steps.length <= STEPS_MAX) return steps;
  const half = STEPS_MAX / 2;
  const left = steps.length - STEPS_MAX;
  return [...steps.slice(0, half), `… ${left} more calls …`, ...steps.slice(-half)];
}
