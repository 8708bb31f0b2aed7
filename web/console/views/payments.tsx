import { useApolloClient, useQuery } from '@apollo/client/react';
import {
  PaymentEventsDocument,
  ReplayPaymentEventDocument,
  type PaymentEventFieldsFragment,
  type PaymentEventStatus,
} from '../generated/operations.ts';
import { Act } from '../parts/act.tsx';
import { Badge, Details } from '../parts/badge.tsx';
import { choicesOf, Filters, paramOf } from '../parts/filters.tsx';
import { time } from '../parts/format.ts';
import { List, PAGE_ROWS, usePaging, type Column } from '../parts/list.tsx';
import { settled } from '../parts/settled.ts';
import { hrefOf, type Route } from '../route.ts';

const FILTERS = [
  {
    name: 'status',
    label: 'Status',
    options: choicesOf(['APPLIED', 'PARKED', 'IGNORED', 'REFUND_REQUIRED', 'DEAD']),
  },
  { name: 'orderId', label: 'Order' },
  { name: 'withoutOrder', label: 'Only successes that name no order', kind: 'checkbox' as const },
];

/** The inbox: every message of a payment provider, newest first. */
export function Payments({ params }: Pick<Route, 'params'>) {
  const paging = usePaging();
  const { data, error, refetch } = useQuery(PaymentEventsDocument, {
    variables: {
      first: PAGE_ROWS,
      after: paging.after,
      status: paramOf<PaymentEventStatus>(params, 'status'),
      orderId: paramOf(params, 'orderId'),
      withoutOrder: params.get('withoutOrder') === 'on',
    },
  });
  const columns: Column<PaymentEventFieldsFragment>[] = [
    { head: 'Received', cell: ({ receivedAt }) => time(receivedAt) },
    { head: 'Status', cell: ({ status }) => <Badge status={status} /> },
    { head: 'Reason', cell: ({ reason }) => reason ?? '–' },
    { head: 'Provider', cell: ({ provider, reportedStatus }) => `${provider}: ${reportedStatus}` },
    { head: 'Payment', cell: ({ paymentId }) => paymentId ?? '–' },
    { head: 'Order', cell: ({ orderId }) => orderLink(orderId) },
    { head: 'Amount', cell: (event) => amountOf(event), isNumber: true },
    { head: 'Attempts', cell: ({ attempts }) => attempts, isNumber: true },
    { head: 'Repeats', cell: ({ duplicates }) => duplicates, isNumber: true },
    { head: 'Body', cell: ({ payload }) => <Details summary="Show" text={payload} /> },
    { head: 'Acts', cell: (event) => <Replay event={event} onDone={refetch} /> },
  ];
  return (
    <>
      <Filters view="payments" params={params} fields={FILTERS} />
      <List
        name="Payment events"
        connection={data?.paymentEvents}
        error={error}
        columns={columns}
        keyOf={({ id }) => id}
        paging={paging}
        onRefresh={refetch}
      />
    </>
  );
}

/** A link to the story of an order; a dash for none. */
export function orderLink(orderId: string | null) {
  return orderId === null ? '–' : <a href={hrefOf('purchase', { id: orderId })}>{orderId}</a>;
}

function amountOf({ amount, unreadableAmount, currency }: PaymentEventFieldsFragment): string {
  return `${amount ?? unreadableAmount ?? '–'} ${currency ?? ''}`;
}

/** The act that processes a parked or dead event again; nothing for all others. */
export function Replay({
  event,
  onDone,
}: {
  readonly event: Pick<PaymentEventFieldsFragment, 'id' | 'status'>;
  readonly onDone: () => unknown;
}) {
  const client = useApolloClient();
  if (event.status !== 'PARKED' && event.status !== 'DEAD') return null;
  const replay = async (): Promise<string> => {
    const { data } = await client.mutate({
      mutation: ReplayPaymentEventDocument,
      variables: { id: event.id },
    });
    const { status, reason } = settled(data?.replayPaymentEvent, 'PaymentEvent');
    return `The event is ${status} now. ${reason ?? ''}`;
  };
  return (
    <Act
      label="Replay"
      title="Process the payment event again"
      text="The event has its effect once, for any number of replays."
      run={replay}
      onDone={onDone}
    />
  );
}
