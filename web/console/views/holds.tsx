import { useQuery } from '@apollo/client/react';
import {
  HoldsDocument,
  type HoldFieldsFragment,
  type HoldStatus,
} from '../generated/operations.ts';
import { Badge } from '../parts/badge.tsx';
import { choicesOf, Filters, paramOf } from '../parts/filters.tsx';
import { fromLocalInput, time } from '../parts/format.ts';
import { List, PAGE_ROWS, usePaging, type Column } from '../parts/list.tsx';
import { hrefOf, type Route } from '../route.ts';
import { FindPurchase, PURCHASE_FILTERS } from './find-purchase.tsx';

const FILTERS = [
  {
    name: 'status',
    label: 'Status',
    options: choicesOf(['ACTIVE', 'CONVERTED', 'EXPIRED', 'RELEASED']),
  },
  ...PURCHASE_FILTERS,
];

const COLUMNS: readonly Column<HoldFieldsFragment>[] = [
  { head: 'Hold', cell: ({ id }) => <a href={hrefOf('purchase', { id })}>{id}</a> },
  { head: 'Status', cell: ({ status }) => <Badge status={status} /> },
  { head: 'Product id', cell: ({ productId }) => productId },
  { head: 'Units', cell: ({ quantity }) => quantity, isNumber: true },
  { head: 'Customer', cell: ({ customerId }) => customerId ?? '–' },
  { head: 'Created', cell: ({ createdAt }) => time(createdAt) },
  { head: 'Expires', cell: ({ expiresAt }) => time(expiresAt) },
];

/** The holds, newest first, searched by the server. */
export function Holds({ params }: Pick<Route, 'params'>) {
  const paging = usePaging();
  const { data, error, refetch } = useQuery(HoldsDocument, {
    variables: {
      first: PAGE_ROWS,
      after: paging.after,
      status: paramOf<HoldStatus>(params, 'status'),
      productId: paramOf(params, 'productId'),
      customerId: paramOf(params, 'customerId'),
      createdAfter: fromLocalInput(params.get('from') ?? ''),
      createdBefore: fromLocalInput(params.get('to') ?? ''),
    },
  });
  return (
    <>
      <FindPurchase />
      <Filters view="holds" params={params} fields={FILTERS} />
      <List
        name="Holds"
        connection={data?.holds}
        error={error}
        columns={COLUMNS}
        keyOf={({ id }) => id}
        paging={paging}
        onRefresh={refetch}
      />
    </>
  );
}
