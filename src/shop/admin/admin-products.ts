import type { Product } from '../catalog/product.entity.ts';
import { updateProduct, type ProductChange } from '../catalog/update-product.ts';
import { isRefusal, type BadUserInput, type ProductNotFound } from '../refusal.ts';
import { createProduct, type NewProduct } from '../stock/create-product.ts';
import { unchanged, withAudit } from './audit/with-audit.ts';
import { type AdminCaller } from './audit/audit-log.ts';
import { auditSnapshotOfProduct } from './audit/audit-snapshot.ts';
import type { Shop } from '../shop.ts';

/** Creates a product with its first stock, with an audit entry: the API's createProduct. */
export function adminCreateProduct(
  shop: Shop,
  caller: AdminCaller,
  args: NewProduct,
): Promise<Product | BadUserInput> {
  return withAudit<Product | BadUserInput>(
    shop,
    { caller, name: 'createProduct', args },
    async (tx) => {
      const answer = await createProduct(tx, args);
      if (isRefusal(answer)) return unchanged(answer);
      const after = { ...auditSnapshotOfProduct(answer), totalStock: args.totalStock };
      return { answer, before: null, after };
    },
  );
}

/** Changes a product and its terms of sale, with an audit entry: the API's updateProduct. */
export function adminUpdateProduct(
  shop: Shop,
  caller: AdminCaller,
  args: ProductChange,
): Promise<Product | ProductNotFound | BadUserInput> {
  return withAudit<Product | ProductNotFound | BadUserInput>(
    shop,
    { caller, name: 'updateProduct', args },
    async (tx) => {
      const changed = await updateProduct(shop, tx, args);
      if (isRefusal(changed)) return unchanged(changed);
      const { before, after } = changed;
      return {
        answer: after,
        before: auditSnapshotOfProduct(before),
        after: auditSnapshotOfProduct(after),
      };
    },
  );
}
