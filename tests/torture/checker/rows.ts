import type { ClientBase } from 'pg';

/** A hold as stored. Instants are milliseconds since 1970. */
export interface HoldRow {
  readonly id: string;
  readonly orderId: string;
  readonly productId: number;
  readonly quantity: number;
  readonly customerId: string | null;
  readonly keyHash: string | null;
  readonly unitPriceMinor: number;
  readonly currency: string;
  readonly status: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly heldVersion: number;
  readonly releasedVersion: number | null;
}

/** An order as stored. */
export interface OrderRow {
  readonly id: string;
  readonly holdId: string;
  readonly productId: number;
  readonly quantity: number;
  readonly unitPriceMinor: number;
  readonly currency: string;
  readonly status: string;
  readonly cancelledBy: string | null;
  readonly paymentId: string | null;
  readonly createdAt: number;
  readonly paymentExpiresAt: number;
  readonly releasedVersion: number | null;
  readonly soldVersion: number | null;
  readonly returnedVersion: number | null;
  readonly restocked: boolean | null;
}

/** A payment event as stored. */
export interface EventRow {
  readonly id: string;
  readonly key: string;
  readonly paymentId: string;
  readonly orderId: string;
  readonly reportedStatus: string;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly status: string;
  readonly credited: boolean;
  readonly duplicates: number;
  readonly receivedAt: number;
}

/** A refund as stored. */
export interface RefundRow {
  readonly id: string;
  readonly eventId: string;
  readonly orderId: string;
  readonly paymentId: string;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly reason: string;
  readonly status: string;
  readonly note: string | null;
  readonly createdAt: number;
}

/** The counters of a product, with its limit. */
export interface LevelRow {
  readonly productId: number;
  readonly total: number;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
  readonly version: number;
  readonly maxPerCustomer: number | null;
}

/** A stock movement as stored. */
export interface MovementRow {
  readonly productId: number;
  readonly version: number;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
  readonly total: number;
  readonly cause: string;
  readonly at: number;
  readonly keyHash: string | null;
}

/** All tables at one moment. */
export interface Rows {
  readonly holds: readonly HoldRow[];
  readonly orders: readonly OrderRow[];
  readonly events: readonly EventRow[];
  readonly refunds: readonly RefundRow[];
  readonly levels: readonly LevelRow[];
  /** In the order of their versions. */
  readonly movements: readonly MovementRow[];
}

const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;

const TABLES: Readonly<Record<keyof Rows, string>> = {
  holds: `select id, order_id as "orderId", product_id as "productId", quantity,
    customer_id as "customerId", idempotency_key_hash as "keyHash",
    unit_price_minor::int as "unitPriceMinor", currency, status, ${ms('created_at')} as "createdAt",
    ${ms('expires_at')} as "expiresAt", held_version as "heldVersion",
    released_version as "releasedVersion" from holds`,
  orders: `select id, hold_id as "holdId", product_id as "productId", quantity,
    unit_price_minor::int as "unitPriceMinor", currency, status, cancelled_by as "cancelledBy",
    payment_id as "paymentId", ${ms('created_at')} as "createdAt",
    ${ms('payment_expires_at')} as "paymentExpiresAt", released_version as "releasedVersion",
    sold_version as "soldVersion", returned_version as "returnedVersion", restocked from orders`,
  events: `select id, idempotency_key as "key", payment_id as "paymentId", order_id as "orderId",
    reported_status as "reportedStatus", amount, currency, status, counted as credited, duplicates,
    ${ms('received_at')} as "receivedAt" from payment_events order by received_at, id`,
  refunds: `select id, event_id as "eventId", order_id as "orderId", payment_id as "paymentId",
    amount, currency, reason, status, note, ${ms('created_at')} as "createdAt" from refunds`,
  levels: `select product_id as "productId", total, available, held, sold, version,
    max_per_customer as "maxPerCustomer" from stock_levels join products on id = product_id`,
  movements: `select product_id as "productId", version, available_delta as available,
    held_delta as held, sold_delta as sold, total_delta as total, cause, ${ms('at')} as at,
    idempotency_key_hash as "keyHash" from stock_movements order by product_id, version`,
};

/** Reads all tables in one snapshot. */
export async function readRows(session: ClientBase): Promise<Rows> {
  await session.query('begin isolation level repeatable read read only');
  const read = async (name: keyof Rows): Promise<[string, unknown[]]> => [
    name,
    (await session.query<object>(TABLES[name])).rows,
  ];
  const tables: [string, unknown[]][] = [];
  for (const name of Object.keys(TABLES) as (keyof Rows)[]) tables.push(await read(name));
  await session.query('commit');
  return Object.fromEntries(tables) as unknown as Rows;
}
