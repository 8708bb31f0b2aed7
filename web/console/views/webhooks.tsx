import { useQuery } from '@apollo/client/react';
import {
  DeliveriesDocument,
  EndpointsDocument,
  type DeliveriesQuery,
  type DeliveryStatus,
} from '../generated/operations.ts';
import { Badge, Details } from '../parts/badge.tsx';
import { choicesOf, Filters, paramOf } from '../parts/filters.tsx';
import { time } from '../parts/format.ts';
import { List, PAGE_ROWS, Table, usePaging, type Column } from '../parts/list.tsx';
import type { Route } from '../route.ts';
import { CreateEndpoint, EndpointActs, Redeliver, type Endpoint } from './webhook-acts.tsx';

type Delivery = DeliveriesQuery['webhookDeliveries']['nodes'][number];

/** Where events are sent, and what became of each delivery. */
export function Webhooks({ params }: Pick<Route, 'params'>) {
  const { data, refetch } = useQuery(EndpointsDocument);
  const endpoints = data?.webhookEndpoints ?? [];
  const columns: Column<Endpoint>[] = [
    { head: 'URL', cell: ({ url }) => url },
    { head: 'State', cell: (endpoint) => stateOf(endpoint) },
    { head: 'Types', cell: ({ eventTypes }) => eventTypes.join(', ') },
    { head: 'Description', cell: ({ description }) => description ?? '–' },
    { head: 'Created', cell: ({ createdAt }) => time(createdAt) },
    { head: 'Acts', cell: (endpoint) => <EndpointActs endpoint={endpoint} onDone={refetch} /> },
  ];
  return (
    <>
      <CreateEndpoint onDone={refetch} />
      {data && endpoints.length === 0 && <p>There are no endpoints.</p>}
      {endpoints.length > 0 && (
        <Table name="Endpoints" rows={endpoints} columns={columns} keyOf={({ id }) => id} />
      )}
      <Deliveries params={params} endpoints={endpoints} />
    </>
  );
}

function stateOf({ enabled, disabledReason }: Endpoint): string {
  if (enabled) return 'enabled';
  return disabledReason === null ? 'disabled' : `disabled: ${disabledReason}`;
}

interface DeliveriesProps extends Pick<Route, 'params'> {
  readonly endpoints: readonly Endpoint[];
}

function Deliveries({ params, endpoints }: DeliveriesProps) {
  const paging = usePaging();
  const { data, error, refetch } = useQuery(DeliveriesDocument, {
    variables: {
      first: PAGE_ROWS,
      after: paging.after,
      status: paramOf<DeliveryStatus>(params, 'status'),
      endpointId: paramOf(params, 'endpointId'),
    },
  });
  const urlOf = (endpointId: string) =>
    endpoints.find(({ id }) => id === endpointId)?.url ?? `${endpointId} (deleted)`;
  const columns: Column<Delivery>[] = [
    { head: 'Event', cell: ({ event }) => <Details summary={event.type} text={event.payload} /> },
    { head: 'Happened', cell: ({ event }) => time(event.at) },
    { head: 'Endpoint', cell: ({ endpointId }) => urlOf(endpointId) },
    { head: 'Status', cell: ({ status }) => <Badge status={status} /> },
    { head: 'Next attempt', cell: ({ nextAttemptAt }) => time(nextAttemptAt) },
    { head: 'Attempts', cell: ({ attempts }) => <Attempts attempts={attempts} /> },
    { head: 'Acts', cell: (delivery) => <Redeliver {...delivery} onDone={refetch} /> },
  ];
  const fields = [
    { name: 'status', label: 'Status', options: choicesOf(['PENDING', 'DELIVERED', 'FAILED']) },
    { name: 'endpointId', label: 'Endpoint id' },
  ];
  return (
    <>
      <Filters view="webhooks" params={params} fields={fields} />
      <List
        name="Deliveries"
        connection={data?.webhookDeliveries}
        error={error}
        columns={columns}
        keyOf={({ id }) => id}
        paging={paging}
        onRefresh={refetch}
      />
    </>
  );
}

function Attempts({ attempts }: Pick<Delivery, 'attempts'>) {
  if (attempts.length === 0) return 'none';
  const text = attempts
    .map(({ at, status, answer, durationMs }) =>
      [time(at), status ?? 'no answer', `${durationMs} ms`, answer].join(' · '),
    )
    .join('\n');
  return <Details summary={String(attempts.length)} text={text} />;
}
