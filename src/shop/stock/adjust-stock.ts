import { hash } from 'node:crypto';
import { breaksUnique } from '../../postgres/faults.ts';
import type { Transaction } from '../../postgres/transaction.ts';
import {
  badUserInput,
  idempotencyKeyReused,
  type BadUserInput,
  type IdempotencyKeyReused,
  type ProductNotFound,
  type StockBelowCommitted,
  type StockVersionConflict,
} from '../refusal.ts';
import type { LockedStock } from './locked-stock.ts';
import type { StockCount } from './stock.rules.ts';
import { unitMove } from './unit-move.ts';

/** A change of the number of units for sale. */
export interface StockAdjustment {
  readonly productId: number;
  /** Units added to the total or, negative, taken from it. */
  readonly delta: number;
  readonly reason: string;
  /** The version that the stock must have; null for any. */
  readonly expectedVersion: number | null;
  readonly idempotencyKey: string | null;
}

/** The counters after an adjustment, or the reason why it was refused. */
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
 * Refuses an adjustment whose idempotency key a concurrent adjustment of another product has used.
 * Adjustments of one product cannot meet so: each reads the earlier keys under the product's lock.
 */
export async function refuseReusedKey<Answer>(
  adjusting: () => Promise<Answer>,
): Promise<Answer | IdempotencyKeyReused> {
  try {
    return await adjusting();
  } catch (error) {
    if (breaksUnique(error, 'stock_movements_idempotency_key')) return idempotencyKeyReused;
    throw error;
  }
}

/**
 * Changes the number of units for sale, under the product's lock; never below what is held and sold.
 * With an idempotency key it takes effect once; repeated, it returns the current counters.
 */
export async function adjustStock(
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
      message: `A total of ${total + delta} requested, ${committed} are held and sold.`,
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
  const sha256 = (text: string) => hash('sha256', text, 'hex');
  return {
    key: sha256(idempotencyKey),
    arguments: sha256(JSON.stringify([productId, delta, reason, expectedVersion])),
  };
}
