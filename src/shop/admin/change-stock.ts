import { productNotFound } from '../refusal.ts';
import {
  adjustLocked,
  pastKeyTaken,
  type AdjustmentAnswer,
  type StockAdjustment,
} from '../stock/adjust-stock.ts';
import { withLockedStock } from '../stock/locked-stock.ts';
import { unchanged, withAudit } from './with-audit.ts';
import { type Operator } from './audit-log.ts';
import { shownStock } from './audit-snapshot.ts';
import type { Shop } from '../shop.ts';

/**
 * Changes how many units are offered, on record: what the API calls adjustStock.
 *
 * @throws BusyFault when the product's lock was not available in time
 */
export function changeStock(
  shop: Shop,
  operator: Operator,
  adjustment: StockAdjustment,
): Promise<AdjustmentAnswer> {
  // Without the key, which is its client's secret.
  const { productId, delta, reason, expectedVersion } = adjustment;
  const asked = { productId, delta, reason, expectedVersion };
  return pastKeyTaken(() =>
    withAudit<AdjustmentAnswer>(shop, { operator, name: 'adjustStock', asked }, async (tx) => {
      const done = await withLockedStock(shop, tx, productId, async (stock) => {
        const before = shownStock(stock.count);
        const answer = await adjustLocked(tx, stock, adjustment);
        return { answer, before, after: shownStock(stock.count) };
      });
      return done ?? unchanged(productNotFound);
    }),
  );
}
