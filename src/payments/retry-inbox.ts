import { isFault } from '../platform/faults.ts';
import { transact, type Transaction } from '../platform/transaction.ts';
import { pastRivals, type PaymentNeeds } from './settle-event.ts';
import { lockWaitingEvents, settleWaiting } from './settle-parked.ts';

/** Events looked at in one sweep: a flood of strangers' events must not hold the next sweep up. */
const INBOX_BATCH = 500;

/** Tries that threw before an event is given up and a person must look. */
const ATTEMPTS_MAX = 10;

/**
 * Parked events whose time has come: their own next try, or at once when their hold has ended
 * without an order, unless a try has failed and the next must wait. Found without a lock; each is looked at again under its own.
 */
const DUE = `
  select e.id, e.order_id as "orderId" from payment_events e
  left join holds h on h.order_id = e.order_id,
  (select shop_clock() as now) c
  where e.status = 'PARKED' and (e.next_try_at <= c.now or (e.attempts = 0
    and (h.status in ('RELEASED', 'EXPIRED') or (h.status = 'ACTIVE' and h.expires_at <= c.now))))
  order by e.next_try_at limit ${INBOX_BATCH}`;

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
export async function retryInbox(shop: PaymentNeeds): Promise<number> {
  let settled = 0;
  for (const event of await shop.database.rows<WaitingEvent>(DUE, [])) {
    try {
      if (await settleAgain(shop, event)) settled += 1;
    } catch (error) {
      // A lock not had, or no database, is nobody's failed try: the next sweep comes in a second.
      if (isFault(error)) continue;
      await recordFailure(shop, event, error);
    }
  }
  return settled;
}

function settleAgain(shop: PaymentNeeds, event: WaitingEvent): Promise<boolean> {
  return pastRivals(() => transact(shop.database, (tx) => settleOnceMore(shop, tx, event)));
}

/** Settles one waiting event once more, a dead letter too; whether it is settled now. */
export async function settleOnceMore(
  shop: PaymentNeeds,
  tx: Transaction,
  { id, orderId }: WaitingEvent,
): Promise<boolean> {
  await shop.lockOrder(tx, orderId);
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
  shop: PaymentNeeds,
  { id }: Pick<WaitingEvent, 'id'>,
  error: unknown,
): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error);
  const [failed] = await shop.database.rows<object>(FAILED, [id, reason]);
  shop.database.log.error(
    { eventId: id, err: error, ...failed },
    'Settling a payment event failed',
  );
}
