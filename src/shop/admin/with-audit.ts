import type { Database } from '../../postgres/database.ts';
import { newId } from '../../lib/ids.ts';
import { transact, type Transaction } from '../../postgres/transaction.ts';
import { isRefusal } from '../refusal.ts';
import type { Shop } from '../shop.ts';

/** Who acts, as the audit log names them. */
export interface Operator {
  /** By which right: the words "admin token", say, and never the token itself. */
  readonly actor: string;
  readonly address: string | null;
  readonly requestId: string | null;
}

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
 * @throws BusyFault when a lock was not had in time: nothing was done and nothing is recorded
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

const RECORD = `
  insert into operator_acts (id, at, actor, address, request_id, act, outcome, asked, before, after, times)
  values ($1, shop_clock(), $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9::jsonb, $10)`;

/** What the audit log keeps of one act, or of many denied tries. */
interface Recording {
  readonly name: string;
  readonly outcome: string;
  readonly asked?: object | null;
  readonly before?: object | null;
  readonly after?: object | null;
  readonly times?: number;
}

/** Writes one row of the audit log, inside the caller's transaction or by itself. */
export async function recordAct(
  session: Pick<Database, 'rows'> | Pick<Transaction, 'rows'>,
  { actor, address, requestId }: Operator,
  { name, outcome, asked, before, after, times = 1 }: Recording,
): Promise<void> {
  const text = (value: object | null | undefined) => (value ? JSON.stringify(value) : null);
  await session.rows(RECORD, [
    newId(),
    actor,
    address,
    requestId,
    name,
    outcome,
    text(asked),
    text(before),
    text(after),
    times,
  ]);
}
