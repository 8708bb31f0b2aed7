import { useApolloClient, useQuery } from '@apollo/client/react';
import {
  RefundsDocument,
  ResolveRefundDocument,
  type RefundFieldsFragment,
  type RefundStatus,
} from '../generated/operations.ts';
import { Act, type Values } from '../parts/act.tsx';
import { Badge } from '../parts/badge.tsx';
import { choicesOf, Filters, paramOf } from '../parts/filters.tsx';
import { money, time } from '../parts/format.ts';
import { List, PAGE_ROWS, usePaging, type Column } from '../parts/list.tsx';
import { settled } from '../parts/settled.ts';
import type { Route } from '../route.ts';
import { orderLink } from './payments.tsx';

const FILTERS = [
  { name: 'status', label: 'Status', options: choicesOf(['OPEN', 'SENT', 'RESOLVED']) },
];

/** The refunds, newest first. */
export function Refunds({ params }: Pick<Route, 'params'>) {
  const paging = usePaging();
  const { data, error, refetch } = useQuery(RefundsDocument, {
    variables: {
      first: PAGE_ROWS,
      after: paging.after,
      status: paramOf<RefundStatus>(params, 'status'),
    },
  });
  const columns: Column<RefundFieldsFragment>[] = [
    { head: 'Created', cell: ({ createdAt }) => time(createdAt) },
    { head: 'Status', cell: ({ status }) => <Badge status={status} /> },
    { head: 'Reason', cell: ({ reason }) => reason },
    { head: 'Amount', cell: ({ amount }) => money(amount), isNumber: true },
    { head: 'Payment', cell: ({ paymentId }) => paymentId },
    { head: 'Order', cell: ({ orderId }) => orderLink(orderId) },
    { head: 'Resolved', cell: ({ resolvedAt }) => time(resolvedAt) },
    { head: 'Acts', cell: (refund) => <RefundActs refund={refund} onDone={refetch} /> },
  ];
  return (
    <>
      <Filters view="refunds" params={params} fields={FILTERS} />
      <List
        name="Refunds"
        connection={data?.refunds}
        error={error}
        columns={columns}
        keyOf={({ id }) => id}
        paging={paging}
        onRefresh={refetch}
      />
    </>
  );
}

const NOTE = {
  name: 'note',
  label: 'How the money was returned',
  hint: 'for example the provider’s reference',
  isRequired: true,
  maxLength: 500,
} as const;

/** The acts on a refund that is not resolved. */
export function RefundActs({
  refund,
  onDone,
}: {
  readonly refund: RefundFieldsFragment;
  readonly onDone: () => unknown;
}) {
  const client = useApolloClient();
  if (refund.status === 'RESOLVED') return null;
  const resolve = async ({ note = '' }: Values): Promise<string> => {
    const variables = { id: refund.id, note };
    const { data } = await client.mutate({ mutation: ResolveRefundDocument, variables });
    settled(data?.resolveRefund, 'Refund');
    return 'The refund is resolved.';
  };
  return (
    <Act
      label="Resolve"
      title={`Resolve the refund of ${money(refund.amount)}`}
      text="Only after the money was returned. This sends no money, and cannot be undone."
      fields={[NOTE]}
      isDangerous
      run={resolve}
      onDone={onDone}
    />
  );
}
