import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseProductId } from '../shop/catalog/product.rules.ts';
import type { AdminCaller } from '../shop/admin/audit/audit-log.ts';
import { parseUuid } from '../lib/ids.ts';

/** The caller of the command line in the audit log. Its right is access to the database. */
export const COMMAND_LINE: AdminCaller = { actor: 'command line', address: null, requestId: null };

/** The option of every command that prints a result. */
export interface JsonOption {
  readonly json?: true;
}

/** The options of every list command. */
export interface ListOptions<Key> extends JsonOption {
  readonly first: number;
  readonly after?: Key;
}

/** Adds `--json`. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print one JSON value, for scripts');
}

/** Adds the options of a list command; `key` parses the value of `--after`. */
export function withPage(command: Command, key: (text: string) => unknown): Command {
  return withJson(command)
    .addOption(
      new Option('--first <n>', 'number of rows, 1 to 100, newest first')
        .argParser(pageSize)
        .default(20),
    )
    .addOption(new Option('--after <id>', 'last id of the previous page').argParser(key));
}

/** Adds `--status` with these choices in lower case; the database has them in upper case. */
export function withStatus(command: Command, statuses: readonly string[]): Command {
  return command.addOption(
    new Option('--status <word>', 'filter by status').choices(
      statuses.map((status) => status.toLowerCase()),
    ),
  );
}

/** The status in upper case, as in the database; null without a filter. */
export function statusOf<Status extends string>(word: string | undefined): Status | null {
  return word === undefined ? null : (word.toUpperCase() as Status);
}

/** Parses a non-negative whole number of at most nine digits. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

function pageSize(text: string): number {
  const size = wholeNumber(text);
  if (size >= 1 && size <= 100) return size;
  throw new InvalidArgumentError('It must be 1 to 100.');
}

/** Parses a product id. */
export function productId(text: string): number {
  const id = parseProductId(text);
  if (id !== undefined) return id;
  throw new InvalidArgumentError('A product id is a whole number.');
}

/** Parses the id of a hold, an order, a payment event or a refund. */
export function uuid(text: string): string {
  const id = parseUuid(text);
  if (id !== undefined) return id;
  throw new InvalidArgumentError('It must be a UUID.');
}

/** Parses an age in whole days, for example 90d: 1 to 36,500 days. */
export function days(text: string): number {
  const count = Number(/^(\d{1,5})d$/.exec(text)?.[1] ?? 0);
  if (count >= 1 && count <= 36_500) return count;
  throw new InvalidArgumentError('It must be a number of days, for example 90d.');
}

/** Parses an instant or a day in ISO 8601; without a time zone it is UTC. */
export function instant(text: string): Date {
  const parts = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(
    text,
  );
  const time = new Date(
    parts === null ? NaN : `${parts[1]}${parts[2] ?? 'T00:00'}${parts[3] ?? 'Z'}`,
  );
  if (!Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError(
    'It must be a time in ISO 8601, for example 2026-11-27T18:00:00Z.',
  );
}

/** Parses a reason or a note: 1 to 500 characters that PostgreSQL can store. */
export const words = textUpTo(500);

/** Parses text of 1 to `max` characters that PostgreSQL can store: no NUL, no lone surrogate. */
export function textUpTo(max: number): (text: string) => string {
  return (text) => {
    const { length } = Array.from(text);
    if (!text.includes('\0') && text.isWellFormed() && length >= 1 && length <= max) return text;
    throw new InvalidArgumentError(`It must be 1 to ${max} characters.`);
  };
}

/** PostgreSQL's largest integer. */
const INTEGER_MAX = 2_147_483_647;

/** Parses a whole number of at least `least` that the database can store. */
export function integerFrom(least: number): (text: string) => number {
  return (text) => {
    const value = /^[+-]?\d{1,10}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= INTEGER_MAX) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${INTEGER_MAX}.`);
  };
}
