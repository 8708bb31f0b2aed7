import type { Transaction } from '../../../postgres/transaction.ts';
import type { Hold } from '../hold.entity.ts';
import type { Order } from '../order.entity.ts';

/*
 * Rows of holds and orders, read by statements of constant text. The ORM writes ids into the text of
 * its statements, so that each is parsed again; these are prepared once in each session.
 */

/** The columns of `holds`, under the names of `Hold`. */
export const HOLD_COLUMNS = `id, order_id as "orderId", product_id as "productId", quantity,
  customer_id as "customerId", metadata, idempotency_key_hash as "idempotencyKeyHash",
  unit_price_minor as "unitPriceMinor", currency, status, created_at as "createdAt",
  expires_at as "expiresAt", held_version as "heldVersion", released_version as "releasedVersion"`;

/** The columns of `orders`, under the names of `Order`. */
export const ORDER_COLUMNS = `id, hold_id as "holdId", product_id as "productId", quantity,
  customer_id as "customerId", metadata, unit_price_minor as "unitPriceMinor", currency, status,
  cancelled_by as "cancelledBy", payment_provider as "paymentProvider", payment_id as "paymentId",
  created_at as "createdAt", payment_expires_at as "paymentExpiresAt", paid_at as "paidAt",
  updated_at as "updatedAt", released_version as "releasedVersion", sold_version as "soldVersion",
  returned_version as "returnedVersion", restocked`;

/** A hold as Postgres returns it: instants and 64-bit integers are text. */
export type HoldRow = Omit<Hold, 'unitPriceMinor' | 'createdAt' | 'expiresAt' | 'readAt'> & {
  readonly unitPriceMinor: string;
  readonly createdAt: string;
  readonly expiresAt: string;
};

/** An order as Postgres returns it. */
export type OrderRow = Omit<
  Order,
  'unitPriceMinor' | 'createdAt' | 'paymentExpiresAt' | 'paidAt' | 'updatedAt' | 'readAt'
> & {
  readonly unitPriceMinor: string;
  readonly createdAt: string;
  readonly paymentExpiresAt: string;
  readonly paidAt: string | null;
  readonly updatedAt: string;
};

/** The hold of a row, read at this instant of the database's clock. */
export function holdOf(row: HoldRow, readAt: Date): Hold {
  return {
    ...row,
    unitPriceMinor: BigInt(row.unitPriceMinor),
    createdAt: new Date(row.createdAt),
    expiresAt: new Date(row.expiresAt),
    readAt,
  };
}

/** The order of a row, read at this instant of the database's clock. */
export function orderOf(row: OrderRow, readAt: Date): Order {
  return {
    ...row,
    unitPriceMinor: BigInt(row.unitPriceMinor),
    createdAt: new Date(row.createdAt),
    paymentExpiresAt: new Date(row.paymentExpiresAt),
    paidAt: row.paidAt === null ? null : new Date(row.paidAt),
    updatedAt: new Date(row.updatedAt),
    readAt,
  };
}

/**
 * By hand and not with the ORM's LockMode, so that it is prepared and shares the round trip of the
 * statement before it. In the order of the ids, so that two batches that lock the same rows cannot
 * deadlock.
 */
const LOCK_HOLDS = `select ${HOLD_COLUMNS} from holds where id = any($1::uuid[]) order by id for update`;

/** Locks these holds until the transaction ends; unknown ids are left out. Sent at once. */
export function lockHolds(tx: Transaction, ids: readonly string[]): Promise<readonly HoldRow[]> {
  return tx.rows<HoldRow>(LOCK_HOLDS, [ids]);
}

const LOCK_ORDERS = `select ${ORDER_COLUMNS} from orders where id = any($1::uuid[]) order by id for update`;

/** Locks these orders until the transaction ends; unknown ids are left out. Sent at once. */
export function lockOrders(tx: Transaction, ids: readonly string[]): Promise<readonly OrderRow[]> {
  return tx.rows<OrderRow>(LOCK_ORDERS, [ids]);
}
