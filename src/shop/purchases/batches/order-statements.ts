import { orderEvents } from '../../events/record-events.ts';
import { statusIsOneOf, type OrderStatus } from '../status.rules.ts';
import { unitMove, type Bucket } from '../../stock/unit-move.ts';

/*
 * Statements that change an order for a later module, the admin's cancellation and the payment. They
 * are here because only this module writes the table `orders`.
 */

/** Cancels the order `$3` with the reason `$4` and moves its units; `stamp` sets further columns. */
const adminCancel = (from: 'held' | 'sold', to: Bucket, stamp: string): string =>
  unitMove({
    before: `
      cancelled as (
        update orders set status = 'CANCELLED', cancelled_by = 'OPERATOR', ${stamp}, updated_at = shop_clock()
        where id = $3 and ${statusIsOneOf([from === 'held' ? 'PENDING' : 'PAID'])}
        returning *),`,
    changed: 'select quantity from cancelled',
    // Units withdrawn from the sale leave both the bucket and the total.
    buckets: { [from]: -1, [to]: to === 'total' ? -1 : 1 },
    cause: 'CANCELLATION',
    events: orderEvents('ORDER_CANCELLED', 'cancelled'),
    note: { reason: '$4' },
  });

/** The admin's cancellation of a pending order, and of a paid one with or without its units. */
export const ADMIN_CANCEL = {
  PENDING: adminCancel('held', 'available', 'released_version = $2'),
  RESTOCKED: adminCancel('sold', 'available', 'returned_version = $2, restocked = true'),
  WITHDRAWN: adminCancel('sold', 'total', 'returned_version = $2, restocked = false'),
} as const;

/** Makes the buyer's cancellation of the order `$1` the admin's: a late payment cannot reopen it. */
export const CANCEL_PERMANENTLY = `
  update orders set cancelled_by = 'OPERATOR', updated_at = shop_clock()
  where id = $1 and cancelled_by = 'BUYER'`;

/** Pending orders are paid with their held units, ended orders with available units. */
const PAYABLE = {
  held: ['PENDING'],
  available: ['EXPIRED', 'CANCELLED'],
} as const satisfies Partial<Record<Bucket, readonly OrderStatus[]>>;

/**
 * Pays orders and returns them whole: the statement of an expression before a `unitMove`. An order is
 * paid once. The array makes the planner look the orders up by their key, for a table of any size.
 *
 * @param from the bucket of the units, which decides the statuses that can be paid
 * @param payments a query of `order_id`, `provider` and `payment_id`, at most one row an order
 */
export const payOrders = (from: keyof typeof PAYABLE, payments: string): string => `
  update orders o set status = 'PAID', cancelled_by = null, sold_version = $2,
    payment_provider = payment.provider, payment_id = payment.payment_id,
    paid_at = (select shop_clock()), updated_at = (select shop_clock())
  from (${payments}) as payment
  where o.id = any(array(select order_id from (${payments}) as paying)) and o.id = payment.order_id
    and ${statusIsOneOf(PAYABLE[from], 'o.status')}
  returning o.*`;
