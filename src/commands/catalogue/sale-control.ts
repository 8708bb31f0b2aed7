import { InvalidArgumentError, type Command } from 'commander';
import { adminAdjustStock } from '../../shop/admin/admin-adjust-stock.ts';
import { adminPauseSale } from '../../shop/admin/admin-pause-sale.ts';
import { adminUpdateProduct } from '../../shop/admin/admin-products.ts';
import { findProducts } from '../../shop/catalog/find-products.ts';
import { saleStatus } from '../../shop/catalog/product.rules.ts';
import { productNotFound } from '../../shop/refusal.ts';
import { accepted, act, withDryRun, type ActOptions } from '../act.ts';
import { integerFrom, productId, words } from '../options.ts';

/** Commands that control a sale: sale pause, resume and close. */
export function addSaleControl(program: Command): void {
  const sale = program.command('sale').description('Pause, resume and close a sale.');
  const command = (name: string, description: string): Command =>
    withDryRun(sale.command(name))
      .argument('<product>', 'the product id', productId)
      .description(description);

  command('pause', 'Refuse new holds. Holds and orders that exist go on.').action(
    (id: number, options: ActOptions) => setPaused(id, true, options),
  );
  command('resume', 'Allow new holds again.').action((id: number, options: ActOptions) =>
    setPaused(id, false, options),
  );
  command('close', 'End the sale now. products update --sale-ends-at opens it again.').action(
    closeSale,
  );
}

function setPaused(id: number, paused: boolean, options: ActOptions): Promise<void> {
  return act(options, async (shop, caller) => {
    const { name } = accepted(await adminPauseSale(shop, caller, { id, paused }));
    return {
      action: 'setSalePaused',
      ids: { productId: id },
      done: `The sale of product ${id} (${name}) is ${paused ? 'paused' : 'resumed'}.`,
    };
  });
}

function closeSale(id: number, options: ActOptions): Promise<void> {
  return act(options, async (shop, caller) => {
    const [product] = await findProducts(shop, [id]);
    if (product === undefined) throw new Error(productNotFound.message);
    // The database's clock, which decides whether a sale is open.
    const now = await shop.clock.read();
    const { saleStartsAt, saleEndsAt } = product;
    if (saleStatus(product, now) === 'ENDED')
      throw new Error(`The sale ended at ${saleEndsAt!.toISOString()}.`);
    if (saleStartsAt !== null && saleStartsAt >= now)
      throw new Error('The sale has not started: pause it, or change its times.');
    const { name } = accepted(await adminUpdateProduct(shop, caller, { id, saleEndsAt: now }));
    return {
      action: 'updateProduct',
      ids: { productId: id },
      done: `The sale of product ${id} (${name}) is closed.`,
    };
  });
}

interface AdjustOptions extends ActOptions {
  readonly by: number;
  readonly reason: string;
  readonly expectedVersion?: number;
  readonly idempotencyKey?: string;
}

/** Adds `stock adjust`. */
export function addStockAdjustment(stock: Command): void {
  withDryRun(stock.command('adjust'))
    .argument('<product>', 'the product id', productId)
    .description('Add units to a sale, or take some out; never below what is held and sold.')
    .requiredOption('--by <n>', 'units to add; negative: to take out', integerFrom(-2_147_483_647))
    .requiredOption('--reason <text>', 'why; kept with the movement', words)
    .option('--expected-version <n>', 'refuse if the stock has another version', integerFrom(0))
    .option(
      '--idempotency-key <key>',
      'a random key: a command repeated with it takes effect once',
      idempotencyKey,
    )
    .action(adjust);
}

function adjust(id: number, options: AdjustOptions): Promise<void> {
  const { by: delta, reason, expectedVersion = null, idempotencyKey: key = null } = options;
  const adjustment = { productId: id, delta, reason, expectedVersion, idempotencyKey: key };
  return act(options, async (shop, caller) => {
    accepted(await adminAdjustStock(shop, caller, adjustment));
    const [product] = await findProducts(shop, [id]);
    return {
      action: 'adjustStock',
      ids: { productId: id },
      done: `The stock of product ${id} (${product!.name}) is adjusted by ${delta}.`,
    };
  });
}

function idempotencyKey(text: string): string {
  if (/^[\x20-\x7e]{16,128}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be 16 to 128 printable ASCII characters.');
}
