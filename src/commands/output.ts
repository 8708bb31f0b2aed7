import { stripVTControlCharacters } from 'node:util';
import type { Page } from '../postgres/page.ts';
import { noProgress, type Progress } from '../lib/progress.ts';

/** How a command ends, for scripts. */
export const EXIT = {
  /** Done. */
  done: 0,
  /** Not done; one line on standard error says why. */
  failed: 1,
  /** The command line was not understood. */
  usage: 2,
  /** Done, and something is there for a person to look at. */
  found: 3,
} as const;

/** One row, for people and scripts alike: its names are a table's headings and JSON's keys. */
export type Shown = Readonly<Record<string, string | number | boolean | Date | null>>;

/** Writes one line to standard output. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes the answer: one JSON value and nothing else for scripts, or the text for people. */
export function answer(json: true | undefined, value: unknown, text: () => string): void {
  say(json ? JSON.stringify(value, null, 2) : text());
}

/** Ends the command as done, with something for a person to look at. */
export function foundSomething(): void {
  process.exitCode = EXIT.found;
}

/** Rows under their headings, columns aligned; numbers to the right. */
export function tableOf(rows: readonly Shown[]): string {
  const headings = Object.keys(rows[0] ?? {});
  const columns = headings.map((heading) => {
    const cells = rows.map((row) => row[heading]!);
    const texts = cells.map(cellText);
    const width = Math.max(heading.length, ...texts.map((text) => text.length));
    const areNumbers = cells.some((cell) => typeof cell === 'number');
    return [heading, ...texts].map((text) =>
      areNumbers ? text.padStart(width) : text.padEnd(width),
    );
  });
  const lines = [headings, ...rows].map((_, line) => columns.map((column) => column[line]));
  return lines.map((cells) => cells.join('  ').trimEnd()).join('\n');
}

/**
 * A value in one line. Customers and providers choose some of these texts, so nothing that steers a
 * terminal or turns its writing round may pass.
 */
function cellText(value: Shown[string]): string {
  if (value === null) return '-';
  if (value instanceof Date) return value.toISOString();
  return stripVTControlCharacters(String(value)).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
}

/** A page of a list: a table and where it goes on, or `{ rows, totalCount, next }`. */
export function answerPage<Row>(
  json: true | undefined,
  page: Page<Row>,
  {
    show,
    keyOf,
  }: { readonly show: (row: Row) => Shown; readonly keyOf: (row: Row) => string | number },
): void {
  const rows = page.rows.map(show);
  const last = page.rows.at(-1);
  const next = page.hasNextPage && last !== undefined ? keyOf(last) : null;
  answer(json, { rows, totalCount: page.totalCount, next }, () =>
    [
      ...(rows.length > 0 ? [tableOf(rows), ''] : []),
      footer(rows.length, page.totalCount, next),
    ].join('\n'),
  );
}

/** How much of a list was shown, and how it goes on. */
export function footer(shown: number, totalCount: number, next: string | number | null): string {
  return `${shown} of ${totalCount}.${next === null ? '' : ` More: --after ${next}`}`;
}

const BAR_CELLS = 30;

/** Does long work, with a bar on standard error where somebody looks on. */
export async function withBar<Result>(
  work: (progress: Progress) => Promise<Result>,
): Promise<Result> {
  const { stderr } = process;
  if (!stderr.isTTY) return work(noProgress);
  try {
    return await work((done, total) => {
      const filled = total === 0 ? BAR_CELLS : Math.floor((done / total) * BAR_CELLS);
      const bar = '#'.repeat(filled).padEnd(BAR_CELLS, '.');
      stderr.write(`\r[${bar}] ${done} of ${total}`);
    });
  } finally {
    // Wiped: what follows begins on a clean line.
    stderr.write('\r\u001b[2K');
  }
}
