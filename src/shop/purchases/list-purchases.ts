import { pageStatement, readPage, type Page, type PageRequest } from '../../postgres/page.ts';
import type { Shop } from '../shop.ts';
import { findOrders } from './find-purchases.ts';
import { HoldTable, type Hold } from './hold.entity.ts';
import type { Order } from './order.entity.ts';
import { holdIsDue, type HoldStatus, type OrderStatus } from './status.rules.ts';

/** A page of the holds and its filters; null does not filter. */
export interface HoldListQuery extends PageRequest<string> {
  readonly status: HoldStatus | null;
  readonly productId: number | null;
  readonly customerId: string | null;
}

/** The status in SQL: a due hold is EXPIRED, the same rule as `holdStatus`. */
const STATUS = `case when ${holdIsDue('c.now')} then 'EXPIRED' else status end`;

const HOLDS = pageStatement({
  table: 'holds',
  key: ['id', 'uuid'],
  condition: `($3::text is null or ${STATUS} = $3) and ($4::int is null or product_id = $4)
    and ($5::text is null or customer_id = $5)`,
});

/** One page of the holds, for the admin: newest first. */
export function listHolds(shop: Pick<Shop, 'database'>, query: HoldListQuery): Promise<Page<Hold>> {
  return readPage(
    shop.database,
    {
      statement: HOLDS,
      params: [query.status, query.productId, query.customerId],
      keyOf: ({ id }) => id,
      find: (ids) => shop.database.find(HoldTable, { id: { $in: ids } }),
    },
    query,
  );
}

/** A page of the orders and its filters; null does not filter. */
export interface OrderListQuery extends PageRequest<string> {
  readonly status: OrderStatus | null;
  readonly productId: number | null;
}

const ORDERS = pageStatement({
  table: 'orders',
  key: ['id', 'uuid'],
  condition: '($3::text is null or status = $3) and ($4::int is null or product_id = $4)',
});

/** One page of the orders, for the admin: newest hold first. */
export function listOrders(
  shop: Pick<Shop, 'database'>,
  query: OrderListQuery,
): Promise<Page<Order>> {
  return readPage(
    shop.database,
    {
      statement: ORDERS,
      params: [query.status, query.productId],
      keyOf: ({ id }) => id,
      find: (ids) => findOrders(shop, ids),
    },
    query,
  );
}
