import { findHold, findOrders } from '../shop/purchases/find-purchases.ts';
import type { Hold } from '../shop/purchases/hold.entity.ts';
import { holdStatus } from '../shop/purchases/hold.rules.ts';
import { streamStates } from './state-stream.ts';
import { remainingMs } from '../lib/time.ts';
import { endDueOfOrder } from '../shop/purchases/end-due.ts';
import type { Order } from '../shop/purchases/order.entity.ts';
import type { LiveShop } from './live-shop.ts';

/**
 * The life of the hold that this token opens: its current state, then its end, expiry included, at
 * its deadline and not a sweep later. Null for a token that opens nothing.
 */
export async function watchHold(
  shop: LiveShop,
  token: string,
): Promise<AsyncIterableIterator<Hold> | null> {
  const known = await findHold(shop, token);
  if (known === null) return null;
  return streamStates<Hold, Hold>({
    read: async () => (await findHold(shop, token))!,
    tellable: (hold) => ({ ...hold, status: holdStatus(hold) }),
    isOver: (hold) => holdStatus(hold) !== 'ACTIVE',
    changesInMs: (hold) => remainingMs(hold.readAt, hold.expiresAt),
    subscribe: (look) => shop.purchaseFeed.subscribe(known.orderId, look),
  });
}

/** A purchase as it stands: the hold, and the order once it is one. */
interface Purchase {
  readonly hold: Hold;
  readonly order: Order | null;
}

/**
 * The life of the order made from the hold that this token opens: its state as soon as it exists,
 * then its end. It completes without a word when the hold ended without an order. An order that is
 * watched is expired at its deadline, and told of after that commit. Null for a token that opens
 * nothing.
 */
export async function watchOrder(
  shop: LiveShop,
  holdToken: string,
): Promise<AsyncIterableIterator<Order> | null> {
  const known = await findHold(shop, holdToken);
  if (known === null) return null;
  return streamStates<Purchase, Order>({
    read: () => readPurchase(shop, holdToken),
    tellable: ({ order }) => order,
    isOver: ({ hold, order }) =>
      order === null ? holdStatus(hold) !== 'ACTIVE' : order.status !== 'PENDING',
    changesInMs: ({ hold, order }) =>
      order === null
        ? remainingMs(hold.readAt, hold.expiresAt)
        : remainingMs(order.readAt, order.paymentExpiresAt),
    subscribe: (look) => shop.purchaseFeed.subscribe(known.orderId, look),
  });
}

/** The hold first: once it reads CONVERTED its order is committed too, so neither is missed. */
async function readPurchase(shop: LiveShop, holdToken: string): Promise<Purchase> {
  const hold = (await findHold(shop, holdToken))!;
  if (hold.status !== 'CONVERTED') return { hold, order: null };
  await endDueOfOrder(shop, hold.orderId);
  const [order] = await findOrders(shop, [hold.orderId]);
  return { hold, order: order ?? null };
}
