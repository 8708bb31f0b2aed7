import { findHold } from './find-holds.ts';
import { OrderTable, type Order } from './order.entity.ts';
import type { Shop } from '../shop.ts';

export type { Order } from './order.entity.ts';

/** The order made from the hold that this token opens; null before createOrder and for an unknown token. */
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
