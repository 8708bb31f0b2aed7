/** What a hold can be: active, then one of three ends, each final. */
export const HOLD_STATUSES = ['ACTIVE', 'CONVERTED', 'EXPIRED', 'RELEASED'] as const;

/** The status of a hold. */
export type HoldStatus = (typeof HOLD_STATUSES)[number];

/** The status of a hold that has ended. */
export type EndedHoldStatus = Exclude<HoldStatus, 'ACTIVE'>;

/** What an order can be: pending, then paid, cancelled or expired. */
export const ORDER_STATUSES = ['PENDING', 'PAID', 'CANCELLED', 'EXPIRED'] as const;

/** The status of an order. */
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** Who cancelled an order. A late payment reopens only an order that the buyer cancelled. */
export const CANCELLED_BY = ['BUYER', 'OPERATOR'] as const;

/**
 * Whether a deadline has passed: the instant itself is past it. An ACTIVE hold or a PENDING order is
 * due from its deadline on, also before a sweep ends it.
 */
export function isPast(deadline: Date, now: Date): boolean {
  return now >= deadline;
}

/** The longest countdown that fits a GraphQL Int: a little over 24 days. */
const COUNTDOWN_MS_MAX = 2_147_483_647;

/** Milliseconds from one instant of the database's clock to another, 0 once over. */
export function remainingMs(now: Date, until: Date): number {
  return Math.min(Math.max(until.getTime() - now.getTime(), 0), COUNTDOWN_MS_MAX);
}

/**
 * SQL: whether the row `hold` of `holds` is due.
 *
 * @param now SQL for the database's clock; a sub-select is read once and lets the index be used
 * @param hold alias of the row, with its columns status and expires_at
 */
export const holdIsDue = (now: string, hold = 'holds'): string =>
  `(${hold}.status = 'ACTIVE' and ${hold}.expires_at <= ${now})`;

/** SQL: whether the row `order` of `orders` is due, likewise; it needs status and payment_expires_at. */
export const orderIsDue = (now: string, order = 'orders'): string =>
  `(${order}.status = 'PENDING' and ${order}.payment_expires_at <= ${now})`;

/**
 * SQL: whether the row's status is one of these, for rows that are found by their key. No partial index
 * matches the condition: a plan that was made for an empty table would read such an index whole.
 */
export const statusIsOneOf = (statuses: readonly string[], column = 'status'): string =>
  `${column} || '' in ('${statuses.join("', '")}')`;

/**
 * SQL: the earliest deadline of all active holds and pending orders, null where there are none. It is
 * the first entry of two indexes, for any number of rows.
 */
export const EARLIEST_DEADLINE = `least(
  (select min(expires_at) from holds where status = 'ACTIVE'),
  (select min(payment_expires_at) from orders where status = 'PENDING'))`;
