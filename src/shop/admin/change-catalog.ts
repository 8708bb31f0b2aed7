import type { Product } from '../catalog/product.entity.ts';
import {
  updateProduct,
  type ProductChange,
  type UpdateProductNeeds,
} from '../catalog/update-product.ts';
import type { Database } from '../../postgres/database.ts';
import { isRefusal, type BadUserInput, type ProductNotFound } from '../refusal.ts';
import { insertProduct, type NewProduct } from '../stock/create-product.ts';
import { nothingDone, performAct, type Operator } from './with-audit.ts';
import { shownProduct } from './audit-snapshot.ts';

type CatalogueNeeds = UpdateProductNeeds & { readonly database: Database };

/** Puts a product on sale with its first stock, on record: what the API calls createProduct. */
export function putOnSale(
  shop: CatalogueNeeds,
  operator: Operator,
  wanted: NewProduct,
): Promise<Product | BadUserInput> {
  return performAct<Product | BadUserInput>(
    shop,
    { operator, name: 'createProduct', asked: wanted },
    async (tx) => {
      const made = await insertProduct(tx, wanted);
      if (isRefusal(made)) return nothingDone(made);
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
  shop: CatalogueNeeds,
  operator: Operator,
  change: ProductChange,
): Promise<Product | ProductNotFound | BadUserInput> {
  return performAct<Product | ProductNotFound | BadUserInput>(
    shop,
    { operator, name: 'updateProduct', asked: change },
    async (tx) => {
      const changed = await updateProduct(shop, tx, change);
      if (isRefusal(changed)) return nothingDone(changed);
      const { before, after } = changed;
      return { answer: after, before: shownProduct(before), after: shownProduct(after) };
    },
  );
}
