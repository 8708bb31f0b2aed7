import { pageStatement, readPage, type Page, type PageRequest } from '../../postgres/page.ts';
import { findOrders } from './find-orders.ts';
import type { Order, OrderStatus } from './order.entity.ts';
import type { Shop } from '../shop.ts';

/** Which page of the orders is wanted; null where any will do. */
export interface OrderListQuery extends PageRequest<string> {
  readonly status: OrderStatus | null;
  readonly productId: number | null;
}

const ORDERS = pageStatement({
  table: 'orders',
  key: ['id', 'uuid'],
  condition: '($3::text is null or status = $3) and ($4::int is null or product_id = $4)',
});

/** One page of the orders, for the operator: newest hold first. */
export function listOrders(
  shop: Pick<Shop, 'database'>,
  wanted: OrderListQuery,
): Promise<Page<Order>> {
  return readPage(
    shop.database,
    {
      statement: ORDERS,
      params: [wanted.status, wanted.productId],
      keyOf: ({ id }) => id,
      find: (ids) => findOrders(shop, ids),
    },
    wanted,
  );
}
