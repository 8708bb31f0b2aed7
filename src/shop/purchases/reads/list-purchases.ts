import { readPage, type Filter, type Page, type PageRequest } from '../../../postgres/page.ts';
import type { Shop } from '../../shop.ts';
import { findOrders } from './find-purchases.ts';
import { HoldTable, type Hold } from '../hold.entity.ts';
import type { Order } from '../order.entity.ts';
import { holdIsDue, type HoldStatus, type OrderStatus } from '../status.rules.ts';

/** A page of the holds and its filters; null does not filter. */
export interface HoldListQuery extends PageRequest<string> {
  readonly status: HoldStatus | null;
  readonly productId: number | null;
  readonly customerId: string | null;
  /** The first instant of `createdAt` that is listed. */
  readonly createdAfter: Date | null;
  /** The first instant that is not listed any more. */
  readonly createdBefore: Date | null;
}

/** The status in SQL: a due hold is EXPIRED, the same rule as `holdStatus`. */
const STATUS = `case when ${holdIsDue('c.now')} then 'EXPIRED' else status end`;

/** What holds and orders are both filtered by. */
type PurchaseFilters = Pick<
  HoldListQuery,
  'productId' | 'customerId' | 'createdAfter' | 'createdBefore'
>;

function purchaseFilters(query: PurchaseFilters): Filter[] {
  return [
    { sql: (id) => `product_id = ${id}`, value: query.productId },
    { sql: (id) => `customer_id = ${id}`, value: query.customerId },
    { sql: (instant) => `created_at >= ${instant}`, value: query.createdAfter },
    { sql: (instant) => `created_at < ${instant}`, value: query.createdBefore },
  ];
}

/** One page of the holds, for the admin: newest first. */
export function listHolds(shop: Pick<Shop, 'database'>, query: HoldListQuery): Promise<Page<Hold>> {
  return readPage(
    shop.database,
    {
      table: 'holds',
      key: ['id', 'uuid'],
      filters: [
        { sql: (status) => `${STATUS} = ${status}`, value: query.status },
        ...purchaseFilters(query),
      ],
      keyOf: ({ id }) => id,
      find: (ids) => shop.database.find(HoldTable, { id: { $in: ids } }),
    },
    query,
  );
}

/** A page of the orders and its filters; null does not filter. */
export interface OrderListQuery extends Omit<HoldListQuery, 'status'> {
  readonly status: OrderStatus | null;
  readonly paymentId: string | null;
}

/** One page of the orders, for the admin: newest hold first. */
export function listOrders(
  shop: Pick<Shop, 'database'>,
  query: OrderListQuery,
): Promise<Page<Order>> {
  return readPage(
    shop.database,
    {
      table: 'orders',
      key: ['id', 'uuid'],
      filters: [
        { sql: (status) => `status = ${status}`, value: query.status },
        ...purchaseFilters(query),
        { sql: (id) => `payment_id = ${id}`, value: query.paymentId },
      ],
      keyOf: ({ id }) => id,
      find: (ids) => findOrders(shop, ids),
    },
    query,
  );
}
