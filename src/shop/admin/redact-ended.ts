import { allowLongStatements } from '../../postgres/long-statements.ts';
import { unwatched, type Progress } from '../../lib/progress.ts';
import { transact, type Transaction } from '../../postgres/transaction.ts';
import { recordAct, type Operator } from './audit-log.ts';
import type { Shop } from '../shop.ts';

/*
 * Retention: what is personal goes, and every row stays. An audit replays all of a product's holds,
 * orders and movements, and a payment that comes again is known by its row, so a deleted row would
 * break the law's proof or let money count twice. Who it was for, and the body a provider sent, neither
 * audit nor duplicate needs.
 */

/** What of a table is blanked. */
export type Blanked = 'customers of holds' | 'customers of orders' | 'bodies of payment events';

/** How many rows of a table are to be blanked, or were. */
export interface BlankedRows {
  readonly what: Blanked;
  readonly rows: number;
}

/** Rows in one transaction: some milliseconds of work, so that nobody waits for them. */
const BATCH_ROWS = 1000;

/** Money that has not gone back, or only lately: whoever sends it back may need to know whose it is. */
const refundStands = (link: string): string => `exists (
  select from refunds f where ${link} and (f.status = 'OPEN' or f.resolved_at >= c.cutoff))`;

/** Counted by a limit per customer, for as long as its sale might go on. */
const COUNTED_BY_LIMIT = `t.status = 'PAID' and exists (
  select from products p where p.id = t.product_id and p.max_per_customer is not null
    and (p.sale_ends_at is null or p.sale_ends_at >= c.cutoff))`;

interface Redaction {
  readonly what: Blanked;
  readonly table: string;
  readonly blank: string;
  /** Which rows `t` have ended before `c.cutoff`, are needed by nobody and are not blank yet. */
  readonly due: string;
}

const BLANKINGS: readonly Redaction[] = [
  {
    what: 'customers of holds',
    table: 'holds',
    blank: 'customer_id = null',
    due: `t.customer_id is not null and t.status <> 'ACTIVE' and t.expires_at < c.cutoff
      and not ${refundStands('f.order_id = t.order_id')}`,
  },
  {
    what: 'customers of orders',
    table: 'orders',
    blank: 'customer_id = null',
    due: `t.customer_id is not null and t.status <> 'PENDING' and t.updated_at < c.cutoff
      and not (${COUNTED_BY_LIMIT}) and not ${refundStands('f.order_id = t.id')}`,
  },
  {
    what: 'bodies of payment events',
    table: 'payment_events',
    // The headers stay: with the signature a body that the provider shows again is still proven.
    blank: "payload = ''",
    due: `t.payload <> '' and t.settled_at < c.cutoff and not ${refundStands('f.event_id = t.id')}`,
  },
];

/** Rows of a table, and the instant before which a row has ended long enough ago: `$1` is in days. */
const rowsOf = ({ table, due }: Redaction): string =>
  `${table} t, (select shop_clock() - make_interval(days => $1) as cutoff) c where ${due}`;

/** Counts what `blankEnded` would blank, and changes nothing. */
export function countEnded(
  shop: Pick<Shop, 'database'>,
  olderThanDays: number,
): Promise<BlankedRows[]> {
  return transact(shop.database, async (tx) => {
    await allowLongStatements(tx);
    const counts: BlankedRows[] = [];
    for (const blanking of BLANKINGS) {
      const count = `select count(*)::int as rows from ${rowsOf(blanking)}`;
      const [counted] = await tx.rows<{ rows: number }>(count, [olderThanDays]);
      counts.push({ what: blanking.what, rows: counted!.rows });
    }
    return counts;
  });
}

/**
 * Blanks what is personal in rows that ended so many days ago, on record, a batch a transaction. It
 * may run while a sale runs, be broken off and run again: a row in use is left for the next time.
 */
export async function redactEnded(
  shop: Pick<Shop, 'database'>,
  operator: Operator,
  {
    olderThanDays,
    progress = unwatched,
  }: { readonly olderThanDays: number; readonly progress?: Progress },
): Promise<BlankedRows[]> {
  const expected = await countEnded(shop, olderThanDays);
  const total = expected.reduce((sum, { rows }) => sum + rows, 0);
  const blanked: BlankedRows[] = [];
  let done = 0;
  for (const blanking of BLANKINGS) {
    let rows = 0;
    for await (const batch of batchesOf(shop, operator, { blanking, olderThanDays })) {
      rows += batch;
      done += batch;
      progress(done, Math.max(done, total));
    }
    blanked.push({ what: blanking.what, rows });
  }
  return blanked;
}

/** Before every id. */
const FIRST = '00000000-0000-0000-0000-000000000000';

/** Blanks batch after batch, in the order of ids; how many rows each had. */
async function* batchesOf(
  shop: Pick<Shop, 'database'>,
  operator: Operator,
  { blanking, olderThanDays }: { readonly blanking: Redaction; readonly olderThanDays: number },
): AsyncGenerator<number> {
  const statement = batchStatement(blanking);
  let after = FIRST;
  for (;;) {
    const { rows, last } = await transact(shop.database, async (tx) => {
      const batch = await blankBatch(tx, statement, [olderThanDays, after]);
      if (batch.rows > 0) {
        await recordAct(tx, operator, {
          name: 'retention',
          outcome: 'DONE',
          asked: { olderThanDays },
          after: { [blanking.what]: batch.rows },
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
  /** The last id blanked; null when none was left. */
  readonly last: string | null;
}

async function blankBatch(
  tx: Transaction,
  statement: string,
  params: readonly unknown[],
): Promise<Batch> {
  await allowLongStatements(tx);
  const [batch] = await tx.rows<Batch>(statement, params);
  return batch!;
}

const batchStatement = (blanking: Redaction): string => `
  with due as (
    select t.id from ${rowsOf(blanking)} and t.id > $2
    order by t.id limit ${BATCH_ROWS} for no key update of t skip locked),
  blanked as (
    update ${blanking.table} t set ${blanking.blank} from due where t.id = due.id returning t.id)
  select count(*)::int as rows, max(id::text) as last from blanked`;
