import { ratioOf, type Ratio, type Series } from './figures.ts';

/** The measurements at each number of buyers. */
export const WHATS = [
  'createHold',
  'createHold, lock per request',
  'empty query',
  'product',
  'product, stock Apollo + express',
  'empty query, stock Apollo + express',
] as const;

export type What = (typeof WHATS)[number];

/** How long the sell-out and as many empty queries took, in milliseconds, round by round. */
export interface SellOut {
  readonly soldOutMs: number[];
  readonly emptyMs: number[];
}

/** One of the series. */
export function seriesOf(series: readonly Series[], what: What, buyers: number): Series {
  return series.find((one) => one.what === what && one.buyers === buyers)!;
}

/** The required ratios of one run. */
export function ratiosOf(series: readonly Series[], { soldOutMs, emptyMs }: SellOut): Ratio[] {
  const figures = (what: What, buyers: number, figure: 'rate' | 'p99Ms' = 'rate'): number[] =>
    seriesOf(series, what, buyers).rounds.map((round) => round[figure]);
  const held = figures('createHold', 100);
  const stock = figures('product, stock Apollo + express', 100);
  return [
    {
      what: 'createHold / lock per request, 100 buyers',
      needed: 10,
      aim: 20,
      reached: ratioOf(held, figures('createHold, lock per request', 100)),
    },
    {
      what: 'createHold / empty query, 100 buyers',
      needed: 0.55,
      aim: 0.8,
      reached: ratioOf(held, figures('empty query', 100)),
    },
    {
      what: 'createHold / product on stock Apollo + express, 100 buyers',
      needed: 1.3,
      reached: ratioOf(held, stock),
    },
    {
      what: 'product / product on stock Apollo + express, 100 buyers',
      needed: 2,
      aim: 3,
      reached: ratioOf(figures('product', 100), stock),
    },
    {
      what: 'createHold, 400 buyers / 25 buyers',
      needed: 0.9,
      reached: ratioOf(figures('createHold', 400), figures('createHold', 25)),
    },
    {
      what: 'p99 of createHold / p99 of empty query, 100 buyers',
      needed: 2.5,
      atMost: true,
      reached: ratioOf(figures('createHold', 100, 'p99Ms'), figures('empty query', 100, 'p99Ms')),
    },
    {
      what: 'sell-out of 1,000 in 10,000 attempts / 10,000 empty queries, time',
      needed: 2,
      atMost: true,
      reached: ratioOf(soldOutMs, emptyMs),
    },
    {
      what: 'createHold / lock per request, 1 buyer',
      needed: 0.9,
      reached: ratioOf(figures('createHold', 1), figures('createHold, lock per request', 1)),
    },
  ];
}
