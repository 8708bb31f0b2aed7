import { decimalText, receivedText, type Money } from '../../lib/money.ts';

/** What can happen to an order, a refund or a product. */
export const SHOP_EVENT_TYPES = [
  'ORDER_PAID',
  'ORDER_CANCELLED',
  'ORDER_EXPIRED',
  'REFUND_OPENED',
  'REFUND_RESOLVED',
  'PRODUCT_SOLD_OUT',
  'PRODUCT_BACK_IN_STOCK',
] as const;

/** The type of an event. */
export type ShopEventType = (typeof SHOP_EVENT_TYPES)[number];

/** An order as an event's snapshot stores it: instants are text, 64-bit integers too. */
interface OrderSnapshot {
  readonly id: string;
  readonly productId: number;
  readonly productName: string | null;
  readonly quantity: number;
  readonly unitPriceMinor: string;
  readonly currency: string;
  readonly status: string;
  readonly customerId: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly paymentId: string | null;
  readonly createdAt: string;
  readonly paymentExpiresAt: string;
  readonly paidAt: string | null;
  readonly updatedAt: string;
}

/** A refund with its order; the order is null where none was created. */
interface RefundSnapshot {
  readonly id: string;
  readonly orderId: string;
  readonly paymentId: string;
  /** Decimal text as stored; null where the amount is unknown. */
  readonly amount: string | null;
  readonly currency: string | null;
  readonly reason: string;
  readonly status: string;
  readonly createdAt: string;
  readonly resolvedAt: string | null;
  readonly order: OrderSnapshot | null;
}

/** A product with its counters. */
interface ProductSnapshot {
  readonly id: number;
  readonly name: string;
  readonly priceMinor: string;
  readonly currency: string;
  readonly version: number;
  readonly total: number;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
}

/** What an event's row stores of its subject, at the moment of the event. */
export type Snapshot =
  | { readonly kind: 'order'; readonly order: OrderSnapshot }
  | { readonly kind: 'refund'; readonly refund: RefundSnapshot }
  | { readonly kind: 'product'; readonly product: ProductSnapshot };

/** An event as its payload needs it. */
export interface EventToRender {
  readonly type: ShopEventType;
  readonly at: Date;
  /** Number of the event among those of its order or product, from 1, without gaps. */
  readonly sequence: number;
  /** Null once it is redacted. */
  readonly snapshot: Snapshot | null;
}

/**
 * The body that endpoints receive, JSON text: the same for each attempt, because it is made of what
 * the event's row stores. Empty once the event is redacted.
 */
export function payloadOf({ type, at, sequence, snapshot }: EventToRender): string {
  if (snapshot === null) return '';
  return JSON.stringify({
    type: wireType(type),
    timestamp: at.toISOString(),
    sequence,
    data: dataOf(snapshot),
  });
}

/** The type as endpoints see it: ORDER_PAID is "order.paid". */
function wireType(type: ShopEventType): string {
  return type.toLowerCase().replace('_', '.');
}

/** The fields have the names of the GraphQL types. */
function dataOf(snapshot: Snapshot): object {
  if (snapshot.kind === 'order') return { order: orderData(snapshot.order) };
  if (snapshot.kind === 'refund') return { refund: refundData(snapshot.refund) };
  return { product: productData(snapshot.product) };
}

function orderData(order: OrderSnapshot): object {
  const { id, quantity, currency, status, paymentId, customerId, metadata } = order;
  const unitPrice = { minor: BigInt(order.unitPriceMinor), currency };
  return {
    id,
    product: { id: String(order.productId), name: order.productName },
    quantity,
    unitPrice: moneyData(unitPrice),
    totalAmount: moneyData({ minor: unitPrice.minor * BigInt(quantity), currency }),
    status,
    paymentId,
    createdAt: instant(order.createdAt),
    paymentExpiresAt: instant(order.paymentExpiresAt),
    paidAt: order.paidAt && instant(order.paidAt),
    updatedAt: instant(order.updatedAt),
    customerId,
    metadata,
  };
}

function refundData(refund: RefundSnapshot): object {
  const { id, orderId, paymentId, amount, currency, reason, status, order } = refund;
  return {
    id,
    orderId,
    paymentId,
    amount:
      amount === null || currency === null
        ? null
        : { amount: receivedText(amount, currency), currency },
    reason,
    status,
    createdAt: instant(refund.createdAt),
    resolvedAt: refund.resolvedAt && instant(refund.resolvedAt),
    order: order && orderData(order),
  };
}

function productData({ id, name, priceMinor, currency, ...count }: ProductSnapshot): object {
  return {
    id: String(id),
    name,
    price: moneyData({ minor: BigInt(priceMinor), currency }),
    totalStock: count.total,
    availableStock: count.available,
    heldStock: count.held,
    soldStock: count.sold,
    stockVersion: count.version,
  };
}

const moneyData = (money: Money): object => ({
  amount: decimalText(money),
  currency: money.currency,
});

/** Postgres' spelling of an instant in the spelling of the API. */
const instant = (text: string): string => new Date(text).toISOString();
