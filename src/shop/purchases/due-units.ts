import type { Transaction } from '../../postgres/transaction.ts';
import type { LockedStock } from '../stock/locked-stock.ts';
import { unitMove } from '../stock/unit-move.ts';
import type { Shop } from '../shop.ts';

/** Most holds and most orders ended in one go: short enough that buyers hardly wait behind it. */
export const EXPIRY_BATCH = 2000;

/**
 * Ends due holds and due orders of one product and gives their units back, in one statement and one
 * movement. SKIP LOCKED, because it runs while the stock row is held: whoever has a due row locked
 * is deciding it at this moment. `orders` is a later step's table; it is named here because what is
 * due of a product is both, and createHold must be able to take both back under one lock.
 *
 * The clock stands in a sub-select so that it is read once and the index can be used.
 */
const endDueStatement = (cause: 'EXPIRY' | 'RECLAIM'): string =>
  unitMove({
    before: `
      due_holds as (
        update holds set status = 'EXPIRED', released_version = $2
        where id in (
          select id from holds
          where status = 'ACTIVE' and expires_at <= (select shop_clock()) and product_id = $1
          order by expires_at limit ${EXPIRY_BATCH} for update skip locked)
        returning order_id, quantity),
      due_orders as (
        update orders set status = 'EXPIRED', released_version = $2, updated_at = shop_clock()
        where id in (
          select id from orders
          where status = 'PENDING' and payment_expires_at <= (select shop_clock()) and product_id = $1
          order by payment_expires_at limit ${EXPIRY_BATCH} for update skip locked)
        returning id as order_id, quantity),`,
    changed: 'select * from due_holds union all select * from due_orders',
    buckets: { held: -1, available: 1 },
    cause,
  });

const END_DUE = {
  EXPIRY: endDueStatement('EXPIRY'),
  RECLAIM: endDueStatement('RECLAIM'),
} as const;

/** Gives due units of a locked product back; how many holds and orders ended. */
export async function endDue(
  shop: Shop,
  tx: Transaction,
  stock: LockedStock,
  cause: keyof typeof END_DUE = 'RECLAIM',
): Promise<number> {
  const ended = await stock.move<{ order_id: string }>(END_DUE[cause], []);
  if (ended.length > 0) {
    const orderIds = ended.map((row) => row.order_id);
    tx.afterCommit(() => shop.announcePurchases(orderIds));
  }
  return ended.length;
}
