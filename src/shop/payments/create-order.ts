import { isFault } from '../../lib/faults.ts';
import { readClock } from '../../postgres/clock.ts';
import { lockRow } from '../../postgres/locked-row.ts';
import { transact, type Transaction } from '../../postgres/transaction.ts';
import { convertHolds } from '../purchases/batches/convert-holds.ts';
import { holdOf, lockHolds, lockOrders, orderOf } from '../purchases/batches/purchase-rows.ts';
import { convertHold } from '../purchases/convert-hold.ts';
import { findHold, type Hold } from '../purchases/reads/find-purchases.ts';
import { holdNotActive } from '../purchases/hold.rules.ts';
import { OrderTable, type Order } from '../purchases/order.entity.ts';
import { holdNotFound, isRefusal } from '../refusal.ts';
import type { Shop } from '../shop.ts';
import {
  unusual,
  type OrderAnswer,
  type OrderResult,
  type Unusual,
} from './inbox/payment-queues.ts';
import { lockWaitingEvents, settleWaiting } from './inbox/settle-waiting.ts';
import { retryOnUniqueViolation } from './settlement/write-settlements.ts';
import { statusIsOneOf } from '../purchases/status.rules.ts';

/**
 * Turns a hold into an order and settles, in the same transaction, the payment events that arrived
 * before the order existed. It is in this folder because it settles payments.
 *
 * If settling those events fails, the order is created without them. The sweep of the inbox then
 * processes the events and counts their failed tries.
 *
 * @throws BusyFault when a lock was not available in time
 */
export async function createOrder(shop: Shop, holdToken: string): Promise<OrderAnswer> {
  const hold = await findHold(shop, holdToken);
  if (hold === null) return holdNotFound;
  const result = await shop.orderQueues.submit('orders', hold);
  if (result.kind === 'unusual') return createAlone(shop, hold);
  if (result.kind === 'answered') return result.answer;
  // Logged here and not in the batch, so that the line has the id of this request.
  const { id: orderId, holdId, productId, quantity } = result.order;
  shop.log.info({ orderId, holdId, productId, quantity }, 'Order created successfully');
  return result.order;
}

async function createAlone(shop: Shop, hold: Hold): Promise<OrderAnswer> {
  const create = (settles: boolean) =>
    transact(shop.database, (tx) => createIn(tx, shop, { hold, settles }));
  try {
    return await retryOnUniqueViolation(() => create(true));
  } catch (error) {
    if (isFault(error)) throw error;
    shop.log.error(
      { orderId: hold.orderId, err: error },
      'Could not apply pending payment events; creating the order without them',
    );
    return create(false);
  }
}

async function createIn(
  tx: Transaction,
  shop: Shop,
  { hold, settles }: { readonly hold: Hold; readonly settles: boolean },
): Promise<OrderAnswer> {
  const { id: holdId, orderId } = hold;
  await shop.lockOrders(tx, [orderId]);
  const waiting = settles ? await lockWaitingEvents(tx, orderId) : [];
  const movesUnits = waiting.length > 0;
  const order = await convertHold(shop, tx, { orderId, holdId, movesUnits });
  if (isRefusal(order) || waiting.length === 0) return order;
  for (const event of waiting) await settleWaiting(shop, tx, event);
  return (await lockRow(tx, OrderTable, orderId))!;
}

/** Orders for which a payment event waits: their hold is converted separately, with the events. */
const WAITING = `
  select distinct order_id as "orderId" from payment_events
  where order_id = any($1::uuid[]) and ${statusIsOneOf(['PARKED', 'DEAD'])}`;

/**
 * Turns a batch of holds, of any products, into orders in one transaction of two round trips. A hold
 * whose payment arrived before its order, or that costs nothing, is left out as unusual: it moves units.
 */
export async function createOrders(
  shop: Shop,
  requests: readonly Hold[],
): Promise<readonly OrderResult[]> {
  return transact(shop.database, async (tx) => {
    const orderIds = [...new Set(requests.map(({ orderId }) => orderId))];
    const holdIds = [...new Set(requests.map(({ id }) => id))];
    const [, waitingRows, orderRows, holdRows, now] = await Promise.all([
      shop.lockOrders(tx, orderIds),
      tx.rows<{ orderId: string }>(WAITING, [orderIds]),
      lockOrders(tx, orderIds),
      lockHolds(tx, holdIds),
      readClock(tx),
    ]);
    const waiting = new Set(waitingRows.map(({ orderId }) => orderId));
    const orders = new Map(orderRows.map((row) => [row.id, orderOf(row, now)]));
    const holds = new Map(holdRows.map((row) => [row.id, holdOf(row, now)]));
    const decisions = new Map(
      holdIds.map((id) => [id, decide(holds.get(id), { orders, waiting })]),
    );
    const converted = [...decisions.values()].flatMap((decision) =>
      decision.kind === 'convert' ? decision.hold : [],
    );
    const created = await convertHolds(shop, tx, { holds: converted, now });
    const orderOfHold = new Map<string, Order>(created.map((order) => [order.holdId, order]));
    const logged = new Set<string>();
    return requests.map(({ id }): OrderResult => {
      const decision = decisions.get(id)!;
      if (decision.kind !== 'convert') return decision;
      const order = orderOfHold.get(id)!;
      if (logged.has(id)) return { kind: 'answered', answer: order };
      logged.add(id);
      return { kind: 'created', order };
    });
  });
}

type Decision =
  | { readonly kind: 'convert'; readonly hold: Hold }
  | { readonly kind: 'answered'; readonly answer: OrderAnswer }
  | Unusual;

/** An order that exists is returned again, also after the hold's deadline and with a waiting event. */
function decide(
  hold: Hold | undefined,
  facts: { readonly orders: ReadonlyMap<string, Order>; readonly waiting: ReadonlySet<string> },
): Decision {
  if (hold === undefined) return { kind: 'answered', answer: holdNotFound };
  if (facts.waiting.has(hold.orderId)) return unusual;
  const order = facts.orders.get(hold.orderId);
  if (order !== undefined) return { kind: 'answered', answer: order };
  const ended = holdNotActive(hold);
  if (ended !== undefined) return { kind: 'answered', answer: ended };
  if (hold.unitPriceMinor === 0n) return unusual;
  return { kind: 'convert', hold };
}
