import type { Database } from '../../postgres/database.ts';
import { RefundTable, type Refund } from './refund.entity.ts';

export type { Refund } from './refund.entity.ts';

/** The refunds of many orders at once, oldest first. */
export function findRefunds(
  shop: { readonly database: Database },
  orderIds: readonly string[],
): Promise<Refund[]> {
  return shop.database.find(
    RefundTable,
    { orderId: { $in: [...orderIds] } },
    { orderBy: { createdAt: 'asc', id: 'asc' } },
  );
}
