import { transact, type Transaction } from '../../postgres/transaction.ts';
import { recordAct, type Operator } from './audit-log.ts';
import { isRefusal } from '../refusal.ts';
import type { Shop } from '../shop.ts';

/** An act: who does it, what it is called, and its arguments without what is secret among them. */
export interface Act {
  readonly operator: Operator;
  readonly name: string;
  readonly asked: object;
}

/** What an act did, for the record, and what its caller is answered. */
export interface Done<Answer> {
  readonly answer: Answer;
  /** What it changed, as it was and as it is; null where there is no such thing. */
  readonly before: object | null;
  readonly after: object | null;
}

/** Nothing was there to act upon, or the act was turned down before it touched anything. */
export function unchanged<Answer>(answer: Answer): Done<Answer> {
  return { answer, before: null, after: null };
}

/**
 * Carries out an operator's act and records it, both in one transaction: there is no act without its
 * row and no row without its act. A refused act is recorded too, under its code; malformed input is
 * no act at all.
 *
 * @throws BusyFault when a lock was not available in time: nothing was done and nothing is recorded
 */
export function withAudit<Answer extends object>(
  shop: Pick<Shop, 'database'>,
  { operator, ...act }: Act,
  work: (tx: Transaction) => Promise<Done<Answer>>,
): Promise<Answer> {
  return transact(shop.database, async (tx) => {
    const done = await work(tx);
    const outcome = isRefusal(done.answer) ? done.answer.code : 'DONE';
    if (outcome !== 'BAD_USER_INPUT') await recordAct(tx, operator, { ...act, ...done, outcome });
    return done.answer;
  });
}
