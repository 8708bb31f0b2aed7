import { transact, type Transaction } from '../../../postgres/transaction.ts';
import { writeAuditEntry, type AdminCaller, type ChangedRow } from './audit-log.ts';
import { isRefusal } from '../../refusal.ts';
import type { Shop } from '../../shop.ts';

/** One call of an admin operation. */
export interface AdminAction {
  readonly caller: AdminCaller;
  /** The operation's name. */
  readonly name: string;
  /** Its arguments, without secrets. */
  readonly args: object;
}

/** The result of an admin operation: for its caller, and for the audit log. */
export interface ActionResult<Answer> extends ChangedRow {
  readonly answer: Answer;
}

/** The result of an operation that changed no row. */
export function unchanged<Answer>(answer: Answer): ActionResult<Answer> {
  return { answer, before: null, after: null };
}

/**
 * Runs an admin operation and writes its audit entry, both in one transaction: neither commits
 * without the other. A refusal is recorded under its code. Malformed input is not recorded.
 * A dry run gives the same answer, and its transaction is rolled back.
 *
 * @throws BusyFault when a lock was not available in time: nothing was changed or recorded
 */
export function withAudit<Answer extends object>(
  shop: Pick<Shop, 'database'>,
  { caller, name, args }: AdminAction,
  work: (tx: Transaction) => Promise<ActionResult<Answer>>,
): Promise<Answer> {
  const recorded = transact(shop.database, async (tx) => {
    const { answer, before, after } = await work(tx);
    caller.onResult?.({ before, after });
    const outcome = isRefusal(answer) ? answer.code : 'DONE';
    if (outcome !== 'BAD_USER_INPUT')
      await writeAuditEntry(tx, caller, { action: name, outcome, args, before, after });
    if (caller.isDryRun) throw new DryRunEnd(answer);
    return answer;
  });
  return caller.isDryRun ? recorded.catch(answerOfDryRun<Answer>) : recorded;
}

/** Ends the transaction of a dry run, which is then rolled back, and carries its answer out. */
class DryRunEnd extends Error {
  readonly answer: object;

  constructor(answer: object) {
    super('A dry run is rolled back.');
    this.answer = answer;
  }
}

function answerOfDryRun<Answer extends object>(error: unknown): Answer {
  if (error instanceof DryRunEnd) return error.answer as Answer;
  throw error;
}
