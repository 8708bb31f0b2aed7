import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseProductId } from '../shop/catalog/product.rules.ts';
import type { Operator } from '../shop/admin/audit-log.ts';
import { parseUuid } from '../lib/ids.ts';

/** Who acts from the command line, as the audit log names them: whoever has the database's address. */
export const COMMAND_LINE: Operator = { actor: 'command line', address: null, requestId: null };

/** What every command for people and scripts takes. */
export interface JsonOption {
  readonly json?: true;
}

/** What every list takes. */
export interface ListOptions<Key> extends JsonOption {
  readonly first: number;
  readonly after?: Key;
}

/** Adds `--json`. */
export function withJson(command: Command): Command {
  return command.option('--json', 'one JSON value, for scripts');
}

/** Adds what every list takes; `key` reads the id that a page comes after. */
export function withPage(command: Command, key: (text: string) => unknown): Command {
  return withJson(command)
    .addOption(
      new Option('--first <n>', 'rows, 1 to 100, newest first').argParser(pageSize).default(20),
    )
    .addOption(new Option('--after <id>', 'where the page before ended').argParser(key));
}

/** Adds a filter by one of these words, which the database writes in capitals. */
export function withStatus(command: Command, statuses: readonly string[]): Command {
  return command.addOption(
    new Option('--status <word>', 'only those that stand so').choices(
      statuses.map((status) => status.toLowerCase()),
    ),
  );
}

/** A filter's word as the database writes it; null where there is none. */
export function statusOf<Status extends string>(word: string | undefined): Status | null {
  return word === undefined ? null : (word.toUpperCase() as Status);
}

/** A number of times or of milliseconds. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

function pageSize(text: string): number {
  const size = wholeNumber(text);
  if (size >= 1 && size <= 100) return size;
  throw new InvalidArgumentError('It must be 1 to 100.');
}

/** A product’s id. */
export function productId(text: string): number {
  const id = parseProductId(text);
  if (id !== undefined) return id;
  throw new InvalidArgumentError('A product’s id is a whole number.');
}

/** The id of a hold, an order, a payment event or a refund. */
export function uuid(text: string): string {
  const id = parseUuid(text);
  if (id !== undefined) return id;
  throw new InvalidArgumentError('It must be a UUID.');
}

/** An age in whole days, written as in 90d: one day to some ninety years. */
export function days(text: string): number {
  const count = Number(/^(\d{1,5})d$/.exec(text)?.[1] ?? 0);
  if (count >= 1 && count <= 36_500) return count;
  throw new InvalidArgumentError('It must be a number of days, as in 90d.');
}

/** What an act comes with: a reason or a note, 1 to 500 characters that a database can hold. */
export function words(text: string): string {
  if (/^[^\0\uD800-\uDFFF]{1,500}$/u.test(text)) return text;
  throw new InvalidArgumentError('It must be 1 to 500 characters.');
}
