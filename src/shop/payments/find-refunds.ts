import { RefundTable, type Refund } from './refund.entity.ts';
import type { Shop } from '../shop.ts';

export type { Refund } from './refund.entity.ts';

/** The refunds of many orders at once, oldest first. */
export function findRefunds(
  shop: Pick<Shop, 'database'>,
  orderIds: readonly string[],
): Promise<Refund[]> {
  return shop.database.find(
    RefundTable,
    { orderId: { $in: [...orderIds] } },
    { orderBy: { createdAt: 'asc', id: 'asc' } },
  );
}
