import { isFault } from '../../../lib/faults.ts';
import { transact, type Transaction } from '../../../postgres/transaction.ts';
import type { Shop } from '../../shop.ts';
import { lockWaitingEvents, settleWaiting } from './settle-waiting.ts';
import { retryOnUniqueViolation } from '../settlement/write-settlements.ts';
import { statusIsOneOf } from '../../purchases/status.rules.ts';

/** Maximum events of one sweep, so that a flood of unknown events does not delay the next sweep. */
const INBOX_BATCH = 500;

/** Failed tries after which an event is a dead letter. */
const ATTEMPTS_MAX = 10;

/**
 * Reads the parked events whose next try is due, and those whose buyer released the hold. It returns
 * the events that can be settled now. Their order exists, their hold ended without one, or their wait
 * exceeds $1 milliseconds. The delay before the next try equals the time already waited, between a
 * second and a minute. It never exceeds the rest of the wait. So an event whose lock is not available
 * does not block the others.
 *
 * SKIP LOCKED never waits, so these rows may be locked without the lock on their order's id. Servers
 * that sweep at once share the events. Each event is read again under its order's lock. Orders and
 * holds are read in sub-selects, one index entry each; with joins the tables were read completely.
 */
const DUE_EVENTS = `
  with due as (
    select id, order_id, received_at from payment_events
    where status = 'PARKED' and (next_try_at <= (select shop_clock()) or (attempts = 0
      and (select status = 'RELEASED' from holds h where h.order_id = payment_events.order_id)))
    order by next_try_at limit ${INBOX_BATCH} for no key update skip locked),
  examined as materialized (
    select due.*, c.now,
      (select true from orders o where o.id = due.order_id) as has_order,
      least(received_at + $1::float8 * interval '1 millisecond',
        (select case when h.status in ('RELEASED', 'EXPIRED') then '-infinity'
            when h.status = 'ACTIVE' then h.expires_at end
          from holds h where h.order_id = due.order_id)) as wait_ends_at
    from due, (select shop_clock() as now) c),
  postponed as (
    update payment_events e set next_try_at = least(
      now + least(greatest(now - l.received_at, interval '1 second'), interval '1 minute'),
      case when wait_ends_at > now then wait_ends_at end)
    from examined l where e.id = l.id)
  select id, order_id as "orderId" from examined
  where has_order or wait_ends_at <= now
  order by received_at, id`;

/** A waiting event, and the order it waits for. */
export interface WaitingEventId {
  readonly id: string;
  readonly orderId: string;
}

/**
 * The sweep of the inbox: settles parked events that can be settled now. It covers events that
 * createOrder did not settle, and orders that are never created. Waiting is not a failed try. A try
 * fails when settling throws, and ten failed tries make a dead letter.
 *
 * @returns how many events were settled
 */
export async function retryInbox(shop: Shop): Promise<number> {
  let settled = 0;
  for (const event of await shop.database.rows<WaitingEventId>(DUE_EVENTS, [
    shop.parkedEventTtlMs,
  ])) {
    try {
      if (await retryAlone(shop, event)) settled += 1;
    } catch (error) {
      // A lock timeout or an unavailable database is not a failed try: a later sweep tries again.
      if (isFault(error)) continue;
      await recordFailure(shop, event, error);
    }
  }
  return settled;
}

function retryAlone(shop: Shop, event: WaitingEventId): Promise<boolean> {
  return retryOnUniqueViolation(() => transact(shop.database, (tx) => retryEvent(shop, tx, event)));
}

/** Settles one waiting event again, a dead letter too; whether it is settled now. */
export async function retryEvent(
  shop: Shop,
  tx: Transaction,
  { id, orderId }: WaitingEventId,
): Promise<boolean> {
  await shop.lockOrders(tx, [orderId]);
  const event = (await lockWaitingEvents(tx, orderId)).find((waiting) => waiting.id === id);
  // Not waiting any more: another transaction settled it.
  return event === undefined || settleWaiting(shop, tx, event);
}

/** The wait doubles with each failed try: 2, 4, 8 … 1024 seconds. */
const FAILED = `
  update payment_events set attempts = attempts + 1,
    status = case when attempts + 1 >= ${ATTEMPTS_MAX} then 'DEAD' else status end,
    reason = $2, next_try_at = shop_clock() + interval '1 second' * (2 ^ (attempts + 1))
  where id = $1 and ${statusIsOneOf(['PARKED', 'DEAD'])}
  returning attempts, status`;

/** Records a failed try with its reason; the tenth makes a dead letter. */
export async function recordFailure(
  shop: Shop,
  { id }: Pick<WaitingEventId, 'id'>,
  error: unknown,
): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error);
  const [failed] = await shop.database.rows<object>(FAILED, [id, reason]);
  shop.log.error({ eventId: id, err: error, ...failed }, 'Settling a payment event failed');
}
