import type { Shop } from '../../shop.ts';
import { HoldTable, type Hold } from '../hold.entity.ts';
import { OrderTable, type Order } from '../order.entity.ts';

export type { Hold } from '../hold.entity.ts';
export type { Order } from '../order.entity.ts';

/** The hold that this token authorizes; null for an unknown or malformed token. */
export async function findHold(shop: Shop, token: string): Promise<Hold | null> {
  const holdId = shop.holdTokens.holdIdOf(token);
  if (holdId === undefined) return null;
  return shop.reads.hold.load(holdId);
}

/** The order of the hold that this token authorizes; null before createOrder and for an unknown token. */
export async function findOrder(shop: Shop, holdToken: string): Promise<Order | null> {
  const hold = await findHold(shop, holdToken);
  if (hold === null) return null;
  return shop.reads.order.load(hold.orderId);
}

/** Many orders by id, as committed; ids without an order are left out. */
export function findOrders(
  shop: Pick<Shop, 'database'>,
  orderIds: readonly string[],
): Promise<Order[]> {
  return shop.database.find(OrderTable, { id: { $in: [...orderIds] } });
}

/** The hold with this id, or of the order with this id; null if there is none. */
export async function findHoldOfOrder(
  shop: Pick<Shop, 'database'>,
  id: string,
): Promise<Hold | null> {
  const [hold = null] = await shop.database.find(HoldTable, { $or: [{ id }, { orderId: id }] });
  return hold;
}
