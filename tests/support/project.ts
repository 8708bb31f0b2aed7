import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The root folder of the project. */
export const ROOT = join(import.meta.dirname, '../..');

/** The text of one of the project's files. */
export function textOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** The project's files that fit a pattern, in order. */
export function filesLike(...patterns: string[]): string[] {
  return globSync(patterns, { cwd: ROOT })
    .map((file) => file.replaceAll('\\', '/'))
    .toSorted((one, other) => (one < other ? -1 : 1));
}

/** Where a pattern occurs in these files: `file:line text`, for the message of a failure. */
export function linesLike(pattern: RegExp, files: readonly string[]): string[] {
  return files.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line, index) =>
        pattern.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [],
      ),
  );
}

/** The rows of the Markdown table with the first column `first`, without its two head rows. */
export function tableOf(markdown: string, first: string): string[][] {
  const lines = markdown.split('\n');
  const head = lines.findIndex((line) => cellsOf(line)[0] === first);
  if (head < 0) throw new Error(`There is no table whose first column is "${first}".`);
  const body = lines.slice(head + 2);
  const end = body.findIndex((line) => !line.startsWith('|'));
  return body.slice(0, end < 0 ? undefined : end).map(cellsOf);
}

function cellsOf(line: string): string[] {
  if (!line.startsWith('|')) return [];
  // A bar inside a cell is escaped with a backslash.
  const cells = line.split(/(?<!\\)\|/).slice(1, -1);
  return cells.map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** All names in backticks in a cell. */
export function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
}
