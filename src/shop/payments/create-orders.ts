import { readClock } from '../../postgres/clock.ts';
import { transact } from '../../postgres/transaction.ts';
import { convertHolds } from '../purchases/batches/convert-holds.ts';
import type { Hold } from '../purchases/hold.entity.ts';
import { holdNotActive } from '../purchases/hold.rules.ts';
import type { Order } from '../purchases/order.entity.ts';
import { holdOf, lockHolds, lockOrders, orderOf } from '../purchases/batches/purchase-rows.ts';
import { holdNotFound } from '../refusal.ts';
import type { Shop } from '../shop.ts';
import { unusual, type OrderAnswer, type OrderResult, type Unusual } from './payment-queues.ts';

/** Orders for which a payment event waits: their hold is converted by itself, with the events. */
const WAITING = `
  select distinct order_id as "orderId" from payment_events
  where order_id = any($1::uuid[]) and status in ('PARKED', 'DEAD')`;

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
