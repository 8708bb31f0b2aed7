import { isFault } from '../../../lib/faults.ts';
import { newId } from '../../../lib/ids.ts';
import { transact } from '../../../postgres/transaction.ts';
import type { Order } from '../../purchases/reads/find-purchases.ts';
import { totalOf } from '../../purchases/order.rules.ts';
import { statusIsOneOf } from '../../purchases/status.rules.ts';
import type { Shop } from '../../shop.ts';
import { ProviderRefusal, type PaymentToStart, type StartedPayment } from './payment-provider.ts';
import type { PaymentSessionStatus } from './payment-session.rules.ts';

/**
 * How long one server alone may ask the provider to start a payment, in milliseconds: longer than a call.
 * After a kill the next call takes over when it ends.
 */
const LEASE_MS = 12_000;

/** A session as its statements return it. */
export interface SessionRow {
  readonly id: string;
  readonly provider: string;
  readonly status: PaymentSessionStatus;
  readonly description: string;
  readonly returnUrl: string | null;
  readonly paymentId: string | null;
  readonly clientSecret: string | null;
  readonly url: string | null;
  readonly createdAt: string;
  readonly failures: number;
}

/** SQL: the columns of a SessionRow, of `payment_sessions` under this alias. */
export const sessionColumns = (alias: string): string =>
  [
    'id, provider, status, description, failures, url',
    'return_url as "returnUrl", payment_id as "paymentId"',
    'client_secret as "clientSecret", created_at as "createdAt"',
  ]
    .join(', ')
    .replaceAll(/(^|, )/g, `$1${alias}.`);

/**
 * Creates the session of a pending order, or takes over one that no server starts at this moment. A
 * refused session begins again with the new arguments, because nothing was started with the old ones. An
 * unknown outcome keeps the arguments: the idempotency key must keep its content.
 */
const CLAIM = `
  with claimed as (
    insert into payment_sessions as s
      (id, order_id, provider, status, description, return_url, created_at, failures, next_attempt_at)
    select $1::uuid, o.id, $3::text, 'STARTING', o.quantity || ' × ' || p.name, $4::text, clock.now, 0,
      clock.now + interval '1 millisecond' * ${LEASE_MS}
    from orders o join products p on p.id = o.product_id, (select shop_clock() as now) as clock
    where o.id = $2::uuid and o.${statusIsOneOf(['PENDING'])}
    on conflict (order_id, provider) do update set
      status = 'STARTING', next_attempt_at = excluded.next_attempt_at,
      description = case when s.status = 'REFUSED' then excluded.description else s.description end,
      return_url = case when s.status = 'REFUSED' then excluded.return_url else s.return_url end,
      created_at = case when s.status = 'REFUSED' then excluded.created_at else s.created_at end
    where s.status = 'REFUSED' or (s.status = 'STARTING' and s.next_attempt_at <= shop_clock())
    returning s.*)
  select ${sessionColumns('c')}, true as claimed from claimed c
  union all
  select ${sessionColumns('s')}, false from payment_sessions s
  where s.order_id = $2::uuid and s.provider = $3::text and not exists (select from claimed)`;

/** The session of an order at a provider, and whether this caller is to ask the provider. */
export type Claim =
  | { readonly session: SessionRow; readonly isClaimed: true }
  /** Without a session another transaction has created it at this moment. */
  | { readonly session: SessionRow | undefined; readonly isClaimed: false };

/** Creates or takes over the session of a pending order, for this caller alone. */
export async function claimToStart(
  shop: Pick<Shop, 'database'>,
  wish: { readonly orderId: string; readonly provider: string; readonly returnUrl: string | null },
): Promise<Claim> {
  const values = [newId(), wish.orderId, wish.provider, wish.returnUrl];
  const [row] = await transact(shop.database, (tx) =>
    tx.lastRows<SessionRow & { readonly claimed: boolean }>(CLAIM, values),
  );
  if (row === undefined) return { session: undefined, isClaimed: false };
  return { session: row, isClaimed: row.claimed };
}

/** What the provider is asked; the same for every attempt of a session. */
export function toStart(
  session: SessionRow,
  order: Pick<Order, 'id' | 'unitPriceMinor' | 'quantity' | 'currency' | 'paymentExpiresAt'>,
): PaymentToStart {
  return {
    sessionId: session.id,
    orderId: order.id,
    description: session.description,
    amount: totalOf(order),
    createdAt: new Date(session.createdAt),
    expiresAt: order.paymentExpiresAt,
    returnUrl: session.returnUrl,
    idempotencyKey: `order:${order.id}`,
  };
}

const STARTED = `
  update payment_sessions set status = 'STARTED', payment_id = $2, client_secret = $3, url = $4,
    failures = 0, last_error = null, next_attempt_at = shop_clock() + interval '1 millisecond' * $5::float8
  where id = $1::uuid and ${statusIsOneOf(['STARTING'])}`;

/** Records that the provider has started the payment; with a lease this server alone continues. */
export async function recordStarted(
  shop: Pick<Shop, 'database'>,
  {
    id,
    started,
    leaseMs,
  }: { readonly id: string; readonly started: StartedPayment; readonly leaseMs: number },
): Promise<void> {
  const values = [id, started.id, started.clientSecret, started.url, leaseMs];
  await transact(shop.database, (tx) => tx.lastRows(STARTED, values));
}

const FAILED = `
  update payment_sessions set failures = failures + 1, last_error = $2,
    status = case when $3::boolean then 'REFUSED' else status end,
    next_attempt_at = case when $3::boolean then null else shop_clock() end
  where id = $1::uuid and ${statusIsOneOf(['STARTING'])}`;

/**
 * Records a failed start: the next call may ask again at once. Returns the reason.
 *
 * @throws the error if it is a fault of the database
 */
export async function recordFailedStart(
  shop: Pick<Shop, 'database'>,
  id: string,
  error: unknown,
): Promise<string> {
  // The database failed, not the provider: the lease ends later.
  if (isFault(error)) throw error;
  const reason = errorText(error);
  const values = [id, reason, error instanceof ProviderRefusal];
  await transact(shop.database, (tx) => tx.lastRows(FAILED, values));
  return reason;
}

/** Longest error text that is kept, in characters. */
const ERROR_TEXT_MAX = 500;

/** The message of an error as Postgres can store it. Other fields may have secrets of a payment. */
export function errorText(error: unknown): string {
  const { message } = error as { readonly message?: unknown };
  const text = typeof message === 'string' && message !== '' ? message : String(error);
  return text.toWellFormed().replaceAll('\0', '\ufffd').slice(0, ERROR_TEXT_MAX).toWellFormed();
}
