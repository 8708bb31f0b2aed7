import { findHold, type Hold } from '../purchases/find-purchases.ts';
import { createOrder } from '../purchases/create-order.ts';
import { OrderTable, type Order } from '../purchases/order.entity.ts';
import { isFault } from '../../lib/faults.ts';
import { lockRow } from '../../postgres/locked-row.ts';
import { transact, type Transaction } from '../../postgres/transaction.ts';
import { holdNotFound, isRefusal, type HoldNotActive, type HoldNotFound } from '../refusal.ts';
import type { OrderAnswer } from './payment-queues.ts';
import { retryOnUniqueViolation } from './settle-event.ts';
import { lockWaitingEvents, settleWaiting } from './settle-parked.ts';
import type { Shop } from '../shop.ts';

/**
 * Turns a hold into an order and applies, in the same transaction, what its payment provider said
 * before the order existed. This is what the API calls createOrder; it stands on the last stair
 * because orders never hear of payments.
 *
 * Where settling what waits breaks, the buyer has the order all the same: the events stay in the
 * inbox, whose sweep counts their tries and gives them up for a person to look at.
 *
 * @throws BusyFault when a lock was not available in time
 */
export async function placeOrder(shop: Shop, holdToken: string): Promise<OrderAnswer> {
  const hold = await findHold(shop, holdToken);
  if (hold === null) return holdNotFound;
  const result = await shop.orderQueues.submit('orders', hold);
  if (result.kind === 'unusual') return placeAlone(shop, hold);
  if (result.kind === 'answered') return result.answer;
  // Here and not in the batch, so that the line has the id of this request.
  const { id: orderId, holdId, productId, quantity } = result.order;
  shop.log.info({ orderId, holdId, productId, quantity }, 'Order created successfully');
  return result.order;
}

async function placeAlone(shop: Shop, hold: Hold): Promise<OrderAnswer> {
  const place = (drain: boolean) =>
    transact(shop.database, (tx) => placeIn(tx, shop, { hold, drain }));
  try {
    return await retryOnUniqueViolation(() => place(true));
  } catch (error) {
    if (isFault(error)) throw error;
    shop.log.error(
      { orderId: hold.orderId, err: error },
      'Could not apply pending payment events; creating the order without them',
    );
    return place(false);
  }
}

async function placeIn(
  tx: Transaction,
  shop: Shop,
  { hold, drain }: { readonly hold: Hold; readonly drain: boolean },
): Promise<Order | HoldNotFound | HoldNotActive> {
  const { id: holdId, orderId } = hold;
  await shop.lockOrders(tx, [orderId]);
  const waiting = drain ? await lockWaitingEvents(tx, orderId) : [];
  const movesUnits = waiting.length > 0;
  const order = await createOrder(shop, tx, { orderId, holdId, movesUnits });
  if (isRefusal(order) || waiting.length === 0) return order;
  for (const event of waiting) await settleWaiting(shop, tx, event);
  return (await lockRow(tx, OrderTable, orderId))!;
}
