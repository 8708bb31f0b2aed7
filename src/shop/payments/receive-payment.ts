import { newId } from '../../lib/ids.ts';
import { transact, type Transaction } from '../../postgres/transaction.ts';
import { eventStatusOf, reasonOf, type PaymentAnswer } from './payment-answer.ts';
import { PaymentEventTable, type PaymentEvent } from './payment-event.entity.ts';
import {
  answerFor,
  applySettlement,
  counts,
  isSameEvent,
  isRivalEvent,
  judge,
  retryOnUniqueViolation,
  type Settlement,
} from './settle-event.ts';
import type { Receipt, ReceivedPayment } from './payment-queues.ts';
import { readClock } from '../../postgres/clock.ts';
import type { Shop } from '../shop.ts';

/**
 * Receives one event: recorded, applied and answered in one transaction. The same key with the same
 * content is answered as the first time, with one effect, however parallel; with other content it
 * is a conflict and changes nothing.
 *
 * @throws BusyFault | UnavailableFault when nothing was recorded, or the commit is unknown: the
 *   provider is to deliver again
 */
export async function receivePayment(shop: Shop, received: ReceivedPayment): Promise<Receipt> {
  const { orderId } = received;
  // An order's product never changes, so this read needs no lock.
  const order = orderId === null ? null : await shop.reads.order.load(orderId);
  if (order === null) return receiveAlone(shop, received);
  try {
    const receipt = await shop.paymentQueues.submit(order.productId, received);
    return 'kind' in receipt ? await receiveAlone(shop, received) : receipt;
  } catch (error) {
    if (isRivalEvent(error)) return receiveAlone(shop, received);
    throw error;
  }
}

/** The same in a transaction of its own, for any event. */
function receiveAlone(shop: Shop, received: ReceivedPayment): Promise<Receipt> {
  return retryOnUniqueViolation(() => transact(shop.database, (tx) => receive(shop, tx, received)));
}

async function receive(shop: Shop, tx: Transaction, received: ReceivedPayment): Promise<Receipt> {
  if (received.orderId !== null) await shop.lockOrders(tx, [received.orderId]);
  const first = await findEvent(tx, received);
  if (first !== null) return repeat(tx, first, received);

  const event = { ...received, id: newId(), receivedAt: await readClock(tx) };
  const settlement = await judge(shop, tx, event);
  const answer = answerFor(event, settlement);
  await insertEvent(tx, event, settlement, answer);
  await applySettlement(shop, tx, event, settlement);
  return { ...answer, replayed: false };
}

async function findEvent(tx: Transaction, received: ReceivedPayment): Promise<PaymentEvent | null> {
  const { provider, idempotencyKey } = received;
  return tx.findOne(PaymentEventTable, { provider, idempotencyKey });
}

const COUNT_DUPLICATE = `
  update payment_events set duplicates = duplicates + 1 where id = $1
  returning answer_status as status, answer_body as body`;

async function repeat(
  tx: Transaction,
  first: PaymentEvent,
  received: ReceivedPayment,
): Promise<Receipt> {
  const ignoredPayload = first.status === 'IGNORED' ? first.payload : null;
  if (!isSameEvent({ ...first, ignoredPayload }, received)) return { conflict: true };
  // The answer as of this update: a parked event may have been settled since it was found.
  const [answer] = await tx.rows<PaymentAnswer>(COUNT_DUPLICATE, [first.id]);
  return { ...answer!, replayed: true };
}

const INSERT_EVENT = `
  insert into payment_events (id, provider, idempotency_key, payment_id, order_id, reported_status,
    amount, currency, status, counted, reason, attempts, next_try_at, duplicates, received_at,
    settled_at, payload, headers, answer_status, answer_body, unreadable_amount)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text, $10, $11, 0,
    case when $9::text = 'PARKED' then $12::timestamptz + interval '1 second' end, 0, $12,
    case when $9::text <> 'PARKED' then $12::timestamptz end, $13, $14, $15, $16, $17)`;

async function insertEvent(
  tx: Transaction,
  event: ReceivedPayment & { readonly id: string; readonly receivedAt: Date },
  settlement: Settlement,
  answer: PaymentAnswer,
): Promise<void> {
  await tx.rows(INSERT_EVENT, [
    event.id,
    event.provider,
    event.idempotencyKey,
    event.paymentId,
    event.orderId,
    event.reportedStatus,
    event.amount,
    event.currency,
    eventStatusOf(settlement.verdict),
    counts(settlement),
    reasonOf(settlement.verdict),
    event.receivedAt,
    event.payload,
    JSON.stringify(event.headers),
    answer.status,
    answer.body,
    event.unreadableAmount,
  ]);
}
