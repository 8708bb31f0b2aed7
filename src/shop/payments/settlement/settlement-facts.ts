import { lockRow } from '../../../postgres/locked-row.ts';
import type { Transaction } from '../../../postgres/transaction.ts';
import { endDue } from '../../purchases/end-due.ts';
import { HoldTable, type Hold } from '../../purchases/hold.entity.ts';
import { holdStatus } from '../../purchases/hold.rules.ts';
import { OrderTable, type Order } from '../../purchases/order.entity.ts';
import type { Shop } from '../../shop.ts';
import { lockStock, type LockedStock } from '../../stock/locked-stock.ts';
import type { PaymentEvent } from '../inbox/payment-event.entity.ts';
import { amountOwed } from './refund.rules.ts';
import type { OrderToSettle, SettlementFacts } from './settlement.rules.ts';

/** The parts of an event on which its facts depend. */
type EventOfFacts = Pick<
  PaymentEvent,
  'provider' | 'paymentId' | 'orderId' | 'reportedStatus' | 'receivedAt'
>;

/** The facts of one event, and what was locked to read them. */
export interface LockedFacts {
  readonly facts: SettlementFacts;
  /** The database's clock when the facts were read. */
  readonly readAt: Date;
  /** Null while the order does not exist. */
  readonly order: Order | null;
  /** The stock row of the order's product, where its lock was needed. */
  readonly stock: LockedStock | undefined;
}

const FACTS = `
  select shop_clock() as now,
    exists (select from payment_events where provider = $1 and payment_id = $2 and counted) as credited`;

/**
 * Locks the order and reads the facts that decide an event. The caller has locked the order's id.
 *
 * For a late payment it locks the stock row as well, and ends due holds and orders of the product if
 * units are missing. It is the one case in which the stock lock is taken before the decision: the
 * decision depends on the available units.
 */
export async function endDueAndReadFacts(
  shop: Shop,
  tx: Transaction,
  event: EventOfFacts,
): Promise<LockedFacts> {
  const { provider, paymentId, orderId } = event;
  const { order, hold } = await lockPurchase(tx, orderId);
  const isLate = order !== null && isLatePayment(event, order);
  const stock = isLate ? await lockStockAndEndDue(shop, tx, order) : undefined;
  const [row] = await tx.rows<{ now: string; credited: boolean }>(FACTS, [provider, paymentId]);
  const readAt = new Date(row!.now);
  const facts: SettlementFacts = {
    order: order && orderToSettle(order),
    hold: hold && amountOwed(hold),
    credited: row!.credited,
    waitOver: isWaitOver(shop, event, { hold, readAt }),
    unitsAvailable: isLate && stock !== undefined && stock.count.available >= order.quantity,
    requireAmount: shop.requireAmount,
  };
  return { facts, readAt, order, stock };
}

/** The locked order, or the hold that may still become it. */
async function lockPurchase(
  tx: Transaction,
  orderId: string | null,
): Promise<{ readonly order: Order | null; readonly hold: Hold | null }> {
  if (orderId === null) return { order: null, hold: null };
  const order = await lockRow(tx, OrderTable, orderId);
  return { order, hold: order === null ? await tx.findOne(HoldTable, { orderId }) : null };
}

/** The facts of an order for its settlement. */
export function orderToSettle(order: Order): OrderToSettle {
  return { status: order.status, cancelledBy: order.cancelledBy, ...amountOwed(order) };
}

/** A success for an order that ended, except one that the admin cancelled. */
function isLatePayment({ reportedStatus }: EventOfFacts, order: Order): boolean {
  return (
    reportedStatus === 'success' && (order.status === 'EXPIRED' || order.cancelledBy === 'BUYER')
  );
}

async function lockStockAndEndDue(
  shop: Shop,
  tx: Transaction,
  { productId, quantity }: Order,
): Promise<LockedStock | undefined> {
  const stock = await lockStock(shop, tx, productId);
  if (stock !== undefined && stock.count.available < quantity) await endDue(shop, tx, stock);
  return stock;
}

/**
 * Whether an order is no longer possible: none was named, its hold ended without one, or the event
 * waited too long.
 */
function isWaitOver(
  { parkedEventTtlMs }: Shop,
  { orderId, receivedAt }: EventOfFacts,
  { hold, readAt }: { readonly hold: Hold | null; readonly readAt: Date },
): boolean {
  if (orderId === null) return true;
  if (hold !== null && holdStatus({ ...hold, readAt }) !== 'ACTIVE') return true;
  return readAt.getTime() - receivedAt.getTime() >= parkedEventTtlMs;
}
