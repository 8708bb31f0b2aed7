import {
  INSERT_PRODUCT,
  insertParameters,
  type NewProductTerms,
} from '../catalog/insert-product.ts';
import { ProductTable, type Product } from '../catalog/product.entity.ts';
import type { Transaction } from '../../postgres/transaction.ts';
import { badUserInput, isRefusal, type BadUserInput } from '../refusal.ts';

/** A product to create, with its first stock. */
export interface NewProduct extends NewProductTerms {
  readonly totalStock: number;
}

/** The product, its stock row and the movement of version 1, in one statement: none exists alone. */
const CREATE = `
  with product as (${INSERT_PRODUCT}),
  level as (
    insert into stock_levels (product_id, total, available, held, sold, version)
    select id, $10, $10, 0, 0, 1 from product),
  movement as (
    insert into stock_movements (product_id, version, available_delta, held_delta, sold_delta,
      total_delta, cause, reason, at)
    select id, 1, $10, 0, 0, $10, 'ADJUSTMENT', 'Product created', shop_clock() from product)
  select id from product`;

/** Creates a product with its first stock, inside the caller's transaction. */
export async function createProduct(
  tx: Transaction,
  product: NewProduct,
): Promise<Product | BadUserInput> {
  const { totalStock } = product;
  const parameters = insertParameters(product);
  if (isRefusal(parameters)) return parameters;
  if (totalStock < 0) return badUserInput(`totalStock is ${totalStock}; it must be 0 or more.`);
  const [created] = await tx.rows<{ id: number }>(CREATE, [...parameters, totalStock]);
  return (await tx.findOne(ProductTable, { id: created!.id }))!;
}
