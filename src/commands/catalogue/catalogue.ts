import type { Command } from 'commander';
import { listProducts, type Product } from '../../shop/catalog/find-products.ts';
import { saleStatus } from '../../shop/catalog/product.rules.ts';
import { auditStock } from '../../shop/reconciliation/audit-stock.ts';
import { decimalText } from '../../lib/money.ts';
import { productNotFound, SALE_STATUSES, type SaleStatus } from '../../shop/refusal.ts';
import { countStock } from '../../shop/stock/count-stock.ts';
import { listMovements, type StockMovement } from '../../shop/stock/list-movements.ts';
import type { StockCount } from '../../shop/stock/stock.rules.ts';
import { withDatabase } from '../opened.ts';
import { productNames } from '../product-names.ts';
import { addProductActs } from './product-acts.ts';
import { addStockAdjustment } from './sale-control.ts';
import {
  productId,
  statusOf,
  wholeNumber,
  withPage,
  withStatus,
  type ListOptions,
} from '../options.ts';
import { answer, answerPage, footer, foundSomething, tableOf, type Shown } from '../output.ts';

/** Commands on products and their stock: products list, create and update; stock show and adjust. */
export function addCatalogue(program: Command): void {
  const products = program.command('products').description('List, create and change products.');

  withStatus(withPage(products.command('list', { isDefault: true }), productId), SALE_STATUSES)
    .description('List products with their stock.')
    .action(showProducts);
  addProductActs(products);

  const stock = program.command('stock').description('Show and adjust the stock of a product.');

  withPage(stock.command('show', { isDefault: true }), wholeNumber)
    .argument('<product>', 'the product id', productId)
    .description(
      'Show and audit the stock of a product and list its movements. Exit code 3: discrepancies found.',
    )
    .action(showStock);
  addStockAdjustment(stock);
}

function showProducts(options: ListOptions<number> & { readonly status?: string }): Promise<void> {
  const { json, first, after = null, status } = options;
  return withDatabase(async (shop) => {
    const saleStatus = statusOf<SaleStatus>(status);
    const page = await listProducts(shop, { first, after, saleStatus });
    const ids = page.rows.map(({ id }) => id);
    const counts = new Map((await countStock(shop, ids)).map((one) => [one.productId, one]));
    const show = (product: Product) => shownProduct(product, counts.get(product.id));
    answerPage(json, page, { show, keyOf: ({ id }) => id });
  });
}

/** Stock of a product without a stock row, which `reconcile` reports as a discrepancy. */
const UNKNOWN = { total: null, available: null, held: null, sold: null };

function shownProduct(product: Product, count: StockCount | undefined): Shown {
  const { id, name, priceMinor, currency, readAt, saleStartsAt, saleEndsAt } = product;
  const { total, available, held, sold } = count ?? UNKNOWN;
  return {
    id,
    name,
    price: decimalText({ minor: priceMinor, currency }),
    currency,
    sale: saleStatus(product, readAt),
    total,
    available,
    held,
    sold,
    saleStartsAt,
    saleEndsAt,
  };
}

function showStock(product: number, options: ListOptions<number>): Promise<void> {
  const { json, first, after = null } = options;
  return withDatabase(async (shop) => {
    const audit = await auditStock(shop, product);
    if (audit === null) throw new Error(productNotFound.message);
    const productName = (await productNames(shop, [audit]))(audit);
    const page = await listMovements(shop, { productId: product, first, after });
    const movements = page.rows.map(shownMovement);
    const next = page.hasNextPage ? (page.rows.at(-1)?.version ?? null) : null;
    answer(json, { ...audit, productName, movements, totalCount: page.totalCount, next }, () => {
      const { productId: id, versions: version, total, available, held, sold, findings } = audit;
      return [
        tableOf([{ product: id, productName, version, total, available, held, sold }]),
        '',
        ...(audit.balanced
          ? ['Audit: balanced at every version.']
          : ['Audit: discrepancies found.']),
        ...findings,
        '',
        tableOf(movements),
        '',
        footer(movements.length, page.totalCount, next),
      ].join('\n');
    });
    if (!audit.balanced) foundSomething();
  });
}

function shownMovement(movement: StockMovement): Shown {
  const { version, cause, reason, at } = movement;
  return {
    version,
    cause,
    available: movement.availableDelta,
    held: movement.heldDelta,
    sold: movement.soldDelta,
    total: movement.totalDelta,
    at,
    reason,
  };
}
