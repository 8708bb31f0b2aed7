import { LockMode } from '@mikro-orm/core';
import type { Database } from '../platform/database.ts';
import { invariant } from '../platform/invariant.ts';
import type { Transaction } from '../platform/transaction.ts';
import { StockLevelTable } from './stock-level.entity.ts';
import type { StockCount } from './stock.rules.ts';

/** Takes the lock on one product's stock row and gives its counts; null where there is no such product. */
export type LockStock = (tx: Transaction, productId: number) => Promise<StockCount | null>;

/** What the stock folder needs of the shop. */
export interface StockNeeds {
  readonly database: Database;
  /** The pessimistic lock; a race's twin hands in another that takes none. */
  readonly lockStock: LockStock;
  /** Told of each product's new counts, once they are committed. */
  readonly announceStock: (count: StockCount) => void;
}

/**
 * The pessimistic lock: `select … for update` on the stock row, through the ORM's LockMode. What
 * the row says is read after the wait.
 */
export const lockStockRow: LockStock = (tx, productId) =>
  tx.em.findOne(StockLevelTable, productId, {
    lockMode: LockMode.PESSIMISTIC_WRITE,
    disableIdentityMap: true,
  });

/** One product's stock while no one else can move it: the only thing that changes counts. */
export class LockedStock {
  readonly #tx: Transaction;
  #count: StockCount;

  constructor(tx: Transaction, count: StockCount) {
    this.#tx = tx;
    this.#count = count;
  }

  /** The counts as of the last move. */
  get count(): StockCount {
    return this.#count;
  }

  /**
   * Runs a statement made by `unitMove` and gives the rows it changed. Its `$1` is the product and
   * `$2` the version it makes; `params` are those from `$3` on.
   */
  async move<Row>(statement: string, params: readonly unknown[]): Promise<readonly Row[]> {
    const { productId, version } = this.#count;
    const [moved] = await this.#tx.rows<Moved<Row>>(statement, [productId, version + 1, ...params]);
    if (!moved?.stock || !moved.changed) return [];
    invariant(
      moved.stock.version === version + 1,
      'a locked stock row moves one version at a time',
    );
    const { read_at: readAt, total, available, held, sold } = moved.stock;
    this.#count = {
      productId,
      version: version + 1,
      total,
      available,
      held,
      sold,
      readAt: new Date(readAt),
    };
    return moved.changed;
  }
}

/** What a statement made by `unitMove` gives; nulls where nothing changed. */
interface Moved<Row> {
  readonly changed: readonly Row[] | null;
  readonly stock: (Omit<StockCount, 'productId' | 'readAt'> & { readonly read_at: string }) | null;
}

/**
 * Runs `work` on one product's stock while no one else can, and announces the new count once it is
 * committed. Every unit that moves, moves through here. The house rules of locking:
 *
 * - Take this lock last (order id → event → order → hold → stock) and commit at once after it.
 * - Whoever needs other rows while holding it takes them with SKIP LOCKED, so no cycle is possible.
 * - Read the clock after the lock, so that waiting never lets an expired hold through.
 * - No remote call and nothing else is awaited while it is held.
 *
 * Gives undefined, without calling `work`, where there is no such product.
 */
export async function withLockedStock<T>(
  shop: StockNeeds,
  tx: Transaction,
  productId: number,
  work: (stock: LockedStock) => Promise<T>,
): Promise<T | undefined> {
  const found = await shop.lockStock(tx, productId);
  if (found === null) return undefined;
  const stock = new LockedStock(tx, found);
  const answer = await work(stock);
  if (stock.count.version !== found.version) {
    tx.afterCommit(() => shop.announceStock(stock.count));
  }
  return answer;
}
