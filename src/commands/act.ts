import type { Command } from 'commander';
import type { AdminCaller, ChangedRow } from '../shop/admin/audit/audit-log.ts';
import { isRefusal, type Refusal } from '../shop/refusal.ts';
import type { Shop } from '../shop/shop.ts';
import { withShop } from './opened.ts';
import { COMMAND_LINE, withJson, type JsonOption } from './options.ts';
import { answer, InvalidInput, oneLine, tableOf, type Shown } from './output.ts';

/** The options of every command that changes the shop by an admin operation. */
export interface ActOptions extends JsonOption {
  readonly dryRun?: true;
}

/** Adds `--dry-run` and `--json`. */
export function withDryRun(command: Command): Command {
  return withJson(command).option('--dry-run', 'show what would change, and change nothing');
}

/** The result of an operation, for its report. */
interface Act {
  /** The operation's name in the audit log. */
  readonly action: string;
  /** What it concerns, for scripts. */
  readonly ids: Shown;
  /** What was done, as one sentence. */
  readonly done: string;
}

/** Runs one operation of a command. */
type Operation = (shop: Shop, caller: AdminCaller) => Promise<Act>;

/**
 * Does an admin operation and prints what it changed. With `--dry-run` the operation runs in full, locks
 * and refusals included, and is rolled back.
 */
export function act({ json, dryRun }: ActOptions, operation: Operation): Promise<void> {
  const isDryRun = dryRun === true;
  return withShop(async (shop) => {
    let changed: ChangedRow = { before: null, after: null };
    const onResult = (result: ChangedRow) => (changed = result);
    const { action, ids, done } = await operation(shop, { ...COMMAND_LINE, onResult, isDryRun });
    const { before } = changed;
    const after = isDryRun ? withoutNewIds(changed) : changed.after;
    answer(json, { action, dryRun: isDryRun, ...ids, before, after }, () => {
      const rows = changesOf({ before, after });
      return [
        ...(isDryRun ? ['Dry run: nothing was changed. Without --dry-run:'] : []),
        rows.length === 0 ? 'Nothing changes: it is so already.' : oneLine(done),
        ...(rows.length === 0 ? [] : ['', tableOf(rows)]),
      ].join('\n');
    });
  });
}

/** The answer of a use case. @throws its refusal as the error of the command */
export function accepted<Answer extends object>(given: Answer | Refusal): Exclude<Answer, Refusal> {
  if (!isRefusal(given)) return given as Exclude<Answer, Refusal>;
  throw given.code === 'BAD_USER_INPUT'
    ? new InvalidInput(given.message)
    : new Error(given.message);
}

/** The fields whose ids a dry run gave to rows that it did not keep. */
const NEW_IDS: readonly string[] = ['id', 'refundId'];

function withoutNewIds({ before, after }: ChangedRow): object | null {
  const fields = Object.entries({ ...after }).map(([field, value]) => {
    const isNew = NEW_IDS.includes(field) && value !== null && valueOf(before, field) === null;
    return [field, isNew ? '(new)' : (value as unknown)];
  });
  return after && (Object.fromEntries(fields) as object);
}

function changesOf({ before, after }: ChangedRow): Shown[] {
  return Object.keys({ ...after })
    .map((field) => ({ field, before: valueOf(before, field), after: valueOf(after, field) }))
    .filter((row) => JSON.stringify(row.before) !== JSON.stringify(row.after));
}

/** A field of a row of the audit log, whose values are plain; numbers as text, because columns mix them. */
function valueOf(row: object | null, field: string): Shown[string] {
  const value = (row as Shown | null)?.[field] ?? null;
  return typeof value === 'number' ? String(value) : value;
}
