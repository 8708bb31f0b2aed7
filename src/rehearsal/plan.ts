import { SeededRandom } from '../lib/seeded-random.ts';
import type { Arrival, RehearsalOptions } from './options.ts';

/** How a buyer pays an order. */
export type Payment = 'in time' | 'late' | 'twice' | 'wrong amount' | 'never';

/** Everything that one buyer will do. */
export interface BuyerPlan {
  /** From 1. */
  readonly number: number;
  /** Milliseconds after the opening; below 0 before it. */
  readonly arrivesAtMs: number;
  readonly quantity: number;
  /** Whether createHold is sent twice at once. */
  readonly doubleClicks: boolean;
  /** Whether the page is closed before createHold is answered. */
  readonly closesTab: boolean;
  /** Whether it tries again where all units are only held. */
  readonly triesAgain: boolean;
  readonly orders: boolean;
  readonly pays: Payment;
  /** Between hold and order, and between order and payment. */
  readonly thinkMs: readonly [number, number];
}

/** Part of the buyers of a burst that is on the page before the opening. */
const EARLY_PART = 0.1;

/** Longest time that they are there before it. */
const EARLY_MS = 2000;

/** Of a burst: how often the rate falls to 1/e within the time of arrivals. 63 % arrive in the first sixth. */
const BURST_FALLS = 6;

/** The buyers of a rehearsal in the order of their arrival. The same options give the same buyers. */
export function planBuyers(options: RehearsalOptions): BuyerPlan[] {
  const random = new SeededRandom(options.seed);
  const arrivals = Array.from({ length: options.buyers }, () =>
    arrivalOf(options.arrival, options.overSeconds * 1000, random),
  ).toSorted((one, other) => one - other);
  const percent = (part: number): boolean => random.chance(part / 100);
  return arrivals.map((arrivesAtMs, index) => ({
    number: index + 1,
    arrivesAtMs,
    quantity: 1 + random.below(options.quantity),
    doubleClicks: percent(options.doubleClickPercent),
    closesTab: percent(options.closeTabPercent),
    triesAgain: percent(options.retryPercent),
    orders: percent(options.orderPercent),
    pays: paymentOf(options, random),
    thinkMs: [thinkMs(options, random), thinkMs(options, random)],
  }));
}

function arrivalOf(arrival: Arrival, overMs: number, random: SeededRandom): number {
  const part = random.fraction();
  switch (arrival) {
    case 'at-once':
      return 0;
    case 'ramp':
      // The rate rises linearly from 0, so the number of arrivals rises with the square of time.
      return overMs * Math.sqrt(part);
    case 'burst':
      return random.chance(EARLY_PART)
        ? -EARLY_MS * part
        : (-overMs / BURST_FALLS) * Math.log(1 - part * (1 - Math.exp(-BURST_FALLS)));
  }
}

function paymentOf(options: RehearsalOptions, random: SeededRandom): Payment {
  const parts: readonly (readonly [Payment, number])[] = [
    ['in time', options.payPercent],
    ['late', options.payLatePercent],
    ['twice', options.payTwicePercent],
    ['wrong amount', options.payWrongPercent],
  ];
  let left = random.fraction() * 100;
  for (const [payment, percent] of parts) {
    left -= percent;
    if (left < 0) return payment;
  }
  return 'never';
}

/** From half of the median to twice of it. */
function thinkMs({ thinkSeconds }: RehearsalOptions, random: SeededRandom): number {
  return thinkSeconds * 1000 * 2 ** (2 * random.fraction() - 1);
}
