import { createHash } from 'node:crypto';
import { breaksUnique } from '../../postgres/faults.ts';
import { transact, type Transaction } from '../../postgres/transaction.ts';
import {
  badUserInput,
  idempotencyKeyReused,
  productNotFound,
  type BadUserInput,
  type IdempotencyKeyReused,
  type ProductNotFound,
  type StockBelowCommitted,
  type StockVersionConflict,
} from '../refusal.ts';
import { withLockedStock, type LockedStock } from './locked-stock.ts';
import type { StockCount } from './stock.rules.ts';
import { unitMove } from './unit-move.ts';
import type { Shop } from '../shop.ts';

/** What the operator changes. */
export interface StockAdjustment {
  readonly productId: number;
  /** Units added to the total or, negative, taken from it. */
  readonly delta: number;
  readonly reason: string;
  /** The version the operator looked at; null where it does not matter. */
  readonly expectedVersion: number | null;
  readonly idempotencyKey: string | null;
}

/** What becomes of an adjustment. */
export type AdjustmentAnswer =
  | StockCount
  | ProductNotFound
  | IdempotencyKeyReused
  | StockVersionConflict
  | StockBelowCommitted
  | BadUserInput;

/** Postgres's and GraphQL's largest integer. */
const INTEGER_MAX = 2_147_483_647;

const ADJUST = unitMove({
  changed: 'select $3::int as quantity, $2::int as version',
  buckets: { available: 1, total: 1 },
  cause: 'ADJUSTMENT',
  note: { reason: '$4', keyHash: '$5', argumentsHash: '$6' },
});

const EARLIER = `select arguments_hash as "argumentsHash" from stock_movements where idempotency_key_hash = $1`;

/**
 * Changes how many units are offered, never below what is held and sold. With an idempotency key it
 * takes effect once; repeated, it gives the stock as it is by then.
 *
 * @throws BusyFault when the product's lock was not available in time
 */
export async function adjustStock(
  shop: Shop,
  adjustment: StockAdjustment,
): Promise<AdjustmentAnswer> {
  const answer = await pastKeyTaken(() =>
    transact(shop.database, (tx) =>
      withLockedStock(shop, tx, adjustment.productId, (stock) =>
        adjustLocked(tx, stock, adjustment),
      ),
    ),
  );
  return answer ?? productNotFound;
}

/** Answers an adjustment whose key is used for another product at this very moment. */
export async function pastKeyTaken<Answer>(
  adjusting: () => Promise<Answer>,
): Promise<Answer | IdempotencyKeyReused> {
  try {
    return await adjusting();
  } catch (error) {
    // The product is part of what must be the same.
    if (breaksUnique(error, 'stock_movements_idempotency_key')) return idempotencyKeyReused;
    throw error;
  }
}

/** The same under the product's lock, which the caller has. */
export async function adjustLocked(
  tx: Transaction,
  stock: LockedStock,
  adjustment: StockAdjustment,
): Promise<AdjustmentAnswer> {
  const { delta, reason, expectedVersion } = adjustment;
  const hashes = hashesOf(adjustment);
  const { total, available, held, sold, version } = stock.count;
  if (hashes.key !== null) {
    const [earlier] = await tx.rows<{ argumentsHash: string }>(EARLIER, [hashes.key]);
    if (earlier !== undefined) {
      return earlier.argumentsHash === hashes.arguments ? stock.count : idempotencyKeyReused;
    }
  }
  if (expectedVersion !== null && expectedVersion !== version) {
    return {
      code: 'STOCK_VERSION_CONFLICT',
      message: `Version ${expectedVersion} expected, ${version} found.`,
      retryable: false,
      currentVersion: version,
    };
  }
  if (available + delta < 0) {
    const committed = held + sold;
    return {
      code: 'STOCK_BELOW_COMMITTED',
      message: `A total of ${total + delta} wanted, ${committed} are held and sold.`,
      retryable: held > 0,
      committed,
    };
  }
  if (total + delta > INTEGER_MAX)
    return badUserInput('delta is too large; the total would overflow.');
  await stock.move(ADJUST, [delta, reason, hashes.key, hashes.arguments]);
  return stock.count;
}

interface Hashes {
  readonly key: string | null;
  readonly arguments: string | null;
}

function hashesOf({ idempotencyKey, ...rest }: StockAdjustment): Hashes {
  if (idempotencyKey === null) return { key: null, arguments: null };
  const { productId, delta, reason, expectedVersion } = rest;
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  return {
    key: sha256(idempotencyKey),
    arguments: sha256(JSON.stringify([productId, delta, reason, expectedVersion])),
  };
}
