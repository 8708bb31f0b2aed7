import { stripVTControlCharacters } from 'node:util';
import type { Page } from '../postgres/page.ts';
import { noProgress, type Progress } from '../shop/reconciliation/reconcile.ts';

/** How a command ends, for scripts. */
export const EXIT = {
  /** Done. */
  done: 0,
  /** Not done; one line on standard error has the reason. */
  failed: 1,
  /** The command line is invalid. */
  usage: 2,
  /** Done, and the result needs an admin. */
  found: 3,
  /** Stopped by a signal before it was done. */
  interrupted: 130,
} as const;

/** Input that the shop's rules refuse; the command line is not valid. */
export class InvalidInput extends Error {}

/** One row of an answer. Its names are the headings of a table and the keys of JSON. */
export type Shown = Readonly<Record<string, string | number | boolean | Date | null>>;

/** Writes one line to standard output. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes the answer: one JSON value with `--json`, else the text. */
export function answer(json: true | undefined, value: unknown, text: () => string): void {
  say(json ? JSON.stringify(value, null, 2) : text());
}

/** Ends the command as done, with a result that needs an admin. */
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
 * A value in one line. Customers and providers choose some of these texts, so control and bidirectional
 * characters are replaced.
 */
function cellText(value: Shown[string]): string {
  if (value === null) return '-';
  if (value instanceof Date) return value.toISOString();
  return oneLine(String(value));
}

/** The text without what could move the cursor of a terminal or reorder its line. */
export function oneLine(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
}

/** A page of a list: a table and the start of the next page, or `{ rows, totalCount, next }`. */
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

/** The number of listed rows, and the option that shows the next page. */
export function footer(shown: number, totalCount: number, next: string | number | null): string {
  return `${shown} of ${totalCount}.${next === null ? '' : ` More: --after ${next}`}`;
}

const BAR_CELLS = 30;

/** Does long work. Shows a progress bar when standard error is a terminal. */
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
    // The bar is erased, so that the output begins on an empty line.
    stderr.write('\r\u001b[2K');
  }
}
