import { useQuery } from '@apollo/client/react';
import {
  OrdersDocument,
  type OrderFieldsFragment,
  type OrderStatus,
} from '../generated/operations.ts';
import { Badge } from '../parts/badge.tsx';
import { choicesOf, Filters, paramOf } from '../parts/filters.tsx';
import { fromLocalInput, money, time } from '../parts/format.ts';
import { List, PAGE_ROWS, usePaging, type Column } from '../parts/list.tsx';
import { hrefOf, type Route } from '../route.ts';
import { FindPurchase, PURCHASE_FILTERS } from './find-purchase.tsx';

const FILTERS = [
  {
    name: 'status',
    label: 'Status',
    options: choicesOf(['PENDING', 'PAID', 'CANCELLED', 'EXPIRED']),
  },
  { name: 'paymentId', label: 'Payment' },
  ...PURCHASE_FILTERS,
];

const COLUMNS: readonly Column<OrderFieldsFragment>[] = [
  { head: 'Order', cell: ({ id }) => <a href={hrefOf('purchase', { id })}>{id}</a> },
  { head: 'Status', cell: ({ status }) => <Badge status={status} /> },
  { head: 'Product', cell: ({ product }) => product.name },
  { head: 'Units', cell: ({ quantity }) => quantity, isNumber: true },
  { head: 'Total', cell: ({ totalAmount }) => money(totalAmount), isNumber: true },
  { head: 'Customer', cell: ({ customerId }) => customerId ?? '–' },
  { head: 'Payment', cell: ({ paymentId }) => paymentId ?? '–' },
  { head: 'Created', cell: ({ createdAt }) => time(createdAt) },
];

/** The orders, newest first, searched by the server. */
export function Orders({ params }: Pick<Route, 'params'>) {
  const paging = usePaging();
  const { data, error, refetch } = useQuery(OrdersDocument, {
    variables: {
      first: PAGE_ROWS,
      after: paging.after,
      status: paramOf<OrderStatus>(params, 'status'),
      productId: paramOf(params, 'productId'),
      customerId: paramOf(params, 'customerId'),
      paymentId: paramOf(params, 'paymentId'),
      createdAfter: fromLocalInput(params.get('from') ?? ''),
      createdBefore: fromLocalInput(params.get('to') ?? ''),
    },
  });
  return (
    <>
      <FindPurchase />
      <Filters view="orders" params={params} fields={FILTERS} />
      <List
        name="Orders"
        connection={data?.orders}
        error={error}
        columns={COLUMNS}
        keyOf={({ id }) => id}
        paging={paging}
        onRefresh={refetch}
      />
    </>
  );
}
