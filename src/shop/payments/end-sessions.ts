import { isFault } from '../../lib/faults.ts';
import { transact } from '../../postgres/transaction.ts';
import { statusIsOneOf } from '../purchases/status.rules.ts';
import type { Shop } from '../shop.ts';
import { processClaims } from './providers/claim-rounds.ts';
import {
  callProvider,
  ProviderRefusal,
  type PaymentEnd,
  type PaymentProvider,
} from './providers/payment-provider.ts';
import { providerWaitMs } from './providers/payment-session.rules.ts';
import {
  errorText,
  recordStarted,
  sessionColumns,
  toStart,
  type SessionRow,
} from './providers/session-rows.ts';

/** Sessions that one server ends side by side. */
const AT_ONCE_MAX = 20;

/**
 * How long one server has a session, in milliseconds: longer than a start and a cancellation take. After
 * it another server takes over, so nothing is lost when a server is killed.
 */
const LEASE_MS = 25_000;

/**
 * Takes due sessions of orders that no longer await a payment. The index has the open sessions only. They
 * are not more than the orders that await a payment, and those that have just ended.
 */
const CLAIM = `
  with due as (
    select s.id from payment_sessions s join orders o on o.id = s.order_id
    where s.provider = $1 and s.status in ('STARTING', 'STARTED')
      and s.next_attempt_at <= (select shop_clock()) and o.status || '' <> 'PENDING'
    order by s.next_attempt_at limit ${AT_ONCE_MAX} for no key update of s skip locked),
  claimed as (
    update payment_sessions s set next_attempt_at = shop_clock() + interval '1 millisecond' * ${LEASE_MS}
    where s.id = any(array(select id from due)) returning s.*)
  select ${sessionColumns('c')}, o.id as "orderId", o.status as "orderStatus",
    o.payment_provider as "paidAt", o.payment_id as "paidBy", o.unit_price_minor as "unitPriceMinor",
    o.quantity, o.currency, o.payment_expires_at as "paymentExpiresAt"
  from claimed c join orders o on o.id = c.order_id`;

interface ClaimedSession extends SessionRow {
  readonly orderId: string;
  readonly orderStatus: string;
  /** The inbox name of the provider that the order was paid at; null if it is unpaid. */
  readonly paidAt: string | null;
  readonly paidBy: string | null;
  readonly unitPriceMinor: string;
  readonly quantity: number;
  readonly currency: string;
  readonly paymentExpiresAt: string;
}

/**
 * Ends the payments of orders that were cancelled, expired, or paid by another payment: cancels them at
 * their provider, and repeats that until the provider reports the payment as final. A payment that
 * succeeds before is a late payment. A session whose start has an unknown outcome is started again with
 * the same key, so that a payment that exists is found.
 *
 * @param stop ends the calls in flight; they are repeated later
 * @returns how many sessions ended
 */
export function endSessions(
  shop: Pick<Shop, 'database' | 'log'>,
  provider: PaymentProvider,
  stop?: AbortSignal,
): Promise<number> {
  return processClaims<ClaimedSession>({
    atOnceMax: AT_ONCE_MAX,
    claim: () => transact(shop.database, (tx) => tx.lastRows(CLAIM, [provider.name])),
    process: (session) => endOne(shop, { provider, session, stop }),
    stop,
  });
}

interface Ending {
  readonly provider: PaymentProvider;
  readonly session: ClaimedSession;
  readonly stop: AbortSignal | undefined;
}

/** Whether the session ended. */
async function endOne(shop: Pick<Shop, 'database' | 'log'>, ending: Ending): Promise<boolean> {
  const { provider, session, stop } = ending;
  const facts = { provider: provider.name, orderId: session.orderId };
  try {
    const end = await endAtProvider(shop, ending);
    await record(shop, ENDED, [session.id]);
    shop.log.info(facts, SENTENCES[end]);
    return true;
  } catch (error) {
    // Without a record the lease ends, and the session is taken over.
    if (isFault(error) || stop?.aborted === true) return false;
    const waitMs = providerWaitMs(session.failures + 1, Math.random());
    const reason = errorText(error);
    await record(shop, POSTPONED, [session.id, reason, waitMs]);
    shop.log.warn({ ...facts, reason }, 'Could not cancel a payment. Will retry.');
    return false;
  }
}

const SENTENCES: Readonly<Record<PaymentEnd, string>> = {
  cancelled: 'Payment cancelled at the provider',
  completed: 'Payment is complete at the provider',
};

async function endAtProvider(
  shop: Pick<Shop, 'database' | 'log'>,
  ending: Ending,
): Promise<PaymentEnd> {
  const { provider, session, stop } = ending;
  const hasPaid = session.paidAt === provider.inboxName && session.paidBy === session.paymentId;
  if (hasPaid) return 'completed';
  const id = session.paymentId ?? (await startedId(shop, ending));
  if (id === null || provider.cancel === undefined) return 'cancelled';
  const idempotencyKey = `cancel:${session.id}:${session.failures}`;
  return callProvider((signal) => provider.cancel!({ id, idempotencyKey }, signal), stop);
}

/** The payment of a start with an unknown outcome; null if nothing was started. */
async function startedId(
  shop: Pick<Shop, 'database'>,
  { provider, session, stop }: Ending,
): Promise<string | null> {
  if (provider.start === undefined) return null;
  const order = {
    ...session,
    id: session.orderId,
    unitPriceMinor: BigInt(session.unitPriceMinor),
    paymentExpiresAt: new Date(session.paymentExpiresAt),
  };
  try {
    const request = toStart(session, order);
    const started = await callProvider((signal) => provider.start!(request, signal), stop);
    await recordStarted(shop, { id: session.id, started, leaseMs: LEASE_MS });
    return started.id;
  } catch (error) {
    if (error instanceof ProviderRefusal) return null;
    throw error;
  }
}

/** What only a buyer needs is removed. */
const ENDED = `
  update payment_sessions set status = 'ENDED', ended_at = shop_clock(), next_attempt_at = null,
    client_secret = null, url = null, return_url = null, last_error = null
  where id = $1::uuid and ${statusIsOneOf(['STARTING', 'STARTED'])}`;

const POSTPONED = `
  update payment_sessions set failures = failures + 1, last_error = $2,
    next_attempt_at = shop_clock() + interval '1 millisecond' * $3::float8
  where id = $1::uuid and ${statusIsOneOf(['STARTING', 'STARTED'])}`;

async function record(
  { database }: Pick<Shop, 'database'>,
  statement: string,
  values: readonly unknown[],
): Promise<void> {
  await transact(database, (tx) => tx.lastRows(statement, values));
}
