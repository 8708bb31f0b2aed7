import { productNotFound } from '../refusal.ts';
import {
  adjustStock,
  refuseReusedKey,
  type AdjustmentAnswer,
  type StockAdjustment,
} from '../stock/adjust-stock.ts';
import { withLockedStock } from '../stock/locked-stock.ts';
import { unchanged, withAudit } from './audit/with-audit.ts';
import { type AdminCaller } from './audit/audit-log.ts';
import { auditSnapshotOfStock } from './audit/audit-snapshot.ts';
import type { Shop } from '../shop.ts';

/**
 * Changes the number of units for sale, with an audit entry: the API's adjustStock.
 *
 * @throws BusyFault when the product's lock was not available in time
 */
export function adminAdjustStock(
  shop: Shop,
  caller: AdminCaller,
  adjustment: StockAdjustment,
): Promise<AdjustmentAnswer> {
  // Without the idempotency key, which is a secret of the client.
  const { productId, delta, reason, expectedVersion } = adjustment;
  const args = { productId, delta, reason, expectedVersion };
  return refuseReusedKey(() =>
    withAudit<AdjustmentAnswer>(shop, { caller, name: 'adjustStock', args }, async (tx) => {
      const result = await withLockedStock(shop, tx, productId, async (stock) => {
        const before = auditSnapshotOfStock(stock.count);
        const answer = await adjustStock(tx, stock, adjustment);
        return { answer, before, after: auditSnapshotOfStock(stock.count) };
      });
      return result ?? unchanged(productNotFound);
    }),
  );
}
