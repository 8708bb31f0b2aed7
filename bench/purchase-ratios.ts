import { ratioOf, type Ratio, type Series } from './figures.ts';
import { BESIDE, VERBS } from './purchase-subjects.ts';

/** How long whole sales and three times as many empty requests took, in milliseconds, round by round. */
export interface Sales {
  readonly saleMs: number[];
  readonly emptyMs: number[];
}

/** The names of the two series that are measured at the same time. */
export const HOLDS_BESIDE = 'createHold beside webhooks';
export const WEBHOOKS_BESIDE = 'webhook beside createHold';

/** The series of a name at a number of buyers; created when it is missing. */
export function seriesOf(series: Series[], what: string, buyers: number): Series {
  const found = series.find((one) => one.what === what && one.buyers === buyers);
  if (found !== undefined) return found;
  const created: Series = { what, buyers, rounds: [] };
  series.push(created);
  return created;
}

/** What each kind of request must reach against the product query of the stock server, and the aim. */
const AGAINST_STOCK = [
  { what: 'createHold', buyers: 100, needed: 1.8, aim: 2.5 },
  { what: 'createOrder', buyers: 100, needed: 0.6, aim: 1.2 },
  { what: 'webhook', buyers: 50, needed: 0.5, aim: 1 },
  { what: 'releaseHold', buyers: 100, needed: 0.6, aim: 1.2 },
  { what: 'cancelOrder', buyers: 100, needed: 0.6, aim: 1.2 },
  { what: 'order query', buyers: 100, needed: 0.9, aim: 1.5 },
  { what: 'whole purchase', buyers: 100, needed: 0.2, aim: 0.4 },
] as const;

/** The required ratios of one run. */
export function ratiosOf(series: Series[], { saleMs, emptyMs }: Sales): Ratio[] {
  const figures = (what: string, buyers: number, figure: 'rate' | 'p99Ms' = 'rate'): number[] =>
    seriesOf(series, what, buyers).rounds.map((round) => round[figure]);
  const stock = figures('product, stock Apollo + express', 100);
  return [
    ...AGAINST_STOCK.map(({ what, buyers, needed, aim }) => ({
      what: `${what} / product on stock Apollo + express, ${buyers} connections`,
      needed,
      aim,
      reached: ratioOf(figures(what, buyers), stock),
    })),
    ...VERBS.map((verb) => ({
      what: `${verb} / the same with batches of one, 1 buyer`,
      needed: 0.9,
      aim: 1,
      reached: ratioOf(figures(verb, 1), figures(`${verb}, batches of one`, 1)),
    })),
    {
      what: 'createHold / empty query, 1 buyer',
      needed: 0.08,
      aim: 0.15,
      reached: ratioOf(figures('createHold', 1), figures('empty query', 1)),
    },
    {
      what: 'createHold beside webhooks / alone, 100 buyers',
      needed: 0.6,
      aim: 0.75,
      reached: ratioOf(figures(HOLDS_BESIDE, BESIDE.buyers), figures('createHold', 100)),
    },
    {
      what: 'p99 of a webhook beside createHold / alone, 25 connections',
      needed: 3,
      aim: 2,
      atMost: true,
      reached: ratioOf(
        figures(WEBHOOKS_BESIDE, BESIDE.payments, 'p99Ms'),
        figures('webhook', BESIDE.payments, 'p99Ms'),
      ),
    },
    {
      what: 'sale of 10,000 units by 500 buyers / 30,000 empty queries, time',
      needed: 6,
      aim: 4,
      atMost: true,
      reached: ratioOf(saleMs, emptyMs),
    },
  ];
}
