import { findProducts } from '../shop/catalog/find-products.ts';
import type { Shop } from '../shop/shop.ts';

/** The names of the products of a list, read at once; the result gives null for an unknown id. */
export async function productNames(
  shop: Pick<Shop, 'database'>,
  rows: readonly { readonly productId: number }[],
): Promise<(row: { readonly productId: number }) => string | null> {
  const ids = [...new Set(rows.map(({ productId }) => productId))];
  const products = ids.length === 0 ? [] : await findProducts(shop, ids);
  const names = new Map(products.map(({ id, name }) => [id, name]));
  return ({ productId }) => names.get(productId) ?? null;
}
