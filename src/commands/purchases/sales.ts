import type { Command } from 'commander';
import type { Hold, Order } from '../../shop/purchases/reads/find-purchases.ts';
import { holdStatus } from '../../shop/purchases/hold.rules.ts';
import {
  listHolds,
  listOrders,
  type HoldListQuery,
  type OrderListQuery,
} from '../../shop/purchases/reads/list-purchases.ts';
import { totalOf } from '../../shop/purchases/order.rules.ts';
import { HOLD_STATUSES, ORDER_STATUSES } from '../../shop/purchases/status.rules.ts';
import { decimalText } from '../../lib/money.ts';
import { addOrderCancellation } from './cancel-order.ts';
import { addOrderExport } from './export-orders.ts';
import { withDatabase } from '../opened.ts';
import { productId, statusOf, uuid, withPage, withStatus, type ListOptions } from '../options.ts';
import { answerPage, type Shown } from '../output.ts';
import { productNames } from '../product-names.ts';

interface SaleFilter extends ListOptions<string> {
  readonly status?: string;
  readonly product?: number;
}

/** Commands that list holds and orders. Neither prints hold tokens. */
export function addSales(program: Command): void {
  withStatus(withPage(program.command('holds'), uuid), HOLD_STATUSES)
    .option('--product <id>', 'filter by product', productId)
    .option('--customer <id>', 'filter by customer')
    .description('List holds, without their tokens.')
    .action(showHolds);

  const orders = program.command('orders').description('List, export and cancel orders.');

  withStatus(withPage(orders.command('list', { isDefault: true }), uuid), ORDER_STATUSES)
    .option('--product <id>', 'filter by product', productId)
    .option('--customer <id>', 'filter by customer')
    .option('--payment <id>', 'filter by the payment that paid it')
    .description('List orders.')
    .action(showOrders);

  addOrderExport(orders);
  addOrderCancellation(orders);
}

/** The commands do not filter by time. */
const ANY_TIME = { createdAfter: null, createdBefore: null } as const;

function showHolds(options: SaleFilter & { readonly customer?: string }): Promise<void> {
  const { json, first, after = null, product = null, customer = null } = options;
  const status = statusOf<NonNullable<HoldListQuery['status']>>(options.status);
  return withDatabase(async (shop) => {
    const filter = { status, productId: product, customerId: customer, ...ANY_TIME };
    const page = await listHolds(shop, { first, after, ...filter });
    const nameOf = await productNames(shop, page.rows);
    const show = (hold: Hold) => shownHold(hold, nameOf(hold));
    answerPage(json, page, { show, keyOf: ({ id }) => id });
  });
}

function shownHold(hold: Hold, productName: string | null): Shown {
  const { id, orderId, productId: product, quantity, customerId, createdAt, expiresAt } = hold;
  const status = holdStatus(hold);
  return { id, product, productName, quantity, status, customerId, createdAt, expiresAt, orderId };
}

function showOrders(
  options: SaleFilter & { readonly customer?: string; readonly payment?: string },
): Promise<void> {
  const { json, first, after = null, product = null, customer = null, payment = null } = options;
  const status = statusOf<NonNullable<OrderListQuery['status']>>(options.status);
  return withDatabase(async (shop) => {
    const filter = { status, productId: product, customerId: customer, paymentId: payment };
    const page = await listOrders(shop, { first, after, ...filter, ...ANY_TIME });
    const nameOf = await productNames(shop, page.rows);
    const show = (order: Order) => shownOrder(order, nameOf(order));
    answerPage(json, page, { show, keyOf: ({ id }) => id });
  });
}

function shownOrder(order: Order, productName: string | null): Shown {
  const { id, productId: product, quantity, currency, status, customerId, paymentId } = order;
  const total = decimalText(totalOf(order));
  const { createdAt, paymentExpiresAt, paidAt } = order;
  const times = { createdAt, paymentExpiresAt, paidAt };
  const sold = { id, product, productName, quantity, total, currency, status };
  return { ...sold, customerId, paymentId, ...times };
}
