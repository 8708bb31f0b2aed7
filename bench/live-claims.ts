import { spread, type Spread } from './figures.ts';
import { SIZES, type alone, type Cell, type Load, type Served } from './live-cells.ts';
import { table, whole } from './report.ts';
import { median } from './server.ts';
import type { withStalled } from './stalled.ts';

/** The publisher's maximum of messages to each screen. */
export const PER_SECOND = 20;

/** One figure of the cells of a kind, over the rounds. */
export function over(
  cells: readonly Cell[],
  kind: Partial<Cell>,
  figure: (cell: Cell) => number,
): Spread {
  const fits = (cell: Cell) =>
    Object.entries(kind).every(([name, value]) => cell[name as keyof Cell] === value);
  return spread(cells.filter(fits).map(figure));
}

export interface Claim {
  readonly what: string;
  readonly needed: string;
  readonly reached: string;
  readonly isReached: boolean;
}

/** The required ratios of live stock, and the measured ones. */
export function claimsOf(
  cells: readonly Cell[],
  quiet: readonly Awaited<ReturnType<typeof alone>>[],
  stalled: Awaited<ReturnType<typeof withStalled>>,
): Claim[] {
  const share = (served: Served, screens: number, load: Load): number =>
    over(cells, { served, screens, load }, (cell) => cell.messagesPerSecond).median /
    (screens * PER_SECOND);
  const idleCpu = median(quiet.map(({ steadyCpuPerSecond }) => steadyCpuPerSecond));
  const cpuUs = (served: Served): number =>
    over(
      cells,
      { served, screens: 1000, load: 'steady' },
      (cell) => ((cell.serverCpuSeconds - (idleCpu * cell.tookMs) / 1000) * 1e6) / cell.messages,
    ).median;
  const p99 = (load: Load): number =>
    over(cells, { served: 'shared', screens: 1000, load }, (cell) => cell.p99Ms).median;
  const watched = over(
    cells,
    { served: 'shared', screens: 1000, load: 'full speed' },
    (cell) => cell.holdsPerSecond,
  ).median;
  const unwatched = median(quiet.map(({ holdsPerSecond }) => holdsPerSecond));
  const percent = (part: number): string => `${(part * 100).toFixed(0)} %`;
  const delivered = (load: Load): Claim => {
    const [shared, plain] = [share('shared', 5000, load), share('plain', 5000, load)];
    return {
      what: `delivered to 5,000 screens at 20 a second, holds at ${load === 'steady' ? '40 a second' : 'full speed'} (plain execution)`,
      needed: '≥ 95 %, or 4 × plain',
      reached: `${percent(shared)} (${percent(plain)}; ${(shared / plain).toFixed(1)} ×)`,
      isReached: shared >= 0.95 || shared >= 4 * plain,
    };
  };
  return [
    delivered('steady'),
    delivered('full speed'),
    {
      what: 'server CPU of a message (plain execution)',
      needed: '≤ 0.3 × plain',
      reached: `${cpuUs('shared').toFixed(1)} µs (${cpuUs('plain').toFixed(1)} µs; ${(cpuUs('shared') / cpuUs('plain')).toFixed(2)} ×)`,
      isReached: cpuUs('shared') <= 0.3 * cpuUs('plain'),
    },
    {
      what: 'p99 from commit to receipt, 1,000 screens, holds at full speed',
      needed: '≤ 250 ms',
      reached: `${p99('full speed').toFixed(0)} ms`,
      isReached: p99('full speed') <= 250,
    },
    {
      what: 'holds a second with 1,000 screens watching (with none)',
      needed: '≥ 0.7 × unwatched',
      reached: `${whole(watched)} (${whole(unwatched)}; ${(watched / unwatched).toFixed(2)} ×)`,
      isReached: watched >= 0.7 * unwatched,
    },
    {
      what: '50 of 1,000 stalled: p99 of the others (before they stalled)',
      needed: '≤ 1.2 ×',
      reached: `${stalled.others.p99Ms.toFixed(0)} ms (${stalled.before.p99Ms.toFixed(0)} ms; ${(stalled.others.p99Ms / stalled.before.p99Ms).toFixed(2)} ×)`,
      isReached: stalled.others.p99Ms <= 1.2 * stalled.before.p99Ms,
    },
    {
      what: 'most bytes that lie unread for a stalled socket',
      needed: '< 256 KiB',
      reached: `${(stalled.unreadBytesMax / 1024).toFixed(0)} KiB`,
      isReached: stalled.unreadBytesMax < 256 * 1024,
    },
  ];
}

export function cellTable(cells: readonly Cell[]): string {
  const kinds = SIZES.flatMap((screens) =>
    (['steady', 'full speed'] as const).flatMap((load) =>
      (['shared', 'plain'] as const).map((served) => ({ served, screens, load })),
    ),
  );
  return table([
    ['', 'screens', 'holds', 'messages/s', 'p50 ms', 'p99 ms', 'holds/s'],
    ...kinds.map((kind) => {
      const figure = (of: (cell: Cell) => number) => over(cells, kind, of).median;
      return [
        kind.served,
        whole(kind.screens),
        kind.load,
        whole(figure((cell) => cell.messagesPerSecond)),
        figure((cell) => cell.p50Ms).toFixed(0),
        figure((cell) => cell.p99Ms).toFixed(0),
        whole(figure((cell) => cell.holdsPerSecond)),
      ];
    }),
  ]);
}
