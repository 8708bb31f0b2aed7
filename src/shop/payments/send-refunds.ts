import { isFault } from '../../lib/faults.ts';
import { transact } from '../../postgres/transaction.ts';
import { statusIsOneOf } from '../purchases/status.rules.ts';
import type { Shop } from '../shop.ts';
import { processClaims } from './providers/claim-rounds.ts';
import {
  callProvider,
  ProviderRefusal,
  type PaymentProvider,
  type RefundAtProvider,
} from './providers/payment-provider.ts';
import { providerWaitMs } from './providers/payment-session.rules.ts';
import { errorText } from './providers/session-rows.ts';
import type { RefundStatus } from './settlement/refund.rules.ts';
import { closeRefund } from './settlement/write-refunds.ts';

/** Refunds that one server asks for side by side. */
const AT_ONCE_MAX = 20;

/**
 * How long one server has a refund, in milliseconds: longer than a call. After it another server asks with
 * the same key, so a killed server loses no refund and sends none twice.
 */
const LEASE_MS = 15_000;

/** Milliseconds until the provider is asked again for the state of a refund that it has not decided. */
const PENDING_MS = 3600_000;

/**
 * Takes due refunds of a provider. It commits SENT before the provider is asked, so that the table never
 * has a refund as OPEN that the provider may have.
 */
const CLAIM = `
  with due as (
    select id from refunds
    where provider = $1 and next_attempt_at <= (select shop_clock()) and status || '' = any($2::text[])
      and starts_with(payment_id, $3)
    order by next_attempt_at limit ${AT_ONCE_MAX} for no key update skip locked)
  update refunds set status = 'SENT',
    next_attempt_at = shop_clock() + interval '1 millisecond' * ${LEASE_MS}
  where id = any(array(select id from due))
  returning id, payment_id as "paymentId", amount::text, currency, failures,
    provider_refund_id as "refundId"`;

interface ClaimedRefund {
  readonly id: string;
  readonly paymentId: string;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly failures: number;
  readonly refundId: string | null;
}

/** How refunds are sent. */
export interface SendOptions {
  /** Whether open refunds are sent. Refunds that were sent are followed up in any case. */
  readonly automatic: boolean;
  /** Ends the calls in flight; they are repeated later. */
  readonly stop?: AbortSignal;
}

/**
 * Asks a provider to return the money of open refunds, and resolves those that it confirms. A refusal puts
 * a refund back to OPEN with its reason, for an admin. An unknown outcome is asked for again with the same
 * key.
 *
 * @returns how many refunds were resolved
 */
export async function sendRefunds(
  shop: Pick<Shop, 'database' | 'log'>,
  provider: PaymentProvider,
  { automatic, stop }: SendOptions,
): Promise<number> {
  if (provider.refund === undefined) return 0;
  const statuses: readonly RefundStatus[] = automatic ? ['OPEN', 'SENT'] : ['SENT'];
  const values = [provider.inboxName, statuses, provider.paymentPrefix ?? ''];
  return processClaims<ClaimedRefund>({
    atOnceMax: AT_ONCE_MAX,
    claim: () => transact(shop.database, (tx) => tx.lastRows(CLAIM, values)),
    process: (refund) => sendOne(shop, { provider, refund, stop }),
    stop,
  });
}

interface Sending {
  readonly provider: PaymentProvider;
  readonly refund: ClaimedRefund;
  readonly stop: AbortSignal | undefined;
}

/** Whether the refund was resolved. */
async function sendOne(shop: Pick<Shop, 'database' | 'log'>, sending: Sending): Promise<boolean> {
  const { refund, stop } = sending;
  try {
    return await recordAnswer(shop, sending, await callRefund(sending));
  } catch (error) {
    // Without a record the lease ends, and the same key is asked for again.
    if (isFault(error) || stop?.aborted === true) return false;
    await recordError(shop, refund, error);
    return false;
  }
}

function callRefund({ provider, refund, stop }: Sending): Promise<RefundAtProvider> {
  const { id, paymentId, amount, currency, refundId, failures } = refund;
  const money = amount === null || currency === null ? null : { amount, currency };
  const key = `refund:${id}`;
  const isRepeated = failures > 0;
  const request = { paymentId, amount: money, refundId, isRepeated, idempotencyKey: key };
  return callProvider((signal) => provider.refund!(request, signal), stop);
}

const PENDING = `
  update refunds set provider_refund_id = $2, failures = 0, failure_reason = null,
    next_attempt_at = shop_clock() + interval '1 millisecond' * ${PENDING_MS}
  where id = $1::uuid and ${statusIsOneOf(['SENT'])}`;

async function recordAnswer(
  { database, log }: Pick<Shop, 'database' | 'log'>,
  { provider, refund: { id } }: Sending,
  { id: refundId, status }: RefundAtProvider,
): Promise<boolean> {
  if (status === 'pending') {
    await transact(database, (tx) => tx.lastRows(PENDING, [id, refundId]));
    return false;
  }
  const note = `Returned by ${provider.name}${refundId === null ? ', in another way' : `: ${refundId}`}.`;
  await transact(database, (tx) => closeRefund(tx, id, { note, providerRefundId: refundId }));
  log.info({ refundId: id, provider: provider.name }, 'Refund resolved');
  return true;
}

/** After a refusal only an admin continues; other errors are tried again. */
const FAILED = `
  update refunds set failures = failures + 1, failure_reason = $2,
    status = case when $3::float8 is null then 'OPEN' else status end,
    next_attempt_at = shop_clock() + interval '1 millisecond' * $3::float8
  where id = $1::uuid and ${statusIsOneOf(['SENT'])}`;

async function recordError(
  { database, log }: Pick<Shop, 'database' | 'log'>,
  { id, failures }: ClaimedRefund,
  error: unknown,
): Promise<void> {
  const isRefused = error instanceof ProviderRefusal;
  const reason = errorText(error);
  const waitMs = isRefused ? null : providerWaitMs(failures + 1, Math.random());
  await transact(database, (tx) => tx.lastRows(FAILED, [id, reason, waitMs]));
  if (isRefused) log.error({ refundId: id, reason }, 'The provider refused a refund');
  else log.warn({ refundId: id, reason }, 'Could not send a refund. Will retry.');
}
