import { newId } from '../../../lib/ids.ts';
import { readClock } from '../../../postgres/clock.ts';
import { transact, type Transaction } from '../../../postgres/transaction.ts';
import type { Shop } from '../../shop.ts';
import { readEarlierEvents, type EarlierEvent } from './earlier-events.ts';
import { isSameEvent } from './payment-event.rules.ts';
import type { Receipt, ReceivedPayment } from './payment-queues.ts';
import { endDueAndReadFacts } from '../settlement/settlement-facts.ts';
import { settle } from '../settlement/settlement.rules.ts';
import {
  isRivalEvent,
  retryOnUniqueViolation,
  writeSettlements,
} from '../settlement/write-settlements.ts';

/**
 * Receives one event: recorded, applied and answered in one transaction. The same key with the same
 * content gets the first answer again, with one effect, also in parallel. The same key with other
 * content is a conflict and changes nothing.
 *
 * @throws BusyFault | UnavailableFault when nothing was recorded or the commit is unknown. The provider
 *   must deliver again.
 */
export async function receivePayment(shop: Shop, received: ReceivedPayment): Promise<Receipt> {
  const { orderId } = received;
  // An order's product never changes, so this read needs no lock.
  const order = orderId === null ? null : await shop.reads.order.load(orderId);
  if (order === null) return receiveAlone(shop, received);
  try {
    const receipt = await shop.paymentQueues.submit(order.productId, received);
    return receipt.kind === 'unusual' ? await receiveAlone(shop, received) : receipt;
  } catch (error) {
    if (isRivalEvent(error)) return receiveAlone(shop, received);
    throw error;
  }
}

/** Receives any event in a transaction of its own. */
function receiveAlone(shop: Shop, received: ReceivedPayment): Promise<Receipt> {
  return retryOnUniqueViolation(() => transact(shop.database, (tx) => receive(shop, tx, received)));
}

async function receive(shop: Shop, tx: Transaction, received: ReceivedPayment): Promise<Receipt> {
  if (received.orderId !== null) await shop.lockOrders(tx, [received.orderId]);
  const [earlier] = await readEarlierEvents(tx, [received]);
  if (earlier !== undefined) return repeat(shop, tx, earlier, received);

  const event = { ...received, id: newId(), receivedAt: await readClock(tx) };
  const { facts, readAt, order, stock } = await endDueAndReadFacts(shop, tx, event);
  const settlement = settle(event, facts);
  await writeSettlements(shop, tx, {
    settled: [{ kind: 'new', event, settlement, decidedAt: readAt, duplicates: 0 }],
    repeated: [],
    productId: order?.productId ?? null,
    stock,
    commits: false,
  });
  return { kind: 'settled', answer: settlement.answer };
}

async function repeat(
  shop: Shop,
  tx: Transaction,
  { id, answer, ...stored }: EarlierEvent,
  received: ReceivedPayment,
): Promise<Receipt> {
  if (!isSameEvent(stored, received)) return { kind: 'conflict' };
  await writeSettlements(shop, tx, {
    settled: [],
    repeated: [{ id, times: 1 }],
    productId: null,
    stock: undefined,
    commits: false,
  });
  return { kind: 'repeated', answer };
}
