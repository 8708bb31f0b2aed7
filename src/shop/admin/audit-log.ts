import type { Database } from '../../postgres/database.ts';
import { newId } from '../../lib/ids.ts';
import type { Transaction } from '../../postgres/transaction.ts';

/** Who acts, as the audit log names them. */
export interface Operator {
  /** By which right: the words "admin token", say, and never the token itself. */
  readonly actor: string;
  readonly address: string | null;
  readonly requestId: string | null;
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
