import type { Product } from '../catalog/product.entity.ts';
import type { Order } from '../purchases/order.entity.ts';
import type { PaymentEvent } from '../payments/payment-event.entity.ts';
import type { Refund } from '../payments/refund.entity.ts';
import { decimalText } from '../../lib/money.ts';
import type { StockCount } from '../stock/stock.rules.ts';

/*
 * Rows as the audit log keeps them: what an act can change and what tells it from others, as JSON.
 * Never a customer, a token or a payload, which retention could not take back from there.
 */

/** A product and its terms. */
export function shownProduct(product: Product): object {
  const { id, name, description, currency, priceMinor } = product;
  const { maxPerHold, maxPerCustomer, saleStartsAt, saleEndsAt } = product;
  const price = decimalText({ minor: priceMinor, currency });
  const terms = { price, currency, maxPerHold, maxPerCustomer, saleStartsAt, saleEndsAt };
  return { id, name, description, ...terms };
}

/** A product's counters. */
export function shownStock({ version, total, available, held, sold }: StockCount): object {
  return { version, total, available, held, sold };
}

/** Where an order stands. */
export function shownOrder(order: Order): object {
  const { status, cancelledBy, productId, quantity, paymentId, restocked } = order;
  return { status, cancelledBy, productId, quantity, paymentId, restocked };
}

/** Where a payment event stands. */
export function shownEvent(event: PaymentEvent): object {
  const { orderId, paymentId, status, reason, attempts, settledAt } = event;
  return { orderId, paymentId, status, reason, attempts, settledAt };
}

/** Where a refund stands. */
export function shownRefund({ orderId, paymentId, status, resolvedAt, note }: Refund): object {
  return { orderId, paymentId, status, resolvedAt, note };
}
