import { ProductTable, type Product } from '../catalog/product.entity.ts';
import {
  wrongWithCurrency,
  wrongWithName,
  wrongWithTerms,
  type ProductTerms,
} from '../catalog/product.rules.ts';
import { invariant } from '../../lib/invariant.ts';
import { minorFromDecimal } from '../../lib/money.ts';
import { transact, type Transaction } from '../../postgres/transaction.ts';
import { badUserInput, type BadUserInput } from '../refusal.ts';
import type { Shop } from '../shop.ts';

/** What is to go on sale, with its first stock. */
export interface NewProduct extends ProductTerms {
  readonly name: string;
  readonly description: string | null;
  readonly totalStock: number;
}

/** The product, its stock row and the movement of version 1: the three begin together. */
const INSERT = `
  with product as (
    insert into products (name, description, price_minor, currency, max_per_hold, max_per_customer,
      sale_starts_at, sale_ends_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8) returning id),
  level as (
    insert into stock_levels (product_id, total, available, held, sold, version)
    select id, $9, $9, 0, 0, 1 from product),
  movement as (
    insert into stock_movements (product_id, version, available_delta, held_delta, sold_delta,
      total_delta, cause, reason, at)
    select id, 1, $9, 0, 0, $9, 'ADJUSTMENT', 'Product created', shop_clock() from product)
  select id from product`;

/** Puts a product on sale with its first stock. */
export function createProduct(
  shop: Pick<Shop, 'database'>,
  wanted: NewProduct,
): Promise<Product | BadUserInput> {
  return transact(shop.database, (tx) => insertProduct(tx, wanted));
}

/** The same inside a transaction of the caller's. */
export async function insertProduct(
  tx: Transaction,
  wanted: NewProduct,
): Promise<Product | BadUserInput> {
  const currency = wanted.currency.toUpperCase();
  const wrong =
    wrongWithName(wanted.name) ??
    wrongWithCurrency(wanted.currency) ??
    wrongWithTerms({ ...wanted, currency });
  if (wrong !== undefined) return badUserInput(wrong);
  if (wanted.totalStock < 0)
    return badUserInput(`totalStock is ${wanted.totalStock}; it must be 0 or more.`);
  const priceMinor = minorFromDecimal(wanted.price, currency);
  invariant(priceMinor !== undefined, 'a price that is not wrong has minor units');

  const [made] = await tx.rows<{ id: number }>(INSERT, [
    wanted.name,
    wanted.description,
    priceMinor.toString(),
    currency,
    wanted.maxPerHold,
    wanted.maxPerCustomer,
    wanted.saleStartsAt,
    wanted.saleEndsAt,
    wanted.totalStock,
  ]);
  return (await tx.findOne(ProductTable, { id: made!.id }))!;
}
