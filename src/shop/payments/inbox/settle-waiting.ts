import type { Transaction } from '../../../postgres/transaction.ts';
import type { Shop } from '../../shop.ts';
import { endDueAndReadFacts } from '../settlement/settlement-facts.ts';
import { settle } from '../settlement/settlement.rules.ts';
import { writeSettlements, type WaitingEvent } from '../settlement/write-settlements.ts';
import { statusIsOneOf } from '../../purchases/status.rules.ts';

/** Written by hand, because its result is in the order of receipt. The locked columns never change. */
const LOCK_WAITING = `
  select id, provider, idempotency_key as "idempotencyKey", payment_id as "paymentId",
    order_id as "orderId", reported_status as "reportedStatus", amount,
    unreadable_amount as "unreadableAmount", currency, received_at as "receivedAt"
  from payment_events where order_id = $1 and ${statusIsOneOf(['PARKED', 'DEAD'])}
  order by received_at, id for update`;

/**
 * Locks the events that wait for this order, dead letters too, and returns them in the order of
 * receipt. The caller has locked the order's id.
 */
export async function lockWaitingEvents(
  tx: Transaction,
  orderId: string,
): Promise<readonly WaitingEvent[]> {
  const rows = await tx.rows<Omit<WaitingEvent, 'receivedAt'> & { readonly receivedAt: string }>(
    LOCK_WAITING,
    [orderId],
  );
  return rows.map((row) => ({ ...row, receivedAt: new Date(row.receivedAt) }));
}

/** Settles one locked waiting event, or lets it wait on; whether it is settled now. */
export async function settleWaiting(
  shop: Shop,
  tx: Transaction,
  event: WaitingEvent,
): Promise<boolean> {
  const { facts, readAt, order, stock } = await endDueAndReadFacts(shop, tx, event);
  const settlement = settle(event, facts);
  if (settlement.kind === 'PARK') return false;
  await writeSettlements(shop, tx, {
    settled: [{ kind: 'waiting', event, settlement, decidedAt: readAt }],
    repeated: [],
    productId: order?.productId ?? null,
    stock,
    commits: false,
  });
  return true;
}
