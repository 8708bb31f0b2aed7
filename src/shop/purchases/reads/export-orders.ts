import { allowLongStatements, transact } from '../../../postgres/transaction.ts';
import type { Shop } from '../../shop.ts';
import { ORDER_COLUMNS, orderOf, type OrderRow } from '../batches/purchase-rows.ts';
import type { Order } from '../order.entity.ts';

/** Orders in memory at a time. */
const BATCH = 1000;

/** The time of creation of the orders to export, half-open; null is open. */
export interface ExportRange {
  readonly from: Date | null;
  readonly to: Date | null;
}

const IN_RANGE = `($1::timestamptz is null or created_at >= $1)
  and ($2::timestamptz is null or created_at < $2)`;

const COUNT = `select count(*)::int as orders from orders where ${IN_RANGE}`;

const NEXT = `
  select ${ORDER_COLUMNS}, shop_clock() as "readAt" from orders
  where ${IN_RANGE} and id > $3 order by id limit ${BATCH}`;

/** Sorts before every id. */
const FIRST = '00000000-0000-0000-0000-000000000000';

/** How many orders an export has now. */
export async function countExport(
  shop: Pick<Shop, 'database'>,
  { from, to }: ExportRange,
): Promise<number> {
  const [row] = await readLong<{ orders: number }>(shop, COUNT, [from, to]);
  return row!.orders;
}

/**
 * Reads all orders of a range in batches, in the order of their ids. Each batch is a statement of its
 * own, so that a long export keeps no transaction open. Memory does not grow with the number of orders.
 */
export async function* exportOrders(
  shop: Pick<Shop, 'database'>,
  { from, to }: ExportRange,
): AsyncGenerator<readonly Order[]> {
  let after = FIRST;
  for (;;) {
    const rows = await readLong<OrderRow & { readonly readAt: string }>(shop, NEXT, [
      from,
      to,
      after,
    ]);
    const orders = rows.map(({ readAt, ...row }) => orderOf(row, new Date(readAt)));
    if (orders.length > 0) yield orders;
    if (orders.length < BATCH) return;
    after = orders.at(-1)!.id;
  }
}

/** A range that leaves most orders out is read from end to end, which may take a minute. */
function readLong<Row>(
  shop: Pick<Shop, 'database'>,
  statement: string,
  params: readonly unknown[],
): Promise<readonly Row[]> {
  return transact(shop.database, async (tx) => {
    await allowLongStatements(tx);
    return tx.rows<Row>(statement, params);
  });
}
