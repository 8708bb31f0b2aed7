import { tableOf, textOf } from '../support/project.ts';

/** A figure over the rounds of a run, in the format of the benchmarks. */
interface Spread {
  readonly median: number;
}

interface Series {
  readonly what: string;
  readonly buyers: number;
  readonly perSecond: Spread;
  readonly p99Ms: Spread;
  readonly serverCpuUs: Spread;
  readonly postgresCpuUs: Spread;
}

interface Results {
  readonly ratios: readonly { readonly what: string; readonly reached: Spread }[];
  readonly series: readonly Series[];
}

interface LiveResults {
  readonly claims: readonly { readonly what: string; readonly reached: string }[];
  readonly stalled: {
    readonly before: { readonly p99Ms: number };
    readonly others: { readonly p99Ms: number };
    readonly unreadBytesMax: number;
  };
  readonly cells: readonly Cell[];
}

interface Cell {
  readonly served: 'shared' | 'plain';
  readonly screens: number;
  readonly load: 'steady' | 'full speed';
  readonly messagesPerSecond: number;
  readonly p99Ms: number;
  readonly holdsPerSecond: number;
}

const resultsOf = <Kind = Results>(name: string): Kind =>
  JSON.parse(textOf(`bench/results/${name}.json`)) as Kind;

const latest = resultsOf('latest');
const engine = resultsOf('engine');
const overload = resultsOf('overload');
const heavy = resultsOf('heavy');
const hostile = resultsOf<Results & { readonly attack: { readonly answers: object } }>('hostile');
const live = resultsOf<LiveResults>('live');
const purchase = resultsOf('purchase');
const redis = resultsOf('redis');

function ratio({ ratios }: Results, what: string): number {
  const found = ratios.find((one) => one.what === what);
  if (found === undefined) throw new Error(`No result says "${what}".`);
  return found.reached.median;
}

function seriesOf({ series }: Results, what: string, buyers: number): Series {
  const found = series.find((one) => one.what === what && one.buyers === buyers);
  if (found === undefined) throw new Error(`No series is "${what}" of ${buyers}.`);
  return found;
}

/** The median of a figure of live stock over the rounds of a kind. */
function watched(
  kind: Pick<Cell, 'served' | 'screens' | 'load'>,
  figure: (cell: Cell) => number,
): number {
  const figures = live.cells
    .filter((cell) => Object.entries(kind).every(([name, is]) => cell[name as keyof Cell] === is))
    .map(figure)
    .toSorted((one, other) => one - other);
  return figures[Math.floor(figures.length / 2)]!;
}

/** The figures of a claim of live stock, in their order. */
const claimed = (what: string): number[] =>
  figuresIn(live.claims.find((claim) => claim.what === what)!.reached).map(valueOf);

const figuresIn = (text: string): string[] => text.match(/\d[\d,]*(?:\.\d+)?/g) ?? [];
const valueOf = (figure: string): number => Number(figure.replaceAll(',', ''));

const decimalsOf = (figure: string): number => figure.split('.')[1]?.length ?? 0;

/** Rounds the decimal text half up: 1.005 gives 1.01, unlike toFixed. */
const rounded = (figure: number, decimals: number): string =>
  (Math.round(Number(`${figure}e${decimals}`)) / 10 ** decimals).toFixed(decimals);

/** The figures that a row of docs/benchmarks.md must quote: those of its label, then those of its cells. */
type Quoted = readonly [label: RegExp, figures: readonly number[]];

const ofSpeed: readonly Quoted[] = [
  [
    /^createHold with the batch queue, against a lock for each request, 100 buyers$/,
    [ratio(latest, 'createHold / lock per request, 100 buyers')],
  ],
  [
    /^the same without HTTP, 25 \/ 100 \/ 400 buyers/,
    [25, 100, 400].map((n) => ratio(engine, `createHold / lock per request, ${n} buyers`)),
  ],
  [
    /^the same against Postgres alone, which inserts as many such holds$/,
    [25, 100, 400].map((n) => ratio(engine, `createHold / Postgres alone, ${n} buyers`)),
  ],
  [/^createHold, 400 buyers against 25$/, [ratio(latest, 'createHold, 400 buyers / 25 buyers')]],
  [
    /^createHold with the batch queue, against a lock for each request, 1 buyer$/,
    [ratio(latest, 'createHold / lock per request, 1 buyer')],
  ],
  [
    /^createHold, against the product query on stock Apollo and express$/,
    [ratio(latest, 'createHold / product on stock Apollo + express, 100 buyers')],
  ],
  [
    /^product query, against the same schema on stock Apollo and express$/,
    [ratio(latest, 'product / product on stock Apollo + express, 100 buyers')],
  ],
  [
    /^10,000 attempts on 1,000 units, against as many empty queries, time$/,
    [ratio(latest, 'sell-out of 1,000 in 10,000 attempts / 10,000 empty queries, time')],
  ],
  [
    /^createHold, against an empty query on the same server, 100 buyers$/,
    [ratio(latest, 'createHold / empty query, 100 buyers')],
  ],
];

const STOCK_APOLLO = 'product on stock Apollo + express';

/** A call of a purchase: its ratio at many connections, its p99, and for one buyer against batches of one. */
const ofCall = (label: RegExp, what: string, connections = 100): Quoted => [
  label,
  [
    ratio(purchase, `${what} / ${STOCK_APOLLO}, ${connections} connections`),
    seriesOf(purchase, what, connections).p99Ms.median,
    ratio(purchase, `${what} / the same with batches of one, 1 buyer`),
  ],
];

const ofPurchases: readonly Quoted[] = [
  ofCall(/^createHold$/, 'createHold'),
  ofCall(/^createOrder$/, 'createOrder'),
  ofCall(/^webhook of a payment, 50 connections$/, 'webhook', 50),
  ofCall(/^releaseHold$/, 'releaseHold'),
  ofCall(/^cancelOrder$/, 'cancelOrder'),
  ...['order query', 'whole purchase'].map((what): Quoted => [
    new RegExp(`^${what}$`),
    [
      ratio(purchase, `${what} / ${STOCK_APOLLO}, 100 connections`),
      seriesOf(purchase, what, 100).p99Ms.median,
    ],
  ]),
  [
    /^createHold of one buyer, against an empty query of one$/,
    [ratio(purchase, 'createHold / empty query, 1 buyer')],
  ],
  [
    /^createHold beside payments at full speed, against alone$/,
    [ratio(purchase, 'createHold beside webhooks / alone, 100 buyers')],
  ],
  [
    /^p99 of a webhook beside createHold at full speed, against alone$/,
    [ratio(purchase, 'p99 of a webhook beside createHold / alone, 25 connections')],
  ],
  [
    /^10,000 units sold to 500 buyers, against 30,000 empty queries, time$/,
    [ratio(purchase, 'sale of 10,000 units by 500 buyers / 30,000 empty queries, time')],
  ],
  [
    /^createHold, against the same hold in Redis, 1 \/ 25 \/ 100 \/ 400 buyers$/,
    ['1 buyer', '25 buyers', '100 buyers', '400 buyers'].map((buyers) =>
      ratio(redis, `createHold / createHold over Redis, ${buyers}`),
    ),
  ],
  [
    /^createHold over HTTP, 25 buyers, against without HTTP$/,
    [
      seriesOf(latest, 'createHold', 25).perSecond.median /
        seriesOf(engine, 'createHold', 25).perSecond.median,
    ],
  ],
];

const ofOverload: readonly Quoted[] = [
  [
    /^holds served at three times the load/,
    [ratio(overload, 'holds served at three times the load / at 100 buyers')],
  ],
  [
    /^memory of the server in the last round of that/,
    [ratio(overload, 'memory in the last round of overload / in the second')],
  ],
  [
    /^another product beside one whose row is locked/,
    [ratio(overload, 'another product beside a locked one / alone, 25 buyers')],
  ],
  [
    /^longest wait for `Busy` behind that row$/,
    [ratio(overload, 'longest wait for Busy behind a locked row, seconds')],
  ],
  [
    /^createHold with a million ended holds in the table/,
    [ratio(overload, 'createHold with a million ended holds / with none, 100 buyers')],
  ],
  [
    /^100,000 holds due at once/,
    [ratio(overload, '100,000 holds due at once, seconds until the last is back')],
  ],
];

const answers = Object.entries(hostile.attack.answers) as [status: string, count: number][];
const sumOf = (counted: typeof answers) => counted.reduce((sum, [, count]) => sum + count, 0);
const besideIt = (what: string, buyers: number) =>
  seriesOf(hostile, `${what}, beside the corpus`, buyers);

const ofAttack: readonly Quoted[] = [
  [
    /^p99 of 200 holds a second beside it, against alone \((\d+) and (\d+) ms\)$/,
    [
      besideIt('200 holds a second', 50).p99Ms.median,
      seriesOf(hostile, '200 holds a second', 50).p99Ms.median,
      ratio(hostile, 'p99 of 200 holds a second beside the corpus / alone'),
    ],
  ],
  [
    /^p99 of 100 buyers at full speed beside it, against alone$/,
    [ratio(hostile, 'p99 of holds at full speed beside the corpus / alone')],
  ],
  [
    /^holds a second of those beside it, against alone$/,
    [
      besideIt('holds at full speed', 100).perSecond.median /
        seriesOf(hostile, 'holds at full speed', 100).perSecond.median,
    ],
  ],
  [
    /^memory of the server in the seventh window beside it/,
    [
      ratio(
        hostile,
        'memory in the last window of 200 holds a second beside the corpus / in the fourth',
      ),
    ],
  ],
  [
    /^of ([\d,]+) hostile requests, answered by a fault$/,
    [sumOf(answers), sumOf(answers.filter(([status]) => /^5\d\d$/.test(status)))],
  ],
];

const ofHeavyDocuments: readonly Quoted[] = [
  '1 connection',
  '20 connections',
  '100 connections',
].map((connections) => [
  new RegExp(`^heavy documents on ${connections}$`),
  ['POST', 'websocket'].flatMap((how) => {
    const beside = `beside heavy documents on ${connections} by ${how}`;
    return [
      ratio(heavy, `holds a second ${beside} / without`),
      ratio(heavy, `p99 of holds ${beside} / without`),
      ratio(heavy, `p99 of /readyz ${beside}, ms`),
    ];
  }),
]);

const messages = ({ messagesPerSecond }: Cell) => messagesPerSecond;
const holds = ({ holdsPerSecond }: Cell) => holdsPerSecond;
const [shared, plain] = ['shared', 'plain'] as const;
const steady = (screens: number): number[] =>
  [shared, plain].map((served) => watched({ served, screens, load: 'steady' }, messages));

const ofLiveStock: readonly Quoted[] = [
  [/^messages to 1,000 screens a second/, steady(1000)],
  [/^messages to 5,000 screens a second/, steady(5000)],
  [
    /^the same with holds at full speed, and the holds a second beside it$/,
    [shared, plain].flatMap((served) =>
      [messages, holds].map((figure) =>
        watched({ served, screens: 5000, load: 'full speed' }, figure),
      ),
    ),
  ],
  [/^server CPU of a message$/, claimed('server CPU of a message (plain execution)').slice(0, 2)],
  [
    /^p99 from commit to receipt, 1,000 screens, holds at full speed$/,
    [shared, plain].map((served) =>
      watched({ served, screens: 1000, load: 'full speed' }, ({ p99Ms }) => p99Ms),
    ),
  ],
  [
    /^holds a second with 1,000 screens watching, against none$/,
    claimed('holds a second with 1,000 screens watching (with none)').slice(2),
  ],
  [
    /^p99 of 950 screens when 50 stop reading/,
    [live.stalled.others.p99Ms / live.stalled.before.p99Ms, live.stalled.unreadBytesMax / 1024],
  ],
];

const QUOTED = [
  ...ofSpeed,
  ...ofPurchases,
  ...ofOverload,
  ...ofAttack,
  ...ofHeavyDocuments,
  ...ofLiveStock,
];

/** The rows of all tables of a document, without their heads. */
function rowsOf(markdown: string): string[][] {
  const lines = markdown.split('\n');
  return lines
    .filter((line, index) => line.startsWith('|') && !/^\|\s*-/.test(lines[index + 1] ?? ''))
    .filter((line) => !/^\|\s*-/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const ROWS = rowsOf(textOf('docs/benchmarks.md'));

test.each(ROWS)('docs/benchmarks.md quotes the results in "%s"', (label, ...cells) => {
  const [pattern, figures] = QUOTED.find(([known]) => known.test(label!)) ?? [/^$/, []];
  const [, ...inLabel] = pattern.exec(label!) ?? [];
  const shown = [...inLabel, ...cells.flatMap(figuresIn)];

  // Each quoted figure is the result, rounded to the number of its decimals.
  expect(shown.map((one) => one.replaceAll(',', ''))).toEqual(
    figures.map((figure, index) => rounded(figure, decimalsOf(shown[index] ?? ''))),
  );
  expect(shown).not.toEqual([]);
});

test('docs/benchmarks.md quotes every result that is listed here', () => {
  const missing = QUOTED.filter(([label]) => !ROWS.some(([row]) => label.test(row!)));

  expect(missing).toEqual([]);
});

test('the capacity table of docs/operations.md is that of bench/results/latest.json', () => {
  const ms = (us: number) => `${(us / 1000).toFixed(2)} ms`;
  const whole = (figure: number) => Math.round(figure).toLocaleString('en-US');
  const expected = [1, 25, 100, 400].map((buyers) => {
    const hold = seriesOf(latest, 'createHold', buyers);
    const { perSecond: looks } = seriesOf(latest, 'product', buyers);
    return [
      String(buyers),
      whole(hold.perSecond.median),
      `${Math.round(hold.p99Ms.median)} ms`,
      ms(hold.serverCpuUs.median),
      ms(hold.postgresCpuUs.median),
      whole(looks.median),
    ];
  });

  expect(tableOf(textOf('docs/operations.md'), 'buyers at once')).toEqual(expected);
});
