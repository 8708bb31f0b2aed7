import { invariant } from '../../lib/faults.ts';
import { minorFromDecimal } from '../../lib/money.ts';
import { badUserInput, type BadUserInput } from '../refusal.ts';
import {
  wrongWithCurrency,
  wrongWithImageUrl,
  wrongWithName,
  wrongWithTerms,
  type ProductTerms,
} from './product.rules.ts';

/** A product to create, without its stock. */
export interface NewProductTerms extends ProductTerms {
  readonly name: string;
  readonly description: string | null;
  readonly imageUrl: string | null;
}

/**
 * SQL that inserts a product with the parameters `$1` to `$9` and returns its id. It is a part of the
 * statement that creates the product with its stock row.
 */
export const INSERT_PRODUCT = `
  insert into products (name, description, price_minor, currency, max_per_hold, max_per_customer,
    sale_starts_at, sale_ends_at, image_url)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`;

/** The parameters of INSERT_PRODUCT, or the reason why the product cannot be created. */
export function insertParameters(product: NewProductTerms): readonly unknown[] | BadUserInput {
  const currency = product.currency.toUpperCase();
  const wrong =
    wrongWithName(product.name) ??
    wrongWithCurrency(product.currency) ??
    wrongWithTerms({ ...product, currency }) ??
    wrongWithImageUrl(product.imageUrl);
  if (wrong !== undefined) return badUserInput(wrong);
  const priceMinor = minorFromDecimal(product.price, currency);
  invariant(priceMinor !== undefined, 'a price that is not wrong has minor units');
  return [
    product.name,
    product.description,
    priceMinor.toString(),
    currency,
    product.maxPerHold,
    product.maxPerCustomer,
    product.saleStartsAt,
    product.saleEndsAt,
    product.imageUrl,
  ];
}
