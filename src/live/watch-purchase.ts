import { findHold, findOrders } from '../shop/purchases/reads/find-purchases.ts';
import type { Hold } from '../shop/purchases/hold.entity.ts';
import { holdStatus } from '../shop/purchases/hold.rules.ts';
import { streamStates } from './state-stream.ts';
import { remainingMs } from '../shop/purchases/status.rules.ts';
import { endDueOfOrder } from '../shop/purchases/end-due.ts';
import type { Order } from '../shop/purchases/order.entity.ts';
import type { LiveShop } from './live-shop.ts';

/**
 * The states of the hold with this token: the current one, then its end. Expiry is sent at the deadline,
 * not at the next sweep. Null if no hold has this token.
 */
export async function watchHold(
  shop: LiveShop,
  token: string,
): Promise<AsyncIterableIterator<Hold> | null> {
  const hold = await findHold(shop, token);
  if (hold === null) return null;
  return streamStates<Hold, Hold>({
    read: async () => (await findHold(shop, token))!,
    eventOf: (hold) => ({ ...hold, status: holdStatus(hold) }),
    isFinal: (hold) => holdStatus(hold) !== 'ACTIVE',
    msToDeadline: (hold) => remainingMs(hold.readAt, hold.expiresAt),
    subscribe: (onChange) => shop.purchaseFeed.subscribe(hold.orderId, onChange),
  });
}

/** The state of a purchase: the hold, and its order if there is one. */
interface Purchase {
  readonly hold: Hold;
  readonly order: Order | null;
}

/**
 * The states of the order of the hold with this token: the current one when the order exists, then its
 * end. The stream is empty if the hold ends without an order. A watched order is expired at its
 * deadline, and sent after that commit. Null if no hold has this token.
 */
export async function watchOrder(
  shop: LiveShop,
  holdToken: string,
): Promise<AsyncIterableIterator<Order> | null> {
  const hold = await findHold(shop, holdToken);
  if (hold === null) return null;
  return streamStates<Purchase, Order>({
    read: () => readPurchase(shop, holdToken),
    eventOf: ({ order }) => order,
    isFinal: ({ hold, order }) =>
      order === null ? holdStatus(hold) !== 'ACTIVE' : order.status !== 'PENDING',
    msToDeadline: ({ hold, order }) =>
      order === null
        ? remainingMs(hold.readAt, hold.expiresAt)
        : remainingMs(order.readAt, order.paymentExpiresAt),
    subscribe: (onChange) => shop.purchaseFeed.subscribe(hold.orderId, onChange),
  });
}

/** Reads the hold first: if it is CONVERTED, its order is committed too. */
async function readPurchase(shop: LiveShop, holdToken: string): Promise<Purchase> {
  const hold = (await findHold(shop, holdToken))!;
  if (hold.status !== 'CONVERTED') return { hold, order: null };
  await endDueOfOrder(shop, hold.orderId);
  const [order] = await findOrders(shop, [hold.orderId]);
  return { hold, order: order ?? null };
}
