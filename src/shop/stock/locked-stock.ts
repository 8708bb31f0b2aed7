import { LockMode } from '@mikro-orm/core';
import type { Transaction } from '../../postgres/transaction.ts';
import { StockLevelTable } from './stock-level.entity.ts';
import type { StockCount } from './stock.rules.ts';
import type { Shop } from '../shop.ts';

/** Locks one product's stock row and returns its counters; null for an unknown product. */
export type LockStock = (tx: Transaction, productId: number) => Promise<StockCount | null>;

/**
 * The pessimistic lock: `select … for update` on the stock row, through the ORM's LockMode. The row is
 * read after the wait.
 */
export const lockStockRow: LockStock = async (tx, productId) => {
  const [row] = await tx.rows<StockRow>(lockStatement(tx.em), [productId]);
  return row === undefined ? null : countOf(productId, row);
};

let lockText: string | undefined;

/**
 * The statement that the ORM generates for its LockMode. Its own `findOne` writes the id into the text,
 * which is then parsed each time. It also sends the statement some turns later, when no other statement
 * can share the round trip.
 */
function lockStatement(em: Transaction['em']): string {
  lockText ??= em
    .createQueryBuilder(StockLevelTable, 's')
    .select('*')
    .where({ productId: 0 })
    .setLockMode(LockMode.PESSIMISTIC_WRITE)
    .toQuery()
    .sql.replace('?', '$1');
  return lockText;
}

/** A stock row as the driver returns it. */
type StockRow = Omit<StockCount, 'productId' | 'soldOutAt' | 'readAt'> & {
  readonly sold_out_at: string | null;
  readonly read_at: string;
};

function countOf(
  productId: number,
  { version, total, available, held, sold, sold_out_at: soldOut, read_at: readAt }: StockRow,
): StockCount {
  const soldOutAt = soldOut === null ? null : new Date(soldOut);
  return {
    productId,
    version,
    total,
    available,
    held,
    sold,
    soldOutAt,
    readAt: new Date(readAt),
  };
}

/** The counters of one product under its lock. Only this class changes counters. */
export class LockedStock {
  readonly #tx: Transaction;
  #count: StockCount;

  constructor(tx: Transaction, count: StockCount) {
    this.#tx = tx;
    this.#count = count;
  }

  /** The counters after the last move. */
  get count(): StockCount {
    return this.#count;
  }

  /**
   * Runs a statement of `unitMove` and returns the rows that it changed. `$1` is the product, `$2` the
   * new version; `params` begin at `$3`.
   */
  async move<Row>(statement: string, params: readonly unknown[]): Promise<readonly Row[]> {
    return this.#moved(await this.#tx.rows<Moved<Row>>(statement, this.#params(params)));
  }

  /** The same as the transaction's last statement, committed in the same round trip. */
  async moveLast<Row>(statement: string, params: readonly unknown[]): Promise<readonly Row[]> {
    return this.#moved(await this.#tx.lastRows<Moved<Row>>(statement, this.#params(params)));
  }

  #params(params: readonly unknown[]): readonly unknown[] {
    return [this.#count.productId, this.#count.version + 1, ...params];
  }

  #moved<Row>([moved]: readonly Moved<Row>[]): readonly Row[] {
    if (!moved?.stock || !moved.changed) return [];
    this.#count = countOf(this.#count.productId, moved.stock);
    return moved.changed;
  }
}

/** The result of a statement of `unitMove`; nulls if nothing changed. */
interface Moved<Row> {
  readonly changed: readonly Row[] | null;
  readonly stock: StockRow | null;
}

/**
 * Locks the stock row of one product and publishes its new counters after the commit. The lock
 * statement is sent at once, so that the caller's next statements share its round trip. Undefined for
 * an unknown product. Every move of units takes this lock. The rules of locking:
 *
 * - Take this lock last (order id → event → order → hold → stock) and commit at once after it.
 * - Under this lock, take other row locks with SKIP LOCKED only. No cycle of waits is possible then.
 * - Read the clock after the lock: a hold that expired during the wait is then seen as expired.
 * - Under this lock, await nothing but statements of this transaction.
 */
export async function lockStock(
  shop: Shop,
  tx: Transaction,
  productId: number,
): Promise<LockedStock | undefined> {
  const found = await shop.lockStock(tx, productId);
  if (found === null) return undefined;
  const stock = new LockedStock(tx, found);
  tx.afterCommit(() => {
    if (stock.count.version !== found.version) shop.announceStock(stock.count);
  });
  return stock;
}

/** Runs `work` under the lock of one product's stock row; undefined for an unknown product. */
export async function withLockedStock<T>(
  shop: Shop,
  tx: Transaction,
  productId: number,
  work: (stock: LockedStock) => Promise<T>,
): Promise<T | undefined> {
  const stock = await lockStock(shop, tx, productId);
  return stock && work(stock);
}
