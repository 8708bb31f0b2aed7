import { pageOf, tableHtml } from './html.ts';
import { FORMAT, type RehearsalResult } from './result.ts';

/** One figure of two rehearsals. */
export interface Compared {
  readonly what: string;
  readonly first: string;
  readonly second: string;
  /** The change from the first to the second; empty for texts that are equal. */
  readonly change: string;
}

/**
 * Reads the result of a rehearsal from the text of its JSON file.
 *
 * @throws where the text is no result of this format; `name` is in the message
 */
export function readResult(text: string, name: string): RehearsalResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${name} is not JSON.`);
  }
  const { format } = (value ?? {}) as { readonly format?: unknown };
  if (format === FORMAT) return value as RehearsalResult;
  throw new Error(`${name} is not the JSON file of a rehearsal, or of another version.`);
}

/** The figures of two rehearsals beside each other, then the options in which they differ. */
export function compare(first: RehearsalResult, second: RehearsalResult): Compared[] {
  const figure = (what: string, of: (result: RehearsalResult) => number | null): Compared =>
    comparedNumbers(what, of(first), of(second));
  return [
    text('verdict', first, second, ({ verdict }) => (verdict.passed ? 'passed' : 'FAILED')),
    figure('units sold', ({ final }) => final.stock.sold),
    figure('units left', ({ final }) => final.stock.available),
    figure('sold out after, s', ({ soldOutAtMs }) => soldOutAtMs && soldOutAtMs / 1000),
    figure('buyers with a hold or a reason: p50, ms', ({ decided }) => decided.p50),
    figure('the same: p99, ms', ({ decided }) => decided.p99),
    ...first.calls.flatMap(({ operation }) => [
      figure(`${operation}: calls`, (result) => callOf(result, operation)?.count ?? null),
      figure(`${operation}: p50, ms`, (result) => callOf(result, operation)?.p50 ?? null),
      figure(`${operation}: p99, ms`, (result) => callOf(result, operation)?.p99 ?? null),
    ]),
    figure('answers "busy"', ({ refusals }) => refusals['BUSY'] ?? 0),
    figure('open refunds', ({ final }) => final.openRefunds),
    text('what limited', first, second, ({ limit }) => limit.text),
    ...differingOptions(first, second),
  ];
}

const callOf = ({ calls }: RehearsalResult, name: string) =>
  calls.find(({ operation }) => operation === name);

function text(
  what: string,
  first: RehearsalResult,
  second: RehearsalResult,
  of: (result: RehearsalResult) => string,
): Compared {
  const [one, other] = [of(first), of(second)];
  return { what, first: one, second: other, change: one === other ? '' : 'differs' };
}

function comparedNumbers(what: string, first: number | null, second: number | null): Compared {
  const shown = (value: number | null): string =>
    value === null ? '-' : Number(value.toFixed(1)).toLocaleString('en-US');
  const change =
    first === null || second === null || first === 0
      ? ''
      : `${second >= first ? '+' : ''}${(((second - first) / first) * 100).toFixed(0)} %`;
  return { what, first: shown(first), second: shown(second), change };
}

function differingOptions(first: RehearsalResult, second: RehearsalResult): Compared[] {
  const [one, other] = [first, second].map(({ options: { settings, ...plain } }) => ({
    ...plain,
    ...settings,
  })) as Readonly<Record<string, unknown>>[];
  const names = [...new Set([...Object.keys(one!), ...Object.keys(other!)])];
  return names
    .map((name) => ({
      what: `option ${name}`,
      first: JSON.stringify(one![name]) ?? '-',
      second: JSON.stringify(other![name]) ?? '-',
      change: 'differs',
    }))
    .filter((row) => row.first !== row.second);
}

/** The comparison as one HTML file without a script or an address. */
export function comparisonHtml(first: RehearsalResult, second: RehearsalResult): string {
  const rows = compare(first, second).map((row) => [row.what, row.first, row.second, row.change]);
  return pageOf(
    'Two rehearsals',
    `<h1>Two rehearsals</h1>${tableHtml(['', first.openedAt, second.openedAt, 'change'], rows)}`,
  );
}
