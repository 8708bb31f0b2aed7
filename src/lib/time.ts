/** The longest countdown that fits a GraphQL Int: a little over 24 days. */
const COUNTDOWN_MS_MAX = 2_147_483_647;

/** Milliseconds from one instant of the database's clock to another, 0 once over. */
export function remainingMs(now: Date, until: Date): number {
  return Math.min(Math.max(until.getTime() - now.getTime(), 0), COUNTDOWN_MS_MAX);
}
