import { useApolloClient, useQuery } from '@apollo/client/react';
import { failureText } from '../client.ts';
import {
  MovementsDocument,
  ReconcileDocument,
  StockAuditDocument,
  type MovementsQuery,
} from '../generated/operations.ts';
import { Act } from '../parts/act.tsx';
import { Filters, paramOf } from '../parts/filters.tsx';
import { count, time } from '../parts/format.ts';
import { List, PAGE_ROWS, usePaging, type Column } from '../parts/list.tsx';
import type { Route } from '../route.ts';

/** Whether everything adds up: reconciliation, the audit of one product, its movements. */
export function Checks({ params }: Pick<Route, 'params'>) {
  const productId = paramOf(params, 'productId');
  return (
    <>
      <Reconcile />
      <Filters
        view="checks"
        params={params}
        fields={[{ name: 'productId', label: 'Audit the product with the id', isRequired: true }]}
      />
      {productId !== null && <Audit productId={productId} />}
      {productId !== null && <Movements productId={productId} />}
    </>
  );
}

function Reconcile() {
  const client = useApolloClient();
  const reconcile = async (fix: boolean) => {
    const { data } = await client.mutate({ mutation: ReconcileDocument, variables: { fix } });
    const { balanced, findings, repaired } = data!.reconcile;
    return (
      <>
        <p>
          {balanced ? 'Everything adds up.' : 'Something does not add up.'} Repaired products:{' '}
          {repaired}.
        </p>
        <Findings findings={findings} />
      </>
    );
  };
  return (
    <div className="buttons">
      <Act
        label="Reconcile"
        title="Compare stock, orders and payments"
        text="Replays every stock movement. It changes nothing, and is recorded."
        run={() => reconcile(false)}
      />
      <Act
        label="Repair counters"
        title="Reconcile and repair counters"
        text="Wrong counters are set to what the holds and orders say. Nothing else is changed."
        isDangerous
        run={() => reconcile(true)}
      />
    </div>
  );
}

function Findings({ findings }: { readonly findings: readonly string[] }) {
  return (
    <ul>
      {findings.map((finding) => (
        <li key={finding}>{finding}</li>
      ))}
    </ul>
  );
}

function Audit({ productId }: { readonly productId: string }) {
  const { data, error } = useQuery(StockAuditDocument, { variables: { productId } });
  if (error)
    return (
      <p role="alert" className="failure">
        {failureText(error)}
      </p>
    );
  if (data === undefined) return <p className="loading">Loading …</p>;
  const { stockAudit: audit } = data;
  if (audit === null) return <p>No product has the id {productId}.</p>;
  return (
    <section aria-label="Audit">
      <p>
        <strong>{audit.balanced ? 'Balanced' : 'Not balanced'}</strong> after{' '}
        {count(audit.versions)} versions: {count(audit.total)} units, {count(audit.available)}{' '}
        available, {count(audit.held)} held, {count(audit.sold)} sold.
      </p>
      <Findings findings={audit.findings} />
    </section>
  );
}

type Movement = MovementsQuery['stockMovements']['nodes'][number];

const MOVEMENTS: readonly Column<Movement>[] = [
  { head: 'Version', cell: ({ version }) => version, isNumber: true },
  { head: 'At', cell: ({ at }) => time(at) },
  { head: 'Cause', cell: ({ cause }) => cause },
  { head: 'Available', cell: ({ availableDelta }) => signed(availableDelta), isNumber: true },
  { head: 'Held', cell: ({ heldDelta }) => signed(heldDelta), isNumber: true },
  { head: 'Sold', cell: ({ soldDelta }) => signed(soldDelta), isNumber: true },
  { head: 'Total', cell: ({ totalDelta }) => signed(totalDelta), isNumber: true },
  { head: 'Reason', cell: ({ reason }) => reason ?? '–' },
];

function signed(delta: number): string {
  return delta > 0 ? `+${delta}` : String(delta);
}

function Movements({ productId }: { readonly productId: string }) {
  const paging = usePaging();
  const variables = { productId, first: PAGE_ROWS, after: paging.after };
  const { data, error, refetch } = useQuery(MovementsDocument, { variables });
  return (
    <List
      name="Stock movements"
      connection={data?.stockMovements}
      error={error}
      columns={MOVEMENTS}
      keyOf={({ version }) => String(version)}
      paging={paging}
      onRefresh={refetch}
    />
  );
}
