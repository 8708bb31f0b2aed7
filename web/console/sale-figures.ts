/** One point of the timeline, as far as the figures need it. */
export interface Point {
  readonly at: string;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
  readonly unitsHeld: number;
  readonly unitsSold: number;
  readonly revenue: string;
}

/** The sum of decimal texts with equal digits, exact: no amount becomes a float. */
export function sumOf(amounts: readonly string[]): string {
  const digits = Math.max(0, ...amounts.map((amount) => (amount.split('.')[1] ?? '').length));
  const minor = amounts.reduce((sum, amount) => {
    const [whole, part = ''] = amount.split('.');
    return sum + BigInt(whole! + part.padEnd(digits, '0'));
  }, 0n);
  const text = String(minor).padStart(digits + 1, '0');
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/**
 * Seconds until the last unit is sold at the pace of these steps; null without a pace. Expired units
 * that return make it later.
 */
export function secondsToSellOut(points: readonly Point[], unsold: number): number | null {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || unsold === 0) return null;
  const seconds = (Date.parse(last.at) - Date.parse(first.at)) / 1000;
  const sold = points.slice(1).reduce((sum, { unitsSold }) => sum + unitsSold, 0);
  return sold === 0 || seconds === 0 ? null : (unsold * seconds) / sold;
}

/** Counted answers of one server process. */
export interface Answers {
  readonly processId: string;
  readonly held: number;
  readonly refused: readonly { readonly code: string; readonly count: number }[];
}

/** A reading of the counters: when, by the server's clock. */
export interface Reading {
  readonly now: string;
  readonly answers: Answers;
}

/** Answers a second between two readings. */
export interface Rates {
  readonly held: number;
  readonly refused: number;
}

/** The rates between two readings; null where they are of two processes. */
export function ratesOf(before: Reading, after: Reading): Rates | null {
  if (before.answers.processId !== after.answers.processId) return null;
  const seconds = (Date.parse(after.now) - Date.parse(before.now)) / 1000;
  if (seconds <= 0) return null;
  const refusals = ({ answers }: Reading) =>
    answers.refused.reduce((sum, { count }) => sum + count, 0);
  return {
    held: (after.answers.held - before.answers.held) / seconds,
    refused: (refusals(after) - refusals(before)) / seconds,
  };
}
