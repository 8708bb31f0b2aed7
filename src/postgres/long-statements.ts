import type { Transaction } from './transaction.ts';

/** Longest statement of an audit, in milliseconds. */
const AUDIT_MS_MAX = 60_000;

/**
 * Lets this transaction's statements run for up to a minute: an audit of a large sale reads all of
 * it, locks nothing, and may take its time.
 */
export function allowLongStatements(tx: Transaction): Promise<void> {
  return tx.allow(AUDIT_MS_MAX);
}
