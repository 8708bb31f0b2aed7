import { HoldTable, type Hold } from './hold.entity.ts';
import { holdNotActive } from './hold.rules.ts';
import { readClock } from '../../postgres/clock.ts';
import { invariant } from '../../lib/faults.ts';
import { lockRow } from '../../postgres/locked-row.ts';
import type { Transaction } from '../../postgres/transaction.ts';
import { orderEvents } from '../events/record-events.ts';
import { lockStock, type LockedStock } from '../stock/locked-stock.ts';
import { unitMove } from '../stock/unit-move.ts';
import { holdNotFound, type HoldNotActive, type HoldNotFound } from '../refusal.ts';
import { OrderTable, type Order } from './order.entity.ts';
import type { Shop } from '../shop.ts';
import { statusIsOneOf } from './status.rules.ts';

/** The hold becomes an order: its units stay held, so the stock row is not touched. */
const CONVERT = `
  with converted as (
    update holds set status = 'CONVERTED' where id = $1 and ${statusIsOneOf(['ACTIVE'])} returning *)
  insert into orders (id, hold_id, product_id, quantity, customer_id, metadata, unit_price_minor, currency,
    status, created_at, payment_expires_at, updated_at)
  select order_id, id, product_id, quantity, customer_id, metadata, unit_price_minor, currency,
    'PENDING', $2, $3, $2
  from converted
  returning id`;

/** The same for a hold that costs nothing: no payment is awaited, so its units are sold at once. */
const CONVERT_AND_SELL = unitMove({
  before: `
    converted as (
      update holds set status = 'CONVERTED' where id = $3 and ${statusIsOneOf(['ACTIVE'])} returning *),
    paid as (
    insert into orders (id, hold_id, product_id, quantity, customer_id, metadata, unit_price_minor, currency,
      status, created_at, payment_expires_at, paid_at, updated_at, sold_version)
    select order_id, id, product_id, quantity, customer_id, metadata, unit_price_minor, currency,
      'PAID', $4::timestamptz, $5::timestamptz, $4::timestamptz, $4::timestamptz, $2
    from converted
    returning *),`,
  changed: 'select id, quantity from paid',
  buckets: { held: -1, sold: 1 },
  cause: 'SALE',
  events: orderEvents('ORDER_PAID', 'paid'),
});

/** The hold to convert, and the id of its order. */
export interface HoldToConvert {
  readonly orderId: string;
  readonly holdId: string;
  /** Whether the caller then moves units: the stock row is locked before the deadline is checked. */
  readonly movesUnits: boolean;
}

/**
 * Turns an active hold into a pending order, inside the caller's transaction and under the lock on the
 * order's id. Repeating it returns the same order, also after the hold's deadline. It is refused at or
 * after the deadline, even if the deadline passed during the wait for a lock. A hold that costs nothing
 * becomes a paid order.
 */
export async function convertHold(
  shop: Shop,
  tx: Transaction,
  { orderId, holdId, movesUnits }: HoldToConvert,
): Promise<Order | HoldNotFound | HoldNotActive> {
  const made = await lockRow(tx, OrderTable, orderId);
  if (made !== null) return made;
  const hold: Hold | null = await lockRow(tx, HoldTable, holdId);
  if (hold === null) return holdNotFound;
  const isFree = hold.unitPriceMinor === 0n;
  const stock = movesUnits || isFree ? await lockStock(shop, tx, hold.productId) : undefined;
  const now = stock === undefined ? hold.readAt : await readClock(tx);
  const ended = holdNotActive({ ...hold, readAt: now });
  if (ended !== undefined) return ended;

  const paymentExpiresAt = new Date(now.getTime() + shop.orderPaymentTtlMs);
  await convert(tx, isFree ? stock : undefined, [hold.id, now, paymentExpiresAt]);
  tx.afterCommit(() => {
    const { productId, quantity } = hold;
    shop.log.info({ orderId, holdId, productId, quantity }, 'Order created successfully');
    shop.announcePurchases([orderId]);
  });
  return (await lockRow(tx, OrderTable, orderId))!;
}

/** @param stock if the order costs nothing: its units are sold in the same statement */
async function convert(
  tx: Transaction,
  stock: LockedStock | undefined,
  params: readonly unknown[],
): Promise<void> {
  const created = stock
    ? await stock.move(CONVERT_AND_SELL, params)
    : await tx.rows(CONVERT, params);
  invariant(created.length === 1, 'a locked live hold becomes one order');
}
