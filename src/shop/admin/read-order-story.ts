import { findOrderEvents, type ShopEvent } from '../events/list-events.ts';
import { listPaymentEvents, type PaymentEvent } from '../payments/list-payments.ts';
import {
  findHoldOfOrder,
  findOrders,
  type Hold,
  type Order,
} from '../purchases/reads/find-purchases.ts';
import type { Shop } from '../shop.ts';

/** What happened to one purchase. */
export interface OrderStory {
  /** Null if a payment names an order that never had a hold. */
  readonly hold: Hold | null;
  /** Null before createOrder. */
  readonly order: Order | null;
  /** The newest 100 payment events that name the order, oldest first. */
  readonly paymentEvents: readonly PaymentEvent[];
  /** The first 100 events of the order, in their order. */
  readonly events: readonly ShopEvent[];
}

const ROWS_MAX = 100;

/**
 * Everything recorded about one purchase.
 *
 * @param id of the order or of its hold; null if neither a hold nor a payment has it
 */
export async function readOrderStory(
  shop: Pick<Shop, 'database'>,
  id: string,
): Promise<OrderStory | null> {
  const hold = await findHoldOfOrder(shop, id);
  const orderId = hold?.orderId ?? id;
  const [order = null] = await findOrders(shop, [orderId]);
  const page = { first: ROWS_MAX, after: null, status: null, orderId };
  const { rows } = await listPaymentEvents(shop, page);
  if (hold === null && rows.length === 0) return null;
  const events = await findOrderEvents(shop, orderId, ROWS_MAX);
  return { hold, order, paymentEvents: rows.toReversed(), events };
}
