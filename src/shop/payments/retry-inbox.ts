import { isFault } from '../../lib/faults.ts';
import { transact, type Transaction } from '../../postgres/transaction.ts';
import { retryOnUniqueViolation } from './settle-event.ts';
import { lockWaitingEvents, settleWaiting } from './settle-parked.ts';
import type { Shop } from '../shop.ts';

/** Events looked at in one sweep: a flood of strangers' events must not hold the next sweep up. */
const INBOX_BATCH = 500;

/** Tries that threw before an event is given up and a person must look. */
const ATTEMPTS_MAX = 10;

/**
 * Looks at the parked events whose time has come, or whose buyer gave the hold back, all at once, and gives those that can be settled
 * now: their order exists, their hold ended without one, or they waited for too long ($1, in
 * milliseconds). Each is put off as long again as it has waited so far, between a second and a
 * minute, but never past the end of its wait: an order that does not come costs a row now and then,
 * and what could not be settled for a lock lets the others pass.
 *
 * The rows are taken without the lock on their order's id, which is no breach of the locks' order:
 * SKIP LOCKED waits for nobody, and servers that sweep at once share the events. What stands
 * under an order's lock is judged anew there. Orders and holds are asked for in sub-selects, one row
 * of an index each; as joins they were read whole.
 */
const LOOK = `
  with due as (
    select id, order_id, received_at from payment_events
    where status = 'PARKED' and (next_try_at <= (select shop_clock()) or (attempts = 0
      and (select status = 'RELEASED' from holds h where h.order_id = payment_events.order_id)))
    order by next_try_at limit ${INBOX_BATCH} for no key update skip locked),
  looked_at as materialized (
    select due.*, c.now,
      (select true from orders o where o.id = due.order_id) as has_order,
      least(received_at + $1::float8 * interval '1 millisecond',
        (select case when h.status in ('RELEASED', 'EXPIRED') then '-infinity'
            when h.status = 'ACTIVE' then h.expires_at end
          from holds h where h.order_id = due.order_id)) as wait_ends_at
    from due, (select shop_clock() as now) c),
  put_off as (
    update payment_events e set next_try_at = least(
      now + least(greatest(now - l.received_at, interval '1 second'), interval '1 minute'),
      case when wait_ends_at > now then wait_ends_at end)
    from looked_at l where e.id = l.id)
  select id, order_id as "orderId" from looked_at
  where has_order or wait_ends_at <= now
  order by received_at, id`;

/** An event that waits, and the order it waits for. */
export interface WaitingEvent {
  readonly id: string;
  readonly orderId: string;
}

/**
 * Settles what waits in the inbox and can be settled now: the net under createOrder, and the end of
 * waiting for an order that never comes. Waiting is not a failed try; a try fails when settling
 * throws, and ten make a dead letter. How many were settled.
 */
export async function retryInbox(shop: Shop): Promise<number> {
  let settled = 0;
  for (const event of await shop.database.rows<WaitingEvent>(LOOK, [shop.parkedEventTtlMs])) {
    try {
      if (await settleAgain(shop, event)) settled += 1;
    } catch (error) {
      // A lock not had, or no database, is nobody's failed try: a later sweep looks again.
      if (isFault(error)) continue;
      await recordFailure(shop, event, error);
    }
  }
  return settled;
}

function settleAgain(shop: Shop, event: WaitingEvent): Promise<boolean> {
  return retryOnUniqueViolation(() =>
    transact(shop.database, (tx) => settleOnceMore(shop, tx, event)),
  );
}

/** Settles one waiting event once more, a dead letter too; whether it is settled now. */
export async function settleOnceMore(
  shop: Shop,
  tx: Transaction,
  { id, orderId }: WaitingEvent,
): Promise<boolean> {
  await shop.lockOrders(tx, [orderId]);
  const event = (await lockWaitingEvents(tx, orderId)).find((waiting) => waiting.id === id);
  // No longer waiting: somebody else settled it.
  return event === undefined || settleWaiting(shop, tx, event);
}

/** Seconds double with each failed try: 2, 4, 8 … 1024. */
const FAILED = `
  update payment_events set attempts = attempts + 1,
    status = case when attempts + 1 >= ${ATTEMPTS_MAX} then 'DEAD' else status end,
    reason = $2, next_try_at = shop_clock() + interval '1 second' * (2 ^ (attempts + 1))
  where id = $1 and status in ('PARKED', 'DEAD')
  returning attempts, status`;

/** Counts a try that threw, with its reason; the tenth makes a dead letter. */
export async function recordFailure(
  shop: Shop,
  { id }: Pick<WaitingEvent, 'id'>,
  error: unknown,
): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error);
  const [failed] = await shop.database.rows<object>(FAILED, [id, reason]);
  shop.log.error({ eventId: id, err: error, ...failed }, 'Settling a payment event failed');
}
