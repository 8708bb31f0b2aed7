/** What a delivery can be. */
export const DELIVERY_STATUSES = ['PENDING', 'DELIVERED', 'FAILED'] as const;

/** The status of a delivery. */
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The wait after each failed attempt, in milliseconds; after the last one the delivery has failed. */
const RETRY_PLAN_MS = [
  5 * SECOND,
  MINUTE,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
] as const;

/** Part of a wait by which it varies, so that deliveries that failed together spread out. */
const JITTER = 0.1;

/** Longest wait that an endpoint may ask for, in milliseconds. */
const RETRY_AFTER_MS_MAX = HOUR;

/** What an endpoint answered. */
export interface AttemptOutcome {
  /** The HTTP status; null where there was no answer. */
  readonly status: number | null;
  /** The wait that the endpoint asked for, in milliseconds; null where it asked for none. */
  readonly retryAfterMs: number | null;
}

/** Whether an attempt delivered the event. */
export function isDelivered({ status }: AttemptOutcome): boolean {
  return status !== null && status >= 200 && status < 300;
}

/** Whether the endpoint was removed, by its own answer. */
export function isGone({ status }: AttemptOutcome): boolean {
  return status === 410;
}

/**
 * The wait until the next attempt, in milliseconds; null where the plan is used up.
 *
 * @param failures failed attempts of this delivery, 1 or more
 * @param random a number from 0 to 1
 */
export function retryDelayMs(
  failures: number,
  { status, retryAfterMs }: AttemptOutcome,
  random: number,
): number | null {
  const planned = RETRY_PLAN_MS[failures - 1];
  if (planned === undefined) return null;
  const wait = planned * (1 + JITTER * (2 * random - 1));
  const isAsked = (status === 429 || status === 503) && retryAfterMs !== null;
  return Math.round(isAsked ? Math.max(wait, Math.min(retryAfterMs, RETRY_AFTER_MS_MAX)) : wait);
}
