import { findHold } from '../holds/find-holds.ts';
import { createOrder } from '../orders/create-order.ts';
import { OrderTable, type Order } from '../orders/order.entity.ts';
import { breaksUnique } from '../platform/faults.ts';
import { lockRow } from '../platform/locked-row.ts';
import { transact } from '../platform/transaction.ts';
import { holdNotFound, isRefusal, type HoldNotActive, type HoldNotFound } from '../refusal.ts';
import type { PaymentNeeds } from './settle-event.ts';
import { lockWaitingEvents, settleWaiting } from './settle-parked.ts';

/**
 * Turns a hold into an order and applies, in the same transaction, what its payment provider said
 * before the order existed. This is what the API calls createOrder; it stands on the last stair
 * because orders never hear of payments.
 *
 * @throws BusyFault when a lock was not had in time
 */
export async function placeOrder(
  shop: PaymentNeeds,
  holdToken: string,
): Promise<Order | HoldNotFound | HoldNotActive> {
  const hold = await findHold(shop, holdToken);
  if (hold === null) return holdNotFound;
  const { id: holdId, orderId } = hold;
  const place = () =>
    transact(shop.database, async (tx) => {
      await shop.lockOrder(tx, orderId);
      const waiting = await lockWaitingEvents(tx, orderId);
      const order = await createOrder(shop, tx, {
        orderId,
        holdId,
        movesUnits: waiting.length > 0,
      });
      if (isRefusal(order) || waiting.length === 0) return order;
      for (const event of waiting) await settleWaiting(shop, tx, event);
      return (await lockRow(tx, OrderTable, orderId))!;
    });
  try {
    return await place();
  } catch (error) {
    // The same payment was counted for another order at this moment: it is seen now.
    if (breaksUnique(error, 'payment_events_counted')) return place();
    throw error;
  }
}
