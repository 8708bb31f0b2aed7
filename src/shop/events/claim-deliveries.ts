import { transact } from '../../postgres/transaction.ts';
import type { Shop } from '../shop.ts';
import {
  isDelivered,
  isGone,
  retryDelayMs,
  type AttemptOutcome,
  type DeliveryStatus,
} from './delivery.rules.ts';
import { payloadOf, type Snapshot, type ShopEventType } from './shop-event.rules.ts';
import type { StoredAttempt } from './webhook-delivery.entity.ts';

/** Deliveries of one endpoint that all servers together send at a time. */
const AT_ONCE_MAX = 20;

/**
 * How long a server has a delivery, in milliseconds: longer than an attempt may take. After it another
 * server takes the delivery over, so a killed server delays its deliveries by less than 30 seconds.
 */
const LEASE_MS = 25_000;

/** SQL: whether the endpoint `w` has only failed for five days. */
const HAS_FAILED_LONG = "coalesce(w.failing_since <= shop_clock() - interval '5 days', false)";

/** A delivery that this server is to attempt. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly endpointId: string;
  readonly url: string;
  /** Every current secret of the endpoint, the newest first. */
  readonly secrets: readonly string[];
  readonly eventId: string;
  /** The body. */
  readonly payload: string;
  /** Failed attempts before this one. */
  readonly failures: number;
  /** The database's clock at the claim. */
  readonly claimedAt: Date;
}

/**
 * Endpoints with due deliveries that no other server claims from at this moment. The first entry of the
 * index answers for each endpoint, so the number of its deliveries does not matter.
 */
const LOCK_ENDPOINTS = `
  select w.id from webhook_endpoints w cross join lateral (
    select d.next_attempt_at from webhook_deliveries d
    where d.endpoint_id = w.id and d.status = 'PENDING'
    order by d.endpoint_id, d.next_attempt_at limit 1) as earliest
  where w.enabled and earliest.next_attempt_at <= (select shop_clock())
  for no key update of w skip locked`;

/** A statement of its own: it sees what the last server claimed before it left the lock. */
const CLAIM = `
  with due as (
    select picked.id
    from webhook_endpoints w cross join lateral (
      select d.id from webhook_deliveries d
      where d.endpoint_id = w.id and d.status = 'PENDING'
        and d.next_attempt_at <= (select shop_clock())
      order by d.endpoint_id, d.next_attempt_at
      limit greatest(0, ${AT_ONCE_MAX} - (
        select count(*) from webhook_deliveries l where l.endpoint_id = w.id
          and l.leased_until > (select shop_clock())))) as picked
    where w.id = any($1::uuid[])),
  claimed as (
    update webhook_deliveries d set leased_until = c.until, next_attempt_at = c.until
    from (select shop_clock() + interval '1 millisecond' * ${LEASE_MS} as until) as c
    where d.id = any(array(select id from due))
    returning d.id, d.endpoint_id, d.event_id, d.failures)
  select c.id, c.endpoint_id as "endpointId", c.event_id as "eventId", c.failures, w.url, w.secret,
    case when w.previous_secret_until > clock.now then w.previous_secret end as "previousSecret",
    e.type, e.at, e.sequence, e.snapshot, clock.now
  from claimed c join webhook_endpoints w on w.id = c.endpoint_id 
    join shop_events e on e.id = c.event_id and e.id = any(array(select event_id from claimed)),
    (select shop_clock() as now) as clock`;

interface ClaimedRow extends Pick<
  ClaimedDelivery,
  'id' | 'endpointId' | 'eventId' | 'url' | 'failures'
> {
  readonly secret: string;
  readonly previousSecret: string | null;
  readonly type: ShopEventType;
  readonly at: string;
  readonly sequence: number;
  readonly snapshot: Snapshot | null;
  readonly now: string;
}

/** Takes due deliveries for this server, of each endpoint at most as many as it may have at once. */
export function claimDeliveries(shop: Pick<Shop, 'database'>): Promise<readonly ClaimedDelivery[]> {
  return transact(shop.database, async (tx) => {
    const endpoints = await tx.rows<{ id: string }>(LOCK_ENDPOINTS, []);
    if (endpoints.length === 0) return [];
    const rows = await tx.rows<ClaimedRow>(CLAIM, [endpoints.map(({ id }) => id)]);
    return rows.map(({ secret, previousSecret, type, at, sequence, snapshot, now, ...row }) => ({
      ...row,
      secrets: previousSecret === null ? [secret] : [secret, previousSecret],
      payload: payloadOf({ type, at: new Date(at), sequence, snapshot }),
      claimedAt: new Date(now),
    }));
  });
}

/** An attempt, and what came of it. */
export interface Attempt extends AttemptOutcome {
  /** The first KiB of the answer, or the error. */
  readonly answer: string;
  readonly durationMs: number;
}

/**
 * All attempts in one statement. An endpoint of which one attempt succeeded is not failing.
 */
const RECORD = `
  with attempt as materialized (
    select * from json_to_recordset($1::json) as attempt(id uuid, log jsonb, status text, wait_ms float8,
      failed boolean, gone boolean)),
  recorded as (
    update webhook_deliveries d set attempts = d.attempts || a.log, status = a.status, leased_until = null,
      failures = d.failures + a.failed::int,
      next_attempt_at = shop_clock() + a.wait_ms * interval '1 millisecond'
    from attempt a where d.id = a.id and d.id = any(array(select id from attempt)) and d.status || '' = 'PENDING'
    returning d.endpoint_id, a.failed, a.gone),
  outcome as (
    select endpoint_id, bool_and(failed) as failed, bool_or(gone) as gone from recorded group by endpoint_id),
  changed as (
    update webhook_endpoints w
    set failing_since = case when o.failed then coalesce(w.failing_since, shop_clock()) end,
      enabled = not (o.gone or (o.failed and ${HAS_FAILED_LONG})),
      disabled_reason = case when o.gone then 'The endpoint answered 410 Gone.'
        when o.failed and ${HAS_FAILED_LONG} then 'Every attempt of the last five days failed.' end
    from outcome o
    where w.id = o.endpoint_id and w.enabled and (o.gone or (o.failed and ${HAS_FAILED_LONG})
      or o.failed = (w.failing_since is null))
    returning w.id, w.enabled, w.disabled_reason)
  select id, disabled_reason as reason from changed where not enabled`;

/** An endpoint that an attempt has disabled. */
export interface DisabledEndpoint {
  readonly id: string;
  readonly reason: string;
}

/** An attempt of a claimed delivery. */
export interface EndedAttempt {
  readonly delivery: Pick<ClaimedDelivery, 'id' | 'claimedAt' | 'failures'>;
  readonly attempt: Attempt;
}

/**
 * Records attempts: delivered, due again by the plan, or failed. An endpoint that is gone, or has only
 * failed for five days, is disabled. Returns the endpoints that were.
 */
export function recordAttempts(
  shop: Pick<Shop, 'database'>,
  ended: readonly EndedAttempt[],
): Promise<readonly DisabledEndpoint[]> {
  const rows = JSON.stringify(ended.map(attemptRow));
  return transact(shop.database, (tx) => tx.lastRows<DisabledEndpoint>(RECORD, [rows]));
}

function attemptRow({ delivery: { id, claimedAt, failures }, attempt }: EndedAttempt): object {
  const failed = !isDelivered(attempt);
  const waitMs = failed ? retryDelayMs(failures + 1, attempt, Math.random()) : null;
  const { status, answer, durationMs } = attempt;
  const stored: StoredAttempt = { at: claimedAt.toISOString(), status, answer, durationMs };
  return {
    id,
    log: [stored],
    status: statusAfter(failed, waitMs),
    wait_ms: waitMs,
    failed,
    gone: isGone(attempt),
  };
}

function statusAfter(failed: boolean, waitMs: number | null): DeliveryStatus {
  if (!failed) return 'DELIVERED';
  return waitMs === null ? 'FAILED' : 'PENDING';
}
