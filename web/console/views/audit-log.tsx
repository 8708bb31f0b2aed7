import { useQuery } from '@apollo/client/react';
import { AuditLogDocument, type AuditLogQuery } from '../generated/operations.ts';
import { Badge, Details } from '../parts/badge.tsx';
import { Filters, paramOf } from '../parts/filters.tsx';
import { time } from '../parts/format.ts';
import { List, PAGE_ROWS, usePaging, type Column } from '../parts/list.tsx';
import type { Route } from '../route.ts';

type Entry = AuditLogQuery['auditLog']['nodes'][number];

const FILTERS = [
  { name: 'action', label: 'Act', hint: 'such as adjustStock' },
  { name: 'outcome', label: 'Outcome', hint: 'DONE, DENIED or a code' },
];

const COLUMNS: readonly Column<Entry>[] = [
  { head: 'At', cell: ({ at }) => time(at) },
  { head: 'Act', cell: ({ action, times }) => (times > 1 ? `${action} (${times} times)` : action) },
  { head: 'Outcome', cell: ({ outcome }) => <Badge status={outcome} /> },
  { head: 'Actor', cell: ({ actor }) => actor },
  { head: 'Address', cell: ({ address }) => address ?? '–' },
  { head: 'Request', cell: ({ requestId }) => requestId ?? '–' },
  { head: 'Details', cell: (entry) => <Details summary="Show" text={detailsOf(entry)} /> },
];

function detailsOf({ arguments: args, before, after }: Entry): string {
  return `{"arguments":${args},"before":${before},"after":${after}}`;
}

/** The audit log: every act of an admin, and every attempt without the token. */
export function AuditLog({ params }: Pick<Route, 'params'>) {
  const paging = usePaging();
  const { data, error, refetch } = useQuery(AuditLogDocument, {
    variables: {
      first: PAGE_ROWS,
      after: paging.after,
      action: paramOf(params, 'action'),
      outcome: paramOf(params, 'outcome'),
    },
  });
  return (
    <>
      <Filters view="audit-log" params={params} fields={FILTERS} />
      <List
        name="Audit log"
        connection={data?.auditLog}
        error={error}
        columns={COLUMNS}
        keyOf={({ id }) => id}
        paging={paging}
        onRefresh={refetch}
      />
    </>
  );
}
