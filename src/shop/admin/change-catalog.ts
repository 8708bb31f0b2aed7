import type { Product } from '../catalog/product.entity.ts';
import { updateProduct, type ProductChange } from '../catalog/update-product.ts';
import { isRefusal, type BadUserInput, type ProductNotFound } from '../refusal.ts';
import { insertProduct, type NewProduct } from '../stock/create-product.ts';
import { unchanged, withAudit } from './with-audit.ts';
import { type Operator } from './audit-log.ts';
import { shownProduct } from './audit-snapshot.ts';
import type { Shop } from '../shop.ts';

/** Puts a product on sale with its first stock, on record: what the API calls createProduct. */
export function putOnSale(
  shop: Shop,
  operator: Operator,
  wanted: NewProduct,
): Promise<Product | BadUserInput> {
  return withAudit<Product | BadUserInput>(
    shop,
    { operator, name: 'createProduct', asked: wanted },
    async (tx) => {
      const made = await insertProduct(tx, wanted);
      if (isRefusal(made)) return unchanged(made);
      return {
        answer: made,
        before: null,
        after: { ...shownProduct(made), totalStock: wanted.totalStock },
      };
    },
  );
}

/** Changes a product and its terms, on record: what the API calls updateProduct. */
export function changeTerms(
  shop: Shop,
  operator: Operator,
  change: ProductChange,
): Promise<Product | ProductNotFound | BadUserInput> {
  return withAudit<Product | ProductNotFound | BadUserInput>(
    shop,
    { operator, name: 'updateProduct', asked: change },
    async (tx) => {
      const changed = await updateProduct(shop, tx, change);
      if (isRefusal(changed)) return unchanged(changed);
      const { before, after } = changed;
      return { answer: after, before: shownProduct(before), after: shownProduct(after) };
    },
  );
}
