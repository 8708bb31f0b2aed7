import { ProductTable, type Product } from '../catalog/product.entity.ts';
import { invariant } from '../platform/invariant.ts';
import { currencyDigits, minorFromDecimal } from '../platform/money.ts';
import { transact, type Transaction } from '../platform/transaction.ts';
import { badUserInput, type BadUserInput } from '../refusal.ts';
import type { StockNeeds } from './locked-stock.ts';

/** What is to go on sale. */
export interface NewProduct {
  readonly name: string;
  readonly description: string | null;
  /** Exact decimal text, with no more digits than the currency has. */
  readonly price: string;
  readonly currency: string;
  readonly totalStock: number;
  readonly maxPerHold: number;
  readonly maxPerCustomer: number | null;
  readonly saleStartsAt: Date | null;
  readonly saleEndsAt: Date | null;
}

/** A hold's total must fit the fifteen digits that a payment's amount may have. */
const HOLD_TOTAL_MINOR_MAX = 10n ** 15n - 1n;

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
  shop: Pick<StockNeeds, 'database'>,
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
  const priceMinor = minorFromDecimal(wanted.price, currency);
  const wrong = wrongWith(wanted, currency, priceMinor);
  if (wrong !== undefined) return badUserInput(wrong);
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
  return (await tx.em.findOneOrFail(ProductTable, made!.id, {
    disableIdentityMap: true,
  })) as Product;
}

function wrongWith(
  wanted: NewProduct,
  currency: string,
  priceMinor: bigint | undefined,
): string | undefined {
  const digits = currencyDigits(currency);
  if (digits === undefined) return `currency is ${currency}; it must be an ISO 4217 code.`;
  if (priceMinor === undefined) {
    return `price is ${wanted.price}; it must be a plain decimal with at most ${digits} decimals for ${currency}.`;
  }
  const wrongLimits = limitsWrongWith(wanted);
  if (wrongLimits !== undefined) return wrongLimits;
  if (priceMinor * BigInt(wanted.maxPerHold) > HOLD_TOTAL_MINOR_MAX) {
    return 'price times maxPerHold is too large; a hold may come to at most fifteen digits.';
  }
  const { saleStartsAt, saleEndsAt } = wanted;
  if (saleStartsAt !== null && saleEndsAt !== null && saleStartsAt >= saleEndsAt) {
    return 'saleEndsAt must be after saleStartsAt.';
  }
  return undefined;
}

function limitsWrongWith({
  totalStock,
  maxPerHold,
  maxPerCustomer,
}: NewProduct): string | undefined {
  if (totalStock < 0) return `totalStock is ${totalStock}; it must be 0 or more.`;
  if (maxPerHold < 1) return `maxPerHold is ${maxPerHold}; it must be 1 or more.`;
  if (maxPerCustomer !== null && maxPerCustomer < 1) {
    return `maxPerCustomer is ${maxPerCustomer}; it must be 1 or more.`;
  }
  return undefined;
}
