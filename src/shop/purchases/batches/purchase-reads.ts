import DataLoader from 'dataloader';
import type { Database } from '../../../postgres/database.ts';
import type { Hold } from '../hold.entity.ts';
import type { Order } from '../order.entity.ts';
import {
  HOLD_COLUMNS,
  holdOf,
  ORDER_COLUMNS,
  orderOf,
  type HoldRow,
  type OrderRow,
} from './purchase-rows.ts';

/** Maximum rows read by one statement. */
const ROWS_MAX = 1000;

const HOLDS = `select ${HOLD_COLUMNS}, shop_clock() as "readAt" from holds where id = any($1::uuid[])`;

const ORDERS = `select ${ORDER_COLUMNS}, shop_clock() as "readAt" from orders where id = any($1::uuid[])`;

type WithClock<Row> = Row & { readonly readAt: string };

/**
 * Shared reads of holds and orders: the reads of one turn of the event loop become one statement.
 * Nothing is cached, so a row is never older than the request that reads it.
 */
export class PurchaseReads {
  /** The hold of an id, as committed; null for an unknown id. */
  readonly hold: DataLoader<string, Hold | null>;
  /** The order of an id, as committed; null for an unknown id. */
  readonly order: DataLoader<string, Order | null>;

  constructor(database: Database) {
    this.hold = sharedRead(async (ids) => {
      const rows = await database.rows<WithClock<HoldRow>>(HOLDS, [ids]);
      return rows.map(({ readAt, ...row }) => holdOf(row, new Date(readAt)));
    });
    this.order = sharedRead(async (ids) => {
      const rows = await database.rows<WithClock<OrderRow>>(ORDERS, [ids]);
      return rows.map(({ readAt, ...row }) => orderOf(row, new Date(readAt)));
    });
  }
}

function sharedRead<Row extends { readonly id: string }>(
  read: (ids: readonly string[]) => Promise<readonly Row[]>,
): DataLoader<string, Row | null> {
  return new DataLoader(
    async (ids) => {
      const rows = new Map((await read([...new Set(ids)])).map((row) => [row.id, row]));
      return ids.map((id) => rows.get(id) ?? null);
    },
    // Not the microtask queue: requests of one turn arrive in different microtasks.
    { cache: false, maxBatchSize: ROWS_MAX, batchScheduleFn: (run) => void setImmediate(run) },
  );
}
