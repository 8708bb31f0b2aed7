import type { HoldRow, OrderRow, Rows } from './rows.ts';
import { groupBy, type Violation } from './violation.ts';

/** When a purchase has its units: from a version until another one, by the product's versions. */
interface Possession {
  readonly hold: HoldRow;
  readonly order: OrderRow | undefined;
}

/**
 * At the creation of each hold its customer has no more units of the product than the limit allows, in
 * active holds, pending and paid orders. A late payment may exceed the limit, so only creations count.
 */
export function checkLimits(rows: Rows): Violation[] {
  const orders = new Map(rows.orders.map((order) => [order.holdId, order]));
  return rows.levels
    .filter(({ maxPerCustomer }) => maxPerCustomer !== null)
    .flatMap(({ productId, maxPerCustomer }) => {
      const holds = rows.holds.filter((hold) => hold.productId === productId);
      return [...groupBy(holds, ({ customerId }) => customerId)].flatMap(([customerId, own]) => {
        const possessions = own.map((hold) => ({ hold, order: orders.get(hold.id) }));
        return own
          .filter((hold) => unitsAt(possessions, hold) > maxPerCustomer!)
          .map(({ id }): Violation => {
            const message = `Hold ${id} exceeds the limit of customer ${customerId}.`;
            return { rule: 'limits', message, calls: [] };
          });
      });
    });
}

/** The customer's units right after the creation of a hold; holds of one version were created together. */
function unitsAt(possessions: readonly Possession[], { heldVersion, createdAt }: HoldRow): number {
  return possessions
    .filter(({ hold, order }) => {
      if (hold.heldVersion > heldVersion) return false;
      if (order === undefined) return isHeld(hold, heldVersion, createdAt);
      const { releasedVersion, soldVersion, returnedVersion } = order;
      if (returnedVersion !== null && returnedVersion <= heldVersion) return false;
      if (soldVersion !== null && soldVersion <= heldVersion) return true;
      return releasedVersion === null || releasedVersion > heldVersion;
    })
    .reduce((sum, { hold }) => sum + hold.quantity, 0);
}

/** A hold past its deadline counts no more, swept or not. */
function isHeld({ releasedVersion, expiresAt }: HoldRow, version: number, now: number): boolean {
  return (releasedVersion === null || releasedVersion > version) && expiresAt > now;
}
