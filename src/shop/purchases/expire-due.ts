import { BusyFault } from '../../lib/faults.ts';
import { transact } from '../../postgres/transaction.ts';
import { withLockedStock } from '../stock/locked-stock.ts';
import { EXPIRY_BATCH, endDue } from './due-units.ts';
import type { Shop } from '../shop.ts';

/**
 * Products that have something due, found without a lock. Those come first whose units have been
 * due longest.
 */
const PRODUCTS_DUE = `
  select product_id as "productId" from (
    select product_id, min(expires_at) as due from holds
    where status = 'ACTIVE' and expires_at <= (select shop_clock()) group by product_id
    union all
    select product_id, min(payment_expires_at) from orders
    where status = 'PENDING' and payment_expires_at <= (select shop_clock()) group by product_id
  ) as due_rows group by product_id order by min(due)`;

/** What one sweep did. */
export interface Sweep {
  /** Holds and orders that were ended. */
  readonly ended: number;
  /** Products whose lock was not available in time; the next sweep tries again. */
  readonly skipped: number;
}

/**
 * The sweep: ends what is due, product by product, in batches short enough that buyers hardly wait
 * behind them. Every server may sweep at once: the stock row's lock lets each unit back once.
 */
export async function sweepDue(shop: Shop): Promise<Sweep> {
  let ended = 0;
  let skipped = 0;
  for (const { productId } of await shop.database.rows<{ productId: number }>(PRODUCTS_DUE, [])) {
    try {
      ended += await expireProduct(shop, productId);
    } catch (error) {
      if (!(error instanceof BusyFault)) throw error;
      skipped += 1;
    }
  }
  return { ended, skipped };
}

async function expireProduct(shop: Shop, productId: number): Promise<number> {
  let ended = 0;
  for (;;) {
    const batch = await transact(shop.database, (tx) =>
      withLockedStock(shop, tx, productId, (stock) => endDue(shop, tx, stock, 'EXPIRY')),
    );
    ended += batch ?? 0;
    if (batch === undefined || batch < EXPIRY_BATCH) return ended;
  }
}
