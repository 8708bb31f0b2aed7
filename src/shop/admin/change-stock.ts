import { productNotFound } from '../refusal.ts';
import {
  adjustLocked,
  pastKeyTaken,
  type AdjustmentAnswer,
  type StockAdjustment,
} from '../stock/adjust-stock.ts';
import { withLockedStock, type StockNeeds } from '../stock/locked-stock.ts';
import { nothingDone, performAct, type Operator } from './with-audit.ts';
import { shownStock } from './audit-snapshot.ts';

/**
 * Changes how many units are offered, on record: what the API calls adjustStock.
 *
 * @throws BusyFault when the product's lock was not had in time
 */
export function changeStock(
  shop: StockNeeds,
  operator: Operator,
  adjustment: StockAdjustment,
): Promise<AdjustmentAnswer> {
  // Without the key, which is its client's secret.
  const { productId, delta, reason, expectedVersion } = adjustment;
  const asked = { productId, delta, reason, expectedVersion };
  return pastKeyTaken(() =>
    performAct<AdjustmentAnswer>(shop, { operator, name: 'adjustStock', asked }, async (tx) => {
      const done = await withLockedStock(shop, tx, productId, async (stock) => {
        const before = shownStock(stock.count);
        const answer = await adjustLocked(tx, stock, adjustment);
        return { answer, before, after: shownStock(stock.count) };
      });
      return done ?? nothingDone(productNotFound);
    }),
  );
}
