import type { Database } from '../../../postgres/database.ts';
import { newId } from '../../../lib/ids.ts';
import type { Transaction } from '../../../postgres/transaction.ts';

/** The caller of an admin operation, as the audit log records it. */
export interface AdminCaller {
  /** What authorizes the caller, for example "admin token". Never the token itself. */
  readonly actor: string;
  /** Network address; null for the command line. */
  readonly address: string | null;
  readonly requestId: string | null;
  /** Receives what an operation changed, before its commit; again if its transaction is repeated. */
  readonly onResult?: (changed: ChangedRow) => void;
  /** Rolls an operation back in place of its commit: nothing is changed, recorded or published. */
  readonly isDryRun?: boolean;
}

/** The row that an operation changed, as the audit log stores it; null if there is none. */
export interface ChangedRow {
  readonly before: object | null;
  readonly after: object | null;
}

const INSERT_ENTRY = `
  insert into operator_acts (id, at, actor, address, request_id, act, outcome, asked, before, after, times)
  values ($1, shop_clock(), $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9::jsonb, $10)`;

/** One entry of the audit log. */
export interface AuditEntry {
  /** The operation's name. */
  readonly action: string;
  readonly outcome: string;
  readonly args?: object | null;
  readonly before?: object | null;
  readonly after?: object | null;
  /** Number of unauthorized attempts that the entry counts; 1 if absent. */
  readonly times?: number;
}

/** Writes one entry of the audit log, in the caller's transaction or in one of its own. */
export async function writeAuditEntry(
  session: Pick<Database, 'rows'> | Pick<Transaction, 'rows'>,
  { actor, address, requestId }: AdminCaller,
  { action, outcome, args, before, after, times = 1 }: AuditEntry,
): Promise<void> {
  const text = (value: object | null | undefined) =>
    value ? JSON.stringify(value, (_key, part: unknown) => storable(part)) : null;
  await session.rows(INSERT_ENTRY, [
    newId(),
    actor,
    address,
    requestId,
    action,
    outcome,
    text(args),
    text(before),
    text(after),
    times,
  ]);
}

/**
 * Text that jsonb can store, for arguments that were refused because it cannot: NUL and halves of surrogate
 * pairs become U+FFFD. A refused operation is recorded as well.
 */
function storable(part: unknown): unknown {
  return typeof part === 'string' ? part.replaceAll('\0', '\ufffd').toWellFormed() : part;
}
