import { InvalidArgumentError, type Command } from 'commander';
import { adminCreateProduct, adminUpdateProduct } from '../../shop/admin/admin-products.ts';
import type { ProductChange } from '../../shop/catalog/update-product.ts';
import type { NewProduct } from '../../shop/stock/create-product.ts';
import { accepted, act, withDryRun, type ActOptions } from '../act.ts';
import { instant, integerFrom, productId, textUpTo } from '../options.ts';
import { InvalidInput } from '../output.ts';

/** Adds `products create` and `products update`. */
export function addProductActs(products: Command): void {
  const create = withDryRun(products.command('create'))
    .description('Create a product with its first stock.')
    .requiredOption('--name <text>', 'the name, 1 to 200 characters', textUpTo(200))
    .requiredOption('--price <decimal>', 'price of a unit, for example 29.99', price)
    .requiredOption('--currency <code>', 'its currency, an ISO 4217 code')
    .requiredOption('--total-stock <n>', 'number of units for sale', integerFrom(0))
    .option('--max-per-hold <n>', 'maximum units in one hold', integerFrom(1), 10);
  withOptionalTerms(create).action(createOne);

  const update = withDryRun(products.command('update'))
    .argument('<product>', 'the product id', productId)
    .description('Change a product. Holds and orders that exist keep their price.')
    .option('--name <text>', 'the name, 1 to 200 characters', textUpTo(200))
    .option('--price <decimal>', 'price of a unit', price)
    .option('--max-per-hold <n>', 'maximum units in one hold', integerFrom(1));
  withOptionalTerms(update)
    .option('--no-description', 'remove the description')
    .option('--no-max-per-customer', 'remove the limit for a customer')
    .option('--no-sale-starts-at', 'start the sale at once')
    .option('--no-sale-ends-at', 'remove the end of the sale')
    .option('--no-image-url', 'remove the picture')
    .action(updateOne);
}

/** The options of the terms that a product need not have. */
function withOptionalTerms(command: Command): Command {
  return command
    .option('--description <text>', 'the description, at most 5000 characters', textUpTo(5000))
    .option('--max-per-customer <n>', 'maximum units for one customer', integerFrom(1))
    .option('--sale-starts-at <time>', 'when the sale starts, ISO 8601', instant)
    .option('--sale-ends-at <time>', 'when the sale ends, ISO 8601', instant)
    .option('--image-url <url>', 'address of a picture: https', textUpTo(2048));
}

/** The form of a price; its number of decimals depends on the currency, and the rules check it. */
function price(text: string): string {
  if (/^[0-9.]{1,20}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a plain decimal of at most 20 characters.');
}

/** A new product; what is absent has no value. */
type CreateOptions = ActOptions &
  Pick<NewProduct, 'name' | 'price' | 'currency' | 'totalStock' | 'maxPerHold'> &
  Partial<NewProduct>;

function createOne({ json, dryRun, ...terms }: CreateOptions): Promise<void> {
  const none = { description: null, maxPerCustomer: null, imageUrl: null };
  const product = { ...none, saleStartsAt: null, saleEndsAt: null, ...terms };
  return act({ json, dryRun }, async (shop, caller) => {
    const { id, name } = accepted(await adminCreateProduct(shop, caller, product));
    // The id of a dry run is not the id that the product will have.
    const productIdText = dryRun ? '' : ` ${id}`;
    return {
      action: 'createProduct',
      ids: { productId: dryRun ? null : id },
      done: `Product${productIdText} (${name}) is created.`,
    };
  });
}

/** The changed terms; false removes a value. */
type UpdateOptions = ActOptions & {
  readonly [Term in keyof Omit<ProductChange, 'id'>]?: ProductChange[Term] | false;
};

function updateOne(id: number, { json, dryRun, ...terms }: UpdateOptions): Promise<void> {
  const given = Object.entries(terms).map(([term, value]) => [
    term,
    value === false ? null : value,
  ]);
  if (given.length === 0) throw new InvalidInput('Give at least one change.');
  const change = { ...(Object.fromEntries(given) as Omit<ProductChange, 'id'>), id };
  return act({ json, dryRun }, async (shop, caller) => {
    const { name } = accepted(await adminUpdateProduct(shop, caller, change));
    return {
      action: 'updateProduct',
      ids: { productId: id },
      done: `Product ${id} (${name}) is changed.`,
    };
  });
}
