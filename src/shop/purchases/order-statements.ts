import type { OrderStatus } from './status.rules.ts';
import { unitMove, type Bucket } from '../stock/unit-move.ts';

/*
 * Statements that change an order for a later module, the admin's cancellation and the payment. They
 * are here because only this module writes the table `orders`.
 */

/** Cancels the order `$3` with the reason `$4` and moves its units; `stamp` sets further columns. */
const adminCancel = (from: 'held' | 'sold', to: Bucket, stamp: string): string =>
  unitMove({
    changed: `
      update orders set status = 'CANCELLED', cancelled_by = 'OPERATOR', ${stamp}, updated_at = shop_clock()
      where id = $3 and status = '${from === 'held' ? 'PENDING' : 'PAID'}'
      returning quantity`,
    // Units withdrawn from the sale leave both the bucket and the total.
    buckets: { [from]: -1, [to]: to === 'total' ? -1 : 1 },
    cause: 'CANCELLATION',
    note: { reason: '$4' },
  });

/** The admin's cancellation of a pending order, and of a paid one with or without its units. */
export const ADMIN_CANCEL = {
  PENDING: adminCancel('held', 'available', 'released_version = $2'),
  RESTOCKED: adminCancel('sold', 'available', 'returned_version = $2, restocked = true'),
  WITHDRAWN: adminCancel('sold', 'total', 'returned_version = $2, restocked = false'),
} as const;

/** Makes the buyer's cancellation of the order `$1` the admin's: a late payment cannot reopen it. */
export const CANCEL_FOR_GOOD = `
  update orders set cancelled_by = 'OPERATOR', updated_at = shop_clock()
  where id = $1 and cancelled_by = 'BUYER'`;

/** Marks the order `$3` as paid by the payment `$5` of provider `$4`, and sells its units. */
const payOrder = (from: Bucket, payable: readonly OrderStatus[]): string =>
  unitMove({
    changed: `
      update orders set status = 'PAID', cancelled_by = null, sold_version = $2,
        payment_provider = $4, payment_id = $5, paid_at = shop_clock(), updated_at = shop_clock()
      where id = $3 and status in ('${payable.join("', '")}')
      returning quantity`,
    buckets: { [from]: -1, sold: 1 },
    cause: 'SALE',
  });

/** Pays one order: a pending one with its held units, or an ended one with available units. */
export const PAY_ORDER = {
  PAY: payOrder('held', ['PENDING']),
  RETAKE: payOrder('available', ['EXPIRED', 'CANCELLED']),
} as const;

/**
 * Pays many pending orders: the part of a `unitMove` that changes them. `paid` is the parameter with
 * a JSON array of `{order_id, provider, payment_id}`, `now` the one with the time.
 */
export const payOrders = ({
  now,
  paid,
}: {
  readonly now: string;
  readonly paid: string;
}): string => `
  update orders o set status = 'PAID', cancelled_by = null, sold_version = $2,
    payment_provider = paid.provider, payment_id = paid.payment_id, paid_at = ${now}, updated_at = ${now}
  from json_to_recordset(${paid}::json) as paid(order_id uuid, provider text, payment_id text)
  where o.id = paid.order_id and o.status = 'PENDING'
  returning o.quantity`;
