import { pauseSale } from '../catalog/pause-sale.ts';
import type { Product } from '../catalog/product.entity.ts';
import { isRefusal, type ProductNotFound } from '../refusal.ts';
import type { Shop } from '../shop.ts';
import { lockStock } from '../stock/locked-stock.ts';
import type { AdminCaller } from './audit/audit-log.ts';
import { auditSnapshotOfProduct } from './audit/audit-snapshot.ts';
import { unchanged, withAudit } from './audit/with-audit.ts';

/**
 * Pauses a product's sale, or resumes it, with an audit entry: the API's setSalePaused. It takes the
 * product's stock lock before its commit. A batch of holds reads the sale under that lock, so after the
 * answer no hold of the earlier state is committed.
 *
 * @throws BusyFault when the lock was not available in time: nothing was changed or recorded
 */
export function adminPauseSale(
  shop: Shop,
  caller: AdminCaller,
  args: { readonly id: number; readonly paused: boolean },
): Promise<Product | ProductNotFound> {
  return withAudit<Product | ProductNotFound>(
    shop,
    { caller, name: 'setSalePaused', args },
    async (tx) => {
      const changed = await pauseSale(shop, tx, args);
      if (isRefusal(changed)) return unchanged(changed);
      await lockStock(shop, tx, args.id);
      const { before, after } = changed;
      return {
        answer: after,
        before: auditSnapshotOfProduct(before),
        after: auditSnapshotOfProduct(after),
      };
    },
  );
}
