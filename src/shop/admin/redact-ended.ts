import { noProgress, type Progress } from '../reconciliation/reconcile.ts';
import { allowLongStatements, transact, type Transaction } from '../../postgres/transaction.ts';
import { writeAuditEntry, type AdminCaller } from './audit/audit-log.ts';
import type { Shop } from '../shop.ts';

/*
 * Retention: personal data is redacted, and every row stays. An audit replays all holds, orders and
 * movements of a product. A duplicate payment is recognised by its row. A deleted row would break the
 * audit, or credit a payment twice. Neither needs the customer or the provider's body.
 */

/** The personal data of one table. */
type RedactedData =
  | 'customers of holds'
  | 'customers of orders'
  | 'bodies of payment events'
  | 'payloads of events'
  | 'answers to deliveries';

/** Number of rows of a table that are redacted, or would be. */
export interface RedactedRows {
  readonly what: RedactedData;
  readonly rows: number;
}

/** Rows in one transaction: a few milliseconds, so that buyers do not wait for their locks. */
const BATCH_ROWS = 1000;

/** A refund that is open or was resolved after the cutoff: paying it back may need the customer. */
const hasRecentRefund = (link: string): string => `exists (
  select from refunds f where ${link} and (f.status <> 'RESOLVED' or f.resolved_at >= c.cutoff))`;

/** The limit per customer counts the order until the sale has ended. */
const countedByLimit = (order: string): string => `${order}.status = 'PAID' and exists (
  select from products p where p.id = ${order}.product_id and p.max_per_customer is not null
    and (p.sale_ends_at is null or p.sale_ends_at >= c.cutoff))`;

/** Whether the order ended before the cutoff and its customer is needed no more. */
const orderIsOver = (order: string): string => `${order}.status <> 'PENDING'
  and ${order}.updated_at < c.cutoff and not (${countedByLimit(order)})
  and not ${hasRecentRefund(`f.order_id = ${order}.id`)}`;

interface Redaction {
  readonly what: RedactedData;
  readonly table: string;
  /** The assignment that redacts a row. */
  readonly set: string;
  /** Selects rows `t` that ended before `c.cutoff`, are no longer needed and are not redacted. */
  readonly due: string;
}

/** Whether the event is of an order that is over, and that its refunds need no more. */
const eventIsOver = (event: string): string => `${event}.order_id is not null
  and ${event}.at < c.cutoff and not ${hasRecentRefund(`f.order_id = ${event}.order_id`)}
  and not exists (
    select from orders o where o.id = ${event}.order_id and not (${orderIsOver('o')}))`;

/** The client's notes may name the customer, too. */
const HAS_CUSTOMER = "(t.customer_id is not null or t.metadata <> '{}')";
const CUSTOMER_REDACTED = "customer_id = null, metadata = '{}'";

const REDACTIONS: readonly Redaction[] = [
  {
    what: 'customers of holds',
    table: 'holds',
    set: CUSTOMER_REDACTED,
    due: `${HAS_CUSTOMER} and t.status <> 'ACTIVE' and t.expires_at < c.cutoff
      and not ${hasRecentRefund('f.order_id = t.order_id')}`,
  },
  {
    what: 'customers of orders',
    table: 'orders',
    set: CUSTOMER_REDACTED,
    due: `${HAS_CUSTOMER} and ${orderIsOver('t')}`,
  },
  {
    what: 'bodies of payment events',
    table: 'payment_events',
    // The headers are not redacted: their signature proves a body that the provider presents again.
    set: "payload = ''",
    due: `t.payload <> '' and t.settled_at < c.cutoff and not ${hasRecentRefund('f.event_id = t.id')}`,
  },
  {
    what: 'payloads of events',
    table: 'shop_events',
    // With the order of the event. An event of a product has no personal data.
    set: 'snapshot = null',
    due: `t.snapshot is not null and ${eventIsOver('t')}`,
  },
  {
    what: 'answers to deliveries',
    table: 'webhook_deliveries',
    // The status and the duration of each attempt stay.
    set: `attempts = (select jsonb_agg(a || '{"answer": ""}') from jsonb_array_elements(t.attempts) a)`,
    due: `t.status <> 'PENDING' and t.attempts @? '$[*] ? (@.answer != "")'
      and exists (select from shop_events e where e.id = t.event_id and ${eventIsOver('e')})`,
  },
];

/** The due rows of a table; `$1` is the minimum age in days. */
const rowsOf = ({ table, due }: Redaction): string =>
  `${table} t, (select shop_clock() - make_interval(days => $1) as cutoff) c where ${due}`;

/** Counts the rows that `redactEnded` would redact. Changes nothing. */
export function countEnded(
  shop: Pick<Shop, 'database'>,
  olderThanDays: number,
): Promise<RedactedRows[]> {
  return transact(shop.database, async (tx) => {
    await allowLongStatements(tx);
    const counts: RedactedRows[] = [];
    for (const redaction of REDACTIONS) {
      const count = `select count(*)::int as rows from ${rowsOf(redaction)}`;
      const [counted] = await tx.rows<{ rows: number }>(count, [olderThanDays]);
      counts.push({ what: redaction.what, rows: counted!.rows });
    }
    return counts;
  });
}

/**
 * Redacts personal data in rows that ended at least `olderThanDays` ago, one transaction and audit
 * entry for each batch. It may run during a sale, be interrupted and run again: it skips locked rows.
 */
export async function redactEnded(
  shop: Pick<Shop, 'database'>,
  caller: AdminCaller,
  {
    olderThanDays,
    progress = noProgress,
  }: { readonly olderThanDays: number; readonly progress?: Progress },
): Promise<RedactedRows[]> {
  const expected = await countEnded(shop, olderThanDays);
  const total = expected.reduce((sum, { rows }) => sum + rows, 0);
  const redacted: RedactedRows[] = [];
  let done = 0;
  for (const redaction of REDACTIONS) {
    let rows = 0;
    for await (const batch of redactBatches(shop, caller, { redaction, olderThanDays })) {
      rows += batch;
      done += batch;
      progress(done, Math.max(done, total));
    }
    redacted.push({ what: redaction.what, rows });
  }
  return redacted;
}

/** Sorts before every id. */
const FIRST = '00000000-0000-0000-0000-000000000000';

/** Redacts batch after batch in the order of ids; yields the number of rows of each. */
async function* redactBatches(
  shop: Pick<Shop, 'database'>,
  caller: AdminCaller,
  { redaction, olderThanDays }: { readonly redaction: Redaction; readonly olderThanDays: number },
): AsyncGenerator<number> {
  const statement = batchStatement(redaction);
  let after = FIRST;
  for (;;) {
    const { rows, last } = await transact(shop.database, async (tx) => {
      const batch = await redactBatch(tx, statement, [olderThanDays, after]);
      if (batch.rows > 0) {
        await writeAuditEntry(tx, caller, {
          action: 'retention',
          outcome: 'DONE',
          args: { olderThanDays },
          after: { [redaction.what]: batch.rows },
        });
      }
      return batch;
    });
    if (last === null) return;
    after = last;
    yield rows;
  }
}

interface Batch {
  readonly rows: number;
  /** The last redacted id; null if no row was due. */
  readonly last: string | null;
}

async function redactBatch(
  tx: Transaction,
  statement: string,
  params: readonly unknown[],
): Promise<Batch> {
  await allowLongStatements(tx);
  const [batch] = await tx.rows<Batch>(statement, params);
  return batch!;
}

const batchStatement = (redaction: Redaction): string => `
  with due as (
    select t.id from ${rowsOf(redaction)} and t.id > $2
    order by t.id limit ${BATCH_ROWS} for no key update of t skip locked),
  redacted as (
    update ${redaction.table} t set ${redaction.set} from due where t.id = due.id returning t.id)
  select count(*)::int as rows, max(id::text) as last from redacted`;
