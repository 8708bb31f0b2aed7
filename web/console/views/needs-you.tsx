import type { StatusQuery } from '../generated/operations.ts';
import { count, duration, time } from '../parts/format.ts';
import { hrefOf } from '../route.ts';

/** Something that a person must look at, and where. */
interface Need {
  readonly text: string;
  readonly href: string;
}

/** A transaction that locks stock for longer than this delays buyers; the longest wait is 2 s. */
const STOCK_LOCK_SECONDS = 2;

/** Due holds end within seconds; later, units are missing from the sale. */
const SWEEP_LAG_SECONDS = 30;

/** What needs a person, the most urgent first. */
export function NeedsYou({ status }: { readonly status: StatusQuery }) {
  const needs = [...stockNeeds(status), ...moneyNeeds(status), ...deliveryNeeds(status)];
  return (
    <section aria-label="Needs you" className={needs.length > 0 ? 'needs open' : 'needs'}>
      <h2>Needs you</h2>
      {needs.length === 0 && <p>Nothing needs you.</p>}
      <ul>
        {needs.map(({ text, href }) => (
          <li key={text}>
            <a href={href}>{text}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function stockNeeds({ shopStatus }: StatusQuery): Need[] {
  const { stockLockSeconds, sweepLagSeconds, lastReconciliation: last } = shopStatus;
  const needs: Need[] = [];
  const checks = hrefOf('checks');
  if (stockLockSeconds > STOCK_LOCK_SECONDS)
    needs.push({
      text: `Stock is locked: a transaction has been open for ${duration(stockLockSeconds)}`,
      href: checks,
    });
  if (sweepLagSeconds > SWEEP_LAG_SECONDS)
    needs.push({ text: `Expired units return ${duration(sweepLagSeconds)} late`, href: checks });
  if (last?.balanced === false)
    needs.push({
      text: `The reconciliation of ${time(last.at)} found ${count(last.findings)} discrepancies`,
      href: checks,
    });
  return needs;
}

function moneyNeeds({ shopStatus }: StatusQuery): Need[] {
  const { openRefunds, dead, withoutOrder, parked } = shopStatus;
  const kinds = [
    [openRefunds, 'open refunds', hrefOf('refunds', { status: 'OPEN' })],
    [dead, 'dead letters of payments', hrefOf('payments', { status: 'DEAD' })],
    [withoutOrder, 'payments that name no order', hrefOf('payments', { withoutOrder: 'on' })],
    [parked, 'parked payments', hrefOf('payments', { status: 'PARKED' })],
  ] as const;
  return kinds
    .filter(([backlog]) => backlog.count > 0)
    .map(([backlog, name, href]) => ({
      text: `${count(backlog.count)} ${name}, the oldest for ${duration(backlog.oldestSeconds)}`,
      href,
    }));
}

function deliveryNeeds({ webhookDeliveries, webhookEndpoints }: StatusQuery): Need[] {
  const failed = webhookDeliveries.totalCount;
  const disabled = webhookEndpoints.filter(({ disabledReason }) => disabledReason !== null);
  return [
    ...(failed === 0
      ? []
      : [
          {
            text: `${count(failed)} failed deliveries`,
            href: hrefOf('webhooks', { status: 'FAILED' }),
          },
        ]),
    ...disabled.map(({ id, disabledReason }) => ({
      text: `Webhook endpoint disabled: ${disabledReason} (${id.slice(0, 8)})`,
      href: hrefOf('webhooks'),
    })),
  ];
}
