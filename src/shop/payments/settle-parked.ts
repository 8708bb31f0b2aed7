import type { Transaction } from '../../postgres/transaction.ts';
import { eventStatusOf, reasonOf } from './payment-answer.ts';
import type { PaymentEvent } from './payment-event.entity.ts';
import { PaymentEventTable } from './payment-event.entity.ts';
import { answerFor, applySettlement, counts, judge } from './settle-event.ts';
import type { Shop } from '../shop.ts';

/** An event that waits for its order, or that was given up. */
const WAITING = ['PARKED', 'DEAD'] as const;

const LOCK_WAITING = `
  select id from payment_events where order_id = $1 and status in ('PARKED', 'DEAD')
  order by received_at, id for update`;

/** Locks what waits for this order and gives it in the order of receipt; the order's id is locked already. */
export async function lockWaitingEvents(tx: Transaction, orderId: string): Promise<PaymentEvent[]> {
  const locked = await tx.rows<{ id: string }>(LOCK_WAITING, [orderId]);
  if (locked.length === 0) return [];
  const events = await tx.em.find(
    PaymentEventTable,
    { id: { $in: locked.map(({ id }) => id) }, status: { $in: [...WAITING] } },
    { orderBy: { receivedAt: 'asc', id: 'asc' }, disableIdentityMap: true },
  );
  return events as unknown as PaymentEvent[];
}

const SETTLED = `
  update payment_events set status = $2, counted = $3, reason = $4, settled_at = $5, next_try_at = null,
    answer_status = $6, answer_body = $7
  where id = $1`;

/** Settles one locked waiting event, or leaves it waiting; whether it is settled now. */
export async function settleWaiting(
  shop: Shop,
  tx: Transaction,
  event: PaymentEvent,
): Promise<boolean> {
  const settlement = await judge(shop, tx, event);
  const { verdict, decidedAt } = settlement;
  if (verdict.kind === 'PARK') return false;
  const answer = answerFor(event, settlement);
  await tx.rows(SETTLED, [
    event.id,
    eventStatusOf(verdict),
    counts(settlement),
    reasonOf(verdict),
    decidedAt,
    answer.status,
    answer.body,
  ]);
  await applySettlement(shop, tx, event, settlement);
  return true;
}
