import { lockRow } from '../../postgres/locked-row.ts';
import { transact } from '../../postgres/transaction.ts';
import { holdNotFound, type HoldNotActive, type HoldNotFound } from '../refusal.ts';
import { withLockedStock } from '../stock/locked-stock.ts';
import { unitMove } from '../stock/unit-move.ts';
import { HoldTable, type Hold } from './hold.entity.ts';
import { holdNotActive } from './hold.rules.ts';
import type { Shop } from '../shop.ts';

/** Live to the last: the stock row's lock may have been waited for across the deadline. */
const RELEASE = unitMove({
  changed: `
    update holds set status = 'RELEASED', released_version = $2
    where id = $3 and status = 'ACTIVE' and expires_at > shop_clock()
    returning quantity`,
  buckets: { held: -1, available: 1 },
  cause: 'RELEASE',
});

/**
 * Gives a hold's units back at once. Releasing a released hold returns it again.
 *
 * @throws BusyFault when a lock was not had in time
 */
export async function releaseHold(
  shop: Shop,
  token: string,
): Promise<Hold | HoldNotFound | HoldNotActive> {
  const holdId = shop.holdTokens.holdIdOf(token);
  if (holdId === undefined) return holdNotFound;
  return transact(shop.database, async (tx) => {
    const hold = await lockRow(tx, HoldTable, holdId);
    if (hold === null) return holdNotFound;
    if (hold.status === 'RELEASED') return hold;
    const ended = holdNotActive(hold);
    if (ended !== undefined) return ended;

    const released = await withLockedStock(shop, tx, hold.productId, (stock) =>
      stock.move(RELEASE, [holdId]),
    );
    if (released?.length !== 1) return holdNotActive({ ...hold, readAt: hold.expiresAt })!;
    tx.afterCommit(() => shop.announcePurchases([hold.orderId]));
    return { ...hold, status: 'RELEASED' };
  });
}
