import type pg from 'pg';

/*
 * Ended or due holds, inserted directly into the tables in the shop's format: rows, movements and
 * counters agree, so that the audit of the product succeeds.
 */

const HOLDS = `insert into holds (id, order_id, product_id, quantity, customer_id, idempotency_key_hash,
    unit_price_minor, currency, status, created_at, expires_at, held_version, released_version)`;

/** Values that differ from row to row like those of buyers, so that indexes grow realistically. */
const OF_BUYER = `uuidv7(), uuidv7(), $1, 1, 'past buyer ' || n,
    encode(sha256(convert_to('past key ' || $1 || ' ' || n, 'UTF8')), 'hex'), 2999, 'USD'`;

const MOVEMENTS = `insert into stock_movements (product_id, version, available_delta, held_delta,
    sold_delta, total_delta, cause, at)`;

const ENDED = `
  with level as (
    update stock_levels set version = version + 2 where product_id = $1 returning version),
  moved as (
    ${MOVEMENTS}
    select $1, version - 1, -$2::int, $2::int, 0, 0, 'HOLD', shop_clock() from level
    union all
    select $1, version, $2::int, -$2::int, 0, 0, 'EXPIRY', shop_clock() from level)
  ${HOLDS}
  select ${OF_BUYER}, 'EXPIRED', c.now - interval '1 hour', c.now - interval '58 minutes',
    version - 1, version
  from level, (select shop_clock() as now) c, generate_series(1, $2::int) n`;

/** Inserts expired holds of a product and updates the planner's statistics. */
export async function endHolds(
  session: pg.Client,
  productId: string,
  count: number,
): Promise<void> {
  await session.query(ENDED, [productId, count]);
  // Autovacuum would do this within a minute, in the middle of a round.
  await session.query('vacuum analyze holds');
}

const IN_A_WHILE = `select (shop_clock() + $1::int * interval '1 millisecond')::text as "dueAt"`;

const DUE = `
  with level as (
    update stock_levels set version = version + 1, available = available - $2::int,
      held = held + $2::int
    where product_id = $1 returning version),
  moved as (
    ${MOVEMENTS}
    select $1, version, -$2::int, $2::int, 0, 0, 'HOLD', shop_clock() from level)
  ${HOLDS}
  select ${OF_BUYER}, 'ACTIVE', shop_clock(), $3::timestamptz, version, null
  from level, generate_series(1, $2::int) n`;

/** Inserts active holds of a product that are all due at one instant; returns that instant. */
export async function holdUntil(
  session: pg.Client,
  productId: string,
  { count, dueInMs }: { readonly count: number; readonly dueInMs: number },
): Promise<string> {
  const { rows } = await session.query<{ dueAt: string }>(IN_A_WHILE, [dueInMs]);
  await session.query(DUE, [productId, count, rows[0]!.dueAt]);
  return rows[0]!.dueAt;
}

const STATE = `
  select (extract(epoch from shop_clock() - $2::timestamptz) * 1000)::float8 as "sinceMs",
    exists(select from holds
      where status = 'ACTIVE' and product_id = $1 and expires_at <= shop_clock()) as "isAnyLeft"`;

/** The time since an instant by the database's clock, and whether a due hold is still active. */
export async function stateSince(
  session: pg.Client,
  productId: string,
  dueAt: string,
): Promise<{ readonly sinceMs: number; readonly isAnyLeft: boolean }> {
  const { rows } = await session.query(STATE, [productId, dueAt]);
  return rows[0];
}
