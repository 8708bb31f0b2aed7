import { readClock } from '../../postgres/clock.ts';
import { invariant } from '../../lib/faults.ts';
import { transact } from '../../postgres/transaction.ts';
import { holdNotFound } from '../refusal.ts';
import type { Shop } from '../shop.ts';
import { lockStock } from '../stock/locked-stock.ts';
import { unitMove } from '../stock/unit-move.ts';
import { findHold } from './reads/find-purchases.ts';
import { holdNotActive } from './hold.rules.ts';
import { holdOf, lockHolds } from './batches/purchase-rows.ts';
import type { ReleaseAnswer } from './batches/queues.ts';
import { statusIsOneOf } from './status.rules.ts';

const RELEASE = unitMove({
  changed: `
    update holds set status = 'RELEASED', released_version = $2
    where id = any($3::uuid[]) and ${statusIsOneOf(['ACTIVE'])}
    returning quantity`,
  buckets: { held: -1, available: 1 },
  cause: 'RELEASE',
});

/**
 * Ends a hold early; its units become available. Releasing a released hold returns it again.
 *
 * @throws BusyFault when a lock was not granted in time
 */
export async function releaseHold(shop: Shop, token: string): Promise<ReleaseAnswer> {
  const hold = await findHold(shop, token);
  if (hold === null) return holdNotFound;
  return shop.releaseQueues.submit(hold.productId, hold.id);
}

/**
 * Releases a batch of holds of one product in one transaction of two round trips. The clock is read
 * after the locks: a hold that expired during the wait is refused.
 */
export async function releaseHolds(
  shop: Shop,
  productId: number,
  ids: readonly string[],
): Promise<readonly ReleaseAnswer[]> {
  return transact(shop.database, async (tx) => {
    const [rows, stock, now] = await Promise.all([
      lockHolds(tx, ids),
      lockStock(shop, tx, productId),
      readClock(tx),
    ]);
    const holds = new Map(rows.map((row) => [row.id, holdOf(row, now)]));
    const released = new Map<string, string>();
    const answers = ids.map((id): ReleaseAnswer => {
      const hold = holds.get(id);
      if (hold === undefined || stock === undefined) return holdNotFound;
      if (hold.status === 'RELEASED') return hold;
      const ended = holdNotActive(hold);
      if (ended !== undefined) return ended;
      released.set(id, hold.orderId);
      return { ...hold, status: 'RELEASED', releasedVersion: stock.count.version + 1 };
    });
    if (stock === undefined || released.size === 0) return answers;
    tx.afterCommit(() => shop.announcePurchases([...released.values()]));
    const moved = await stock.moveLast(RELEASE, [[...released.keys()]]);
    invariant(moved.length === released.size, 'each locked active hold is released once');
    return answers;
  });
}
