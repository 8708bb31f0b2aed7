import type { Transaction } from './transaction.ts';

/** Longest statement of an audit, in milliseconds. */
const AUDIT_MS_MAX = 60_000;

const PATIENTLY = "select set_config('statement_timeout', $1, true)";

/**
 * Lets this transaction's statements run for up to a minute: an audit of a large sale reads all of
 * it, locks nothing, and may take its time.
 */
export async function patiently(tx: Transaction): Promise<void> {
  await tx.rows(PATIENTLY, [String(AUDIT_MS_MAX)]);
}
