import { transact, type Transaction } from '../../../postgres/transaction.ts';
import { writeAuditEntry, type AdminCaller } from './audit-log.ts';
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
export interface ActionResult<Answer> {
  readonly answer: Answer;
  /** The row before and after the change; null if there is none. */
  readonly before: object | null;
  readonly after: object | null;
}

/** The result of an operation that changed no row. */
export function unchanged<Answer>(answer: Answer): ActionResult<Answer> {
  return { answer, before: null, after: null };
}

/**
 * Runs an admin operation and writes its audit entry, both in one transaction: neither commits
 * without the other. A refusal is recorded under its code. Malformed input is not recorded.
 *
 * @throws BusyFault when a lock was not available in time: nothing was changed or recorded
 */
export function withAudit<Answer extends object>(
  shop: Pick<Shop, 'database'>,
  { caller, name, args }: AdminAction,
  work: (tx: Transaction) => Promise<ActionResult<Answer>>,
): Promise<Answer> {
  return transact(shop.database, async (tx) => {
    const { answer, before, after } = await work(tx);
    const outcome = isRefusal(answer) ? answer.code : 'DONE';
    if (outcome !== 'BAD_USER_INPUT')
      await writeAuditEntry(tx, caller, { action: name, outcome, args, before, after });
    return answer;
  });
}
