import { LockMode } from '@mikro-orm/core';
import type { Transaction } from '../../postgres/transaction.ts';
import { StockLevelTable } from './stock-level.entity.ts';
import type { StockCount } from './stock.rules.ts';
import type { Shop } from '../shop.ts';

/** Takes the lock on one product's stock row and gives its counts; null where there is no such product. */
export type LockStock = (tx: Transaction, productId: number) => Promise<StockCount | null>;

/**
 * The pessimistic lock: `select … for update` on the stock row, through the ORM's LockMode. What
 * the row says is read after the wait.
 */
export const lockStockRow: LockStock = async (tx, productId) => {
  const [row] = await tx.rows<StockRow>(lockStatement(tx.em), [productId]);
  return row === undefined ? null : countOf(productId, row);
};

let lockText: string | undefined;

/**
 * The statement that the ORM makes of its LockMode. Its own `findOne` would write the id into the
 * text, which then is parsed each time, and send it some turns later, when nothing can travel with it.
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

/** A stock row as the database gives it. */
type StockRow = Omit<StockCount, 'productId' | 'readAt'> & { readonly read_at: string };

function countOf(
  productId: number,
  { version, total, available, held, sold, read_at: readAt }: StockRow,
): StockCount {
  return { productId, version, total, available, held, sold, readAt: new Date(readAt) };
}

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
    return this.#moved(await this.#tx.rows<Moved<Row>>(statement, this.#params(params)));
  }

  /** The same as the transaction's last act, committed in the same round trip. */
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

/** What a statement made by `unitMove` gives; nulls where nothing changed. */
interface Moved<Row> {
  readonly changed: readonly Row[] | null;
  readonly stock: StockRow | null;
}

/**
 * Takes the lock on one product's stock and has its new count announced once that is committed; the
 * lock is sent at once, so that what is asked next travels with it. Undefined where there is no
 * such product. Every unit that moves, moves through here. The house rules of locking:
 *
 * - Take this lock last (order id → event → order → hold → stock) and commit at once after it.
 * - Whoever needs other rows while holding it takes them with SKIP LOCKED, so no cycle is possible.
 * - Read the clock after the lock, so that waiting never lets an expired hold through.
 * - No remote call and nothing else is awaited while it is held.
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

/** Runs `work` on one product's stock while no one else can; undefined where there is no such product. */
export async function withLockedStock<T>(
  shop: Shop,
  tx: Transaction,
  productId: number,
  work: (stock: LockedStock) => Promise<T>,
): Promise<T | undefined> {
  const stock = await lockStock(shop, tx, productId);
  return stock && work(stock);
}
