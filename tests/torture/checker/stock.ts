import type { Call, History } from './history.ts';
import type { LevelRow, MovementRow, Rows } from './rows.ts';
import { groupBy, type Violation } from './violation.ts';

/** Units by counter. */
interface Units {
  readonly available: number;
  readonly held: number;
  readonly sold: number;
}

/** Difference between an instant of the database and one of this process, in milliseconds. */
const SLACK_MS = 20;

/**
 * Replays every product's movements: versions without a gap, counters that are never negative and add up
 * to the total, movements that equal the rows of their version, final counters that equal the replay. A
 * refusal for missing units must have met a version with too few.
 */
export function checkStock(history: History, rows: Rows): Violation[] {
  const movements = groupBy(rows.movements, ({ productId }) => productId);
  const moves = unitsByVersion(rows);
  return rows.levels.flatMap((level) => {
    const ofProduct = movements.get(level.productId) ?? [];
    const versions = replay(ofProduct);
    return [
      ...faultsOfReplay(level, ofProduct, versions),
      ...faultsOfRows(level, ofProduct, moves),
      ...wrongRefusals(history, level, { movements: ofProduct, versions }),
      ...wrongRefunds(rows, level, { movements: ofProduct, versions }),
    ];
  });
}

/** The counters after each movement. */
function replay(movements: readonly MovementRow[]): (Units & { readonly total: number })[] {
  let count = { available: 0, held: 0, sold: 0, total: 0 };
  return movements.map(({ available, held, sold, total }) => {
    count = {
      available: count.available + available,
      held: count.held + held,
      sold: count.sold + sold,
      total: count.total + total,
    };
    return count;
  });
}

function faultsOfReplay(
  level: LevelRow,
  movements: readonly MovementRow[],
  versions: readonly (Units & { readonly total: number })[],
): Violation[] {
  const { productId } = level;
  const found: string[] = [];
  for (const [index, count] of versions.entries()) {
    const { version } = movements[index]!;
    if (version !== index + 1) {
      found.push(`version ${index + 1} is missing; the next movement has version ${version}`);
      break;
    }
    const { available, held, sold, total } = count;
    if (available + held + sold !== total || Math.min(available, held, sold) < 0)
      found.push(`version ${version} has ${JSON.stringify(count)}`);
  }
  const { available, held, sold, total, version } = level;
  const last = JSON.stringify({ ...versions.at(-1), version: versions.length });
  const stored = JSON.stringify({ available, held, sold, total, version });
  if (last !== stored) found.push(`the movements give ${last}, the counters are ${stored}`);
  return found.map((what) => violation(`Product ${productId}: ${what}.`));
}

const violation = (message: string, calls: readonly Call[] = []): Violation => ({
  rule: 'stock',
  message,
  calls,
});

/** The units that holds and orders moved, by product and version. */
function unitsByVersion({ holds, orders }: Rows): Map<string, Units> {
  const moved = new Map<string, Units>();
  const move = (productId: number, version: number | null, units: Units): void => {
    if (version === null) return;
    const key = `${productId} ${version}`;
    const { available, held, sold } = moved.get(key) ?? { available: 0, held: 0, sold: 0 };
    moved.set(key, {
      available: available + units.available,
      held: held + units.held,
      sold: sold + units.sold,
    });
  };
  for (const { productId, quantity: n, heldVersion, releasedVersion } of holds) {
    move(productId, heldVersion, { available: -n, held: n, sold: 0 });
    move(productId, releasedVersion, { available: n, held: -n, sold: 0 });
  }
  for (const order of orders) {
    const { productId, quantity: n, releasedVersion, restocked } = order;
    const isLate = releasedVersion !== null;
    move(productId, releasedVersion, { available: n, held: -n, sold: 0 });
    move(productId, order.soldVersion, {
      available: isLate ? -n : 0,
      held: isLate ? 0 : -n,
      sold: n,
    });
    move(productId, order.returnedVersion, { available: restocked ? n : 0, held: 0, sold: -n });
  }
  return moved;
}

/** A movement of an admin has no rows; every other one equals the rows of its version. */
function faultsOfRows(
  { productId }: LevelRow,
  movements: readonly MovementRow[],
  moves: ReadonlyMap<string, Units>,
): Violation[] {
  return movements
    .filter(({ cause }) => cause !== 'ADJUSTMENT')
    .flatMap(({ version, available, held, sold, cause }) => {
      const stored = JSON.stringify({ available, held, sold });
      const ofRows = JSON.stringify(moves.get(`${productId} ${version}`) ?? {});
      if (stored === ofRows) return [];
      const what = `the movement is ${stored}, the rows move ${ofRows}`;
      return [violation(`Product ${productId}, version ${version} (${cause}): ${what}.`)];
    });
}

/** The movements of a product, and the counters after each. */
interface Versions {
  readonly movements: readonly MovementRow[];
  readonly versions: readonly Units[];
}

/** The counters that were current at some moment of a period. Movements are in the order of time. */
function currentIn({ movements, versions }: Versions, from: number, to: number): readonly Units[] {
  let first = firstAfter(movements, from) - 1;
  // Movements of one millisecond: the period may have met each of them.
  while (first > 0 && movements[first]!.at >= from) first -= 1;
  return versions.slice(Math.max(first, 0), firstAfter(movements, to));
}

/** The position of the first movement after an instant, by halving. */
function firstAfter(movements: readonly MovementRow[], instant: number): number {
  let [low, high] = [0, movements.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (movements[middle]!.at > instant) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Refusals for missing units while every version of that time had enough. */
function wrongRefusals(history: History, { productId }: LevelRow, versions: Versions): Violation[] {
  return history
    .filter((call) => unitsMissing(call, productId) !== undefined)
    .filter((call) => {
      const units = unitsMissing(call, productId)!;
      const from = call.calledAt - SLACK_MS;
      return currentIn(versions, from, call.returnedAt + SLACK_MS).every(
        ({ available }) => available >= units,
      );
    })
    .map((call) => violation(`Product ${productId}: enough units were available.`, [call]));
}

/** The units whose lack is the reason of a refusal; undefined for any other call. */
function unitsMissing({ request, answer }: Call, productId: number): number | undefined {
  if (answer.kind !== 'refused') return undefined;
  if (request.kind === 'createHold' && answer.code === 'INSUFFICIENT_STOCK')
    return request.productId === productId ? request.quantity : undefined;
  if (request.kind === 'adjustStock' && answer.code === 'STOCK_BELOW_COMMITTED')
    return request.productId === productId ? -request.delta : undefined;
  return undefined;
}

/** Late payments that were refunded while the units were available: the refund is written under the lock. */
function wrongRefunds(
  { orders, refunds }: Rows,
  { productId }: LevelRow,
  versions: Versions,
): Violation[] {
  const ofProduct = new Map(
    orders.filter((order) => order.productId === productId).map((order) => [order.id, order]),
  );
  return refunds
    .filter(({ orderId, reason }) => reason === 'PAID_TOO_LATE' && ofProduct.has(orderId))
    .filter(({ orderId, createdAt }) => {
      const { quantity } = ofProduct.get(orderId)!;
      const current = currentIn(versions, createdAt, createdAt);
      return current.every(({ available }) => available >= quantity);
    })
    .map(({ orderId }) =>
      violation(`Order ${orderId}: its payment was refunded, but its units were available.`),
    );
}
