import { isReached, spreadOf, type Ratio, type Series, type Spread } from './figures.ts';

/** Rows of text in columns: the first to the left, all others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
        )
        .join('  '),
    )
    .join('\n');
}

const HEADS = ['', 'buyers', 'a second', '(min–max)', 'p50 ms', 'p99 ms', '(min–max)', 'refused'];
const CPU_HEADS = ['server µs', 'database µs'];

/** A table with a line for each series; CPU is that of one request. */
export function seriesTable(series: readonly Series[]): string {
  const withCpu = series.some(({ rounds }) => !Number.isNaN(rounds[0]!.serverCpuUs));
  return table([
    withCpu ? [...HEADS, ...CPU_HEADS] : HEADS,
    ...series.map((one) => {
      const [rate, p50, p99] = [
        spreadOf(one, 'rate'),
        spreadOf(one, 'p50Ms'),
        spreadOf(one, 'p99Ms'),
      ];
      const cpu = [spreadOf(one, 'serverCpuUs'), spreadOf(one, 'postgresCpuUs')];
      return [
        one.what,
        String(one.buyers),
        whole(rate.median),
        `(${whole(rate.min)}–${whole(rate.max)})`,
        p50.median.toFixed(1),
        p99.median.toFixed(1),
        `(${p99.min.toFixed(1)}–${p99.max.toFixed(1)})`,
        String(one.rounds.reduce((sum, { refused }) => sum + refused, 0)),
        ...(withCpu ? cpu.map(({ median }) => whole(median)) : []),
      ];
    }),
  ]);
}

/** A table of the ratios: required, measured, and whether that is enough. */
export function ratioTable(ratios: readonly Ratio[]): string {
  return table([
    ['ratio', 'required', 'aim', 'reached', '(rounds)', ''],
    ...ratios.map((ratio) => [
      ratio.what,
      `${ratio.atMost ? '≤' : '≥'} ${ratio.needed}`,
      ratio.aim === undefined ? '' : String(ratio.aim),
      ratio.reached.median.toFixed(2),
      `(${ratio.reached.min.toFixed(2)}–${ratio.reached.max.toFixed(2)})`,
      isReached(ratio) ? 'yes' : 'SHORT',
    ]),
  ]);
}

/** The same figures as JSON data. */
export function resultsOf(series: readonly Series[], ratios: readonly Ratio[]): object {
  const rounded = ({ median, min, max }: Spread): Spread => ({
    median: round(median),
    min: round(min),
    max: round(max),
  });
  return {
    ratios: ratios.map((ratio) => ({
      ...ratio,
      reached: rounded(ratio.reached),
      isReached: isReached(ratio),
    })),
    series: series.map((one) => ({
      what: one.what,
      buyers: one.buyers,
      rounds: one.rounds.length,
      perSecond: rounded(spreadOf(one, 'rate')),
      p50Ms: rounded(spreadOf(one, 'p50Ms')),
      p99Ms: rounded(spreadOf(one, 'p99Ms')),
      serverCpuUs: rounded(spreadOf(one, 'serverCpuUs')),
      postgresCpuUs: rounded(spreadOf(one, 'postgresCpuUs')),
      refused: one.rounds.reduce((sum, { refused }) => sum + refused, 0),
    })),
  };
}

/** A number with thousands separators; a dash where it was not measured. */
export function whole(figure: number): string {
  if (Number.isNaN(figure)) return '–';
  return Math.round(figure).toLocaleString('en-US');
}

/** Rounds to three digits: a run is not more precise. */
function round(figure: number): number {
  return Number(figure.toPrecision(4));
}
