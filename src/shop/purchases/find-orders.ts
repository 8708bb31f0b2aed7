import { findHold, type FindHoldNeeds } from './find-holds.ts';
import type { Database } from '../../postgres/database.ts';
import { OrderTable, type Order } from './order.entity.ts';

export type { Order } from './order.entity.ts';

/** The order made from the hold that this token opens; null before createOrder and for an unknown token. */
export async function findOrder(shop: FindHoldNeeds, holdToken: string): Promise<Order | null> {
  const hold = await findHold(shop, holdToken);
  if (hold === null) return null;
  return (await findOrders(shop, [hold.orderId]))[0] ?? null;
}

/** Many orders by id, as committed; ids without an order are left out. */
export function findOrders(
  shop: { readonly database: Database },
  orderIds: readonly string[],
): Promise<Order[]> {
  return shop.database.find(OrderTable, { id: { $in: [...orderIds] } });
}
