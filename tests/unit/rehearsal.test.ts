import { complaintsOf, type RehearsalOptions } from '../../src/rehearsal/options.ts';
import { planBuyers } from '../../src/rehearsal/plan.ts';
import { compare, comparisonHtml, readResult } from '../../src/rehearsal/report/compare.ts';
import { htmlOf } from '../../src/rehearsal/report/html.ts';
import { latencyPoints } from '../../src/rehearsal/report/latency.ts';
import { percentilesOf } from '../../src/rehearsal/report/percentile.ts';
import type { BuyerEnd, Recording } from '../../src/rehearsal/report/recording.ts';
import { mostClaimed, resultOf } from '../../src/rehearsal/report/result.ts';
import { goodRecording, REHEARSAL, sampleAt } from '../support/rehearsal.ts';

const resultWith = (change: Partial<Recording>) =>
  resultOf({ ...goodRecording(), ...change }, REHEARSAL);

const verdictWith = (change: Partial<Recording>) => resultWith(change).verdict;

const planOf = (change: Partial<RehearsalOptions>) =>
  planBuyers({ ...REHEARSAL, buyers: 1000, ...change });

test('a sale in which every answer agrees with the database passes', () => {
  expect(verdictWith({})).toEqual({
    passed: true,
    headline: 'No unit was oversold: 3 units of 3 sold, and every buyer got an answer.',
    findings: [],
    notes: [],
  });
});

const { claims, final, buyers, samples } = goodRecording();
const fourth = { buyer: 4, units: 1, fromMs: 400, toMs: null };
const stock = { total: 3, available: 0, held: 0, sold: 3 };

test.each<[string, Partial<Recording>, string]>([
  ['a fourth buyer paid', { claims: [...claims, fourth] }, 'Buyers paid for 4 units of 3.'],
  [
    'the database sold four',
    { final: { ...final, stock: { ...stock, sold: 4 } } },
    'The database sold 4 units of 3.',
  ],
  [
    'four buyers had a unit at one moment, though one never paid',
    { claims: [...claims, { ...fourth, toMs: 500 }] },
    'By their answers, buyers had 4 units at one moment, of 3.',
  ],
  [
    'a sample has more units than exist',
    { samples: [...samples, sampleAt(750, { available: 0, held: 1, sold: 3 })] },
    'The counters did not add up to 3 in 1 sample.',
  ],
])('a rehearsal is OVERSOLD where %s', (_what, change, finding) => {
  const { passed, headline, findings } = verdictWith(change);

  expect(passed).toBe(false);
  expect(headline).toBe('OVERSOLD: more units were promised than the 3 that exist.');
  expect(findings).toContain(finding);
});

const withoutReason: BuyerEnd = { ...buyers[3]!, reason: '' };

test.each<[string, Partial<Recording>, string]>([
  [
    'a refused buyer got no reason',
    { buyers: [...buyers.slice(0, 4), withoutReason] },
    '1 buyer got no answer, or a refusal without a reason.',
  ],
  [
    'a paid unit is not sold in the database',
    { final: { ...final, stock: { ...stock, available: 1, sold: 2 } } },
    'Buyers paid for 3 units by their answers; the database sold 2.',
  ],
  [
    'units stay held',
    { final: { ...final, stock: { ...stock, held: 1, sold: 2 } } },
    '1 unit stayed held after every deadline.',
  ],
  [
    'the audit has a finding',
    { final: { ...final, audit: { balanced: false, findings: ['Movement 3 is missing.'] } } },
    'Audit: Movement 3 is missing.',
  ],
  [
    'a refund is missing in the database',
    { refunds: { PAID_TOO_LATE: 2 }, final: { ...final, openRefunds: 1 } },
    'Buyers see 2 refunds; the database has 1 open.',
  ],
  ['answers contradict each other', { contradictions: ['Two holds.'] }, 'Two holds.'],
])('a rehearsal fails without being oversold where %s', (_what, change, finding) => {
  const { passed, headline, findings } = verdictWith(change);

  expect(passed).toBe(false);
  expect(headline).toBe('No unit was oversold, but something is wrong.');
  expect(findings).toContain(finding);
});

test('a hold that ends when another begins is not counted beside it', () => {
  expect(
    mostClaimed([
      { buyer: 1, units: 2, fromMs: 0, toMs: 100 },
      { buyer: 2, units: 2, fromMs: 100, toMs: null },
      { buyer: 3, units: 1, fromMs: 50, toMs: 60 },
    ]),
  ).toBe(3);
});

test('percentiles are of figures in any order, and zeros of none', () => {
  const figures = Array.from({ length: 100 }, (_, index) => 100 - index);

  expect(percentilesOf(figures)).toEqual({ p50: 51, p95: 96, p99: 100, max: 100 });
  expect(percentilesOf([])).toEqual({ p50: 0, p95: 0, p99: 0, max: 0 });
});

test('latency over time is by the moment of the request', () => {
  const call = { buyer: 1, operation: 'product', outcome: 'ok' } as const;
  const points = latencyPoints([
    { ...call, atMs: 0, tookMs: 900 },
    { ...call, atMs: 100, tookMs: 100 },
    { ...call, atMs: 600, tookMs: 5 },
  ]);

  expect(points.map(({ count, p99 }) => [count, p99])).toEqual([
    [2, 900],
    [1, 5],
  ]);
});

test('the same seed gives the same buyers, and another seed others', () => {
  expect(planOf({ seed: 3 })).toEqual(planOf({ seed: 3 }));
  expect(planOf({ seed: 3 })).not.toEqual(planOf({ seed: 4 }));
});

test('buyers arrive by the curve, in order', () => {
  const arrivals = (arrival: RehearsalOptions['arrival']): number[] =>
    planOf({ arrival }).map(({ arrivesAtMs }) => arrivesAtMs);
  const [atOnce, ramp, burst] = [arrivals('at-once'), arrivals('ramp'), arrivals('burst')];
  const within = (all: readonly number[], ms: number): number =>
    all.filter((atMs) => atMs < ms).length / all.length;

  expect(new Set(atOnce)).toEqual(new Set([0]));
  // Half of the time has a quarter of a linear ramp.
  expect(within(ramp, 5000)).toBeCloseTo(0.25, 1);
  expect(within(burst, 0)).toBeCloseTo(0.1, 1);
  expect(within(burst, 10_000 / 6)).toBeCloseTo(0.1 + 0.9 * 0.63, 1);
  expect(burst).toEqual(burst.toSorted((one, other) => one - other));
  expect(Math.max(...ramp, ...burst)).toBeLessThan(10_000);
});

test('the percentages decide how buyers pay', () => {
  const pays = planOf({
    payPercent: 50,
    payLatePercent: 30,
    payTwicePercent: 20,
    payWrongPercent: 0,
  });
  const part = (kind: string): number => pays.filter((plan) => plan.pays === kind).length / 1000;

  expect(part('in time')).toBeCloseTo(0.5, 1);
  expect(part('late')).toBeCloseTo(0.3, 1);
  expect(part('twice')).toBeCloseTo(0.2, 1);
  expect(part('wrong amount') + part('never')).toBe(0);
});

test('options that make no sense together are complained of, each in one sentence', () => {
  const faults = [
    { kind: 'slow', atSeconds: 1 },
    { kind: 'kill', atSeconds: 1 },
  ] as const;
  const settings = { PORT: '1', POOL: '2', DATABASE_POOL_MAX: '3' };

  expect(complaintsOf(REHEARSAL, [])).toEqual([]);
  expect(
    complaintsOf({ ...REHEARSAL, payPercent: 99, servers: 1, faults, database: 'own', settings }, [
      'PORT',
      'DATABASE_POOL_MAX',
    ]),
  ).toEqual([
    '--pay, --pay-late, --pay-twice and --pay-wrong add up to 114 %, more than 100 %.',
    '--fault slow needs the embedded database: leave out --own-database.',
    '--fault kill needs two servers or more.',
    '--set PORT: a rehearsal decides this setting.',
    '--set POOL: there is no such setting.',
  ]);
});

test('the limit names what was busy for two samples in a row, and not a single peak', () => {
  const busy = { generatorCores: 0.97 };
  const limitWith = (...all: (typeof busy | object)[]): string =>
    resultWith({ samples: all.map((one, index) => sampleAt(index * 250, one)) }).limit.text;

  expect(limitWith({}, busy, {})).toBe('No part reached its limit.');
  expect(limitWith({}, busy, busy)).toContain('At their limit: CPU of the load generator.');
  const full = { machineCores: 1.95, serverCores: 1.6 };
  expect(limitWith(full, full)).toMatch(/^At their limit: CPU of this machine, 2 cores\. Buyers/);
  const crowded = { machineCores: 1.95 };
  expect(limitWith(crowded, crowded)).toContain('Other programs took CPU from the sale');
  expect(limitWith(...Array(6).fill({ poolWaiting: 4 }))).toContain('wait for a session');
  expect(limitWith({ queued: 9500 })).toContain('queues for holds');
});

test('what was not measured is not a limit', () => {
  const unmeasured = { serverCores: null, serverCoresMax: null, postgresCores: null, queued: null };
  const { limit } = resultWith({ samples: [sampleAt(0, unmeasured), sampleAt(250, unmeasured)] });

  expect(limit.text).toBe('No part reached its limit.');
  expect(limit.loads.filter(({ busiest }) => busiest === 'not measured')).toHaveLength(4);
});

test('a report has no script and no address, and its policy forbids requests', () => {
  const html = htmlOf(resultWith({}));

  expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  expect(html).not.toMatch(/\w+:\/\/|<script|<link|<img|<iframe|@import|url\(|\bsrc=|\bhref=/i);
  expect(html).toContain('Passed.');
  expect(html.match(/<svg/g)).toHaveLength(3);
});

test('sentences that differ in their numbers are one reason', () => {
  expect(resultWith({}).reasons).toEqual({ '1 requested, 0 available.': 2 });
});

test('a report shows texts of the sale as text, never as markup', () => {
  const reason = '<img onerror=1 x="&">';
  const html = htmlOf(resultWith({ buyers: [{ ...buyers[3]!, reason }] }));

  expect(html).toContain('&lt;img onerror=1 x=&quot;&amp;&quot;&gt;');
  expect(html).not.toContain('<img');
});

test('a rehearsal without calls, samples and buyers has a report', () => {
  const html = htmlOf(resultWith({ calls: [], samples: [], buyers: [], claims: [] }));

  expect(html).toContain('the database sold 3');
  expect(html).not.toContain('NaN');
});

test('stories go from the fastest to the slowest answer', () => {
  const { stories } = resultWith({});

  expect(stories.map(({ buyer }) => buyer)).toEqual([1, 2, 3, 4, 5, 5, 5]);
  expect(stories[0]!.steps[1]).toBe('0.05 s: createHold, ok after 10 ms');
});

test('two rehearsals are compared by their figures and by the options in which they differ', () => {
  const first = resultWith({});
  const slower = goodRecording().calls.map((call) => ({ ...call, tookMs: call.tookMs * 2 }));
  const options = { ...REHEARSAL, servers: 3, settings: { DATABASE_POOL_MAX: '20' } };
  const second = resultOf({ ...goodRecording(), calls: slower, claims: [] }, options);
  const rows = compare(first, second);
  const row = (what: string) => rows.find((one) => one.what === what);

  expect(row('verdict')).toMatchObject({ first: 'passed', second: 'FAILED', change: 'differs' });
  expect(row('createHold: p99, ms')).toMatchObject({ first: '30', second: '60', change: '+100 %' });
  expect(row('units sold')).toMatchObject({ first: '3', second: '3', change: '+0 %' });
  expect(row('option servers')).toMatchObject({ first: '2', second: '3' });
  expect(row('option DATABASE_POOL_MAX')).toMatchObject({ first: '-', second: '"20"' });
  expect(rows.filter(({ what }) => what.startsWith('option'))).toHaveLength(2);
  expect(comparisonHtml(first, second)).not.toMatch(/\w+:\/\//);
});

test('only the JSON file of a rehearsal is read, and the message names the file', () => {
  const result = resultWith({});

  expect(readResult(JSON.stringify(result), 'a.json')).toEqual(result);
  expect(() => readResult('{', 'a.json')).toThrow('a.json is not JSON.');
  expect(() => readResult('{"format":2}', 'b.json')).toThrow(
    'b.json is not the JSON file of a rehearsal, or of another version.',
  );
  expect(() => readResult('null', 'c.json')).toThrow('c.json is not the JSON file');
});
