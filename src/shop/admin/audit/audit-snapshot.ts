import type { Product } from '../../catalog/product.entity.ts';
import type { Order } from '../../purchases/order.entity.ts';
import type { PaymentEvent } from '../../payments/inbox/payment-event.entity.ts';
import type { Refund } from '../../payments/refund.entity.ts';
import { decimalText } from '../../../lib/money.ts';
import type { StockCount } from '../../stock/stock.rules.ts';

/*
 * Rows as the audit log stores them: the fields an admin operation can change, as JSON. Never a
 * customer, a token or a payload, because the log is append-only and could not redact them.
 */

/** A product and its terms of sale. */
export function auditSnapshotOfProduct(product: Product): object {
  const { id, name, description, currency, priceMinor } = product;
  const { maxPerHold, maxPerCustomer, saleStartsAt, saleEndsAt, salePaused, imageUrl } = product;
  const price = decimalText({ minor: priceMinor, currency });
  const terms = { price, currency, maxPerHold, maxPerCustomer, saleStartsAt, saleEndsAt };
  return { id, name, description, ...terms, salePaused, imageUrl };
}

/** The counters of a product. */
export function auditSnapshotOfStock(count: StockCount): object {
  const { version, total, available, held, sold } = count;
  return { version, total, available, held, sold };
}

/** The status of an order, and its units and payment. */
export function auditSnapshotOfOrder(order: Order): object {
  const { status, cancelledBy, productId, quantity, paymentId, restocked } = order;
  return { status, cancelledBy, productId, quantity, paymentId, restocked };
}

/** The processing status of a payment event. */
export function auditSnapshotOfEvent(event: PaymentEvent): object {
  const { orderId, paymentId, status, reason, attempts, settledAt } = event;
  return { orderId, paymentId, status, reason, attempts, settledAt };
}

/** The status of a refund. */
export function auditSnapshotOfRefund(refund: Refund): object {
  const { orderId, paymentId, status, resolvedAt, note } = refund;
  return { orderId, paymentId, status, resolvedAt, note };
}
