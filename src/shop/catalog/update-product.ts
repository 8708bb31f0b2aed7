import { invariant } from '../../lib/faults.ts';
import { decimalText, minorFromDecimal } from '../../lib/money.ts';
import type { Transaction } from '../../postgres/transaction.ts';
import {
  badUserInput,
  productNotFound,
  type BadUserInput,
  type ProductNotFound,
} from '../refusal.ts';
import { ProductTable, type Product } from './product.entity.ts';
import {
  wrongWithImageUrl,
  wrongWithName,
  wrongWithTerms,
  type ProductTerms,
} from './product.rules.ts';
import type { Shop } from '../shop.ts';

/** A change of a product. Fields that are absent stay unchanged; the currency never changes. */
export type ProductChange = { readonly id: number } & Partial<
  Omit<ProductTerms, 'currency'> & {
    readonly name: string;
    readonly description: string | null;
    readonly imageUrl: string | null;
  }
>;

/** A product before and after its change. */
export interface ChangedProduct {
  readonly before: Product;
  readonly after: Product;
}

/**
 * Concurrent changes of one product run one after the other, so that neither overwrites a field that
 * only the other changed. `for no key update`, because foreign keys point at this row: a stronger lock
 * would block their checks.
 */
export const LOCK_PRODUCT = 'select id from products where id = $1 for no key update';

/**
 * `updated_at` rises with every change, also within one millisecond or after the clock was set back.
 * Clients order two values of one stock version by it.
 */
const UPDATE = `
  update products set name = $2, description = $3, price_minor = $4, max_per_hold = $5,
    max_per_customer = $6, sale_starts_at = $7, sale_ends_at = $8, image_url = $9,
    updated_at = greatest(shop_clock(), updated_at + interval '1 millisecond')
  where id = $1
    and (name, description, price_minor, max_per_hold, max_per_customer, sale_starts_at, sale_ends_at,
      image_url)
      is distinct from ($2, $3, $4::bigint, $5::int, $6::int, $7::timestamptz(3), $8::timestamptz(3), $9)`;

/**
 * Changes a product and its terms, inside the caller's transaction. Existing holds and orders keep
 * their price.
 */
export async function updateProduct(
  shop: Shop,
  tx: Transaction,
  change: ProductChange,
): Promise<ChangedProduct | ProductNotFound | BadUserInput> {
  const { id } = change;
  await tx.rows(LOCK_PRODUCT, [id]);
  const before = await tx.findOne(ProductTable, { id });
  if (before === null) return productNotFound;
  const price = decimalText({ minor: before.priceMinor, currency: before.currency });
  const changed = { ...before, price, ...change };
  const wrong =
    (change.name === undefined ? undefined : wrongWithName(change.name)) ??
    wrongWithTerms(changed) ??
    (change.imageUrl === undefined ? undefined : wrongWithImageUrl(change.imageUrl));
  if (wrong !== undefined) return badUserInput(wrong);
  const priceMinor = minorFromDecimal(changed.price, changed.currency);
  invariant(priceMinor !== undefined, 'a price that is not wrong has minor units');

  await tx.rows(UPDATE, [
    id,
    changed.name,
    changed.description,
    priceMinor.toString(),
    changed.maxPerHold,
    changed.maxPerCustomer,
    changed.saleStartsAt,
    changed.saleEndsAt,
    changed.imageUrl,
  ]);
  const after = (await tx.findOne(ProductTable, { id }))!;
  tx.afterCommit(() => shop.announceProduct(after));
  return { before, after };
}
