import { setTimeout as delay } from 'node:timers/promises';
import type { EntitySchema, FilterQuery } from '@mikro-orm/core';
import { IsolationLevel, type EntityManager } from '@mikro-orm/postgresql';
import type { ControlledTransaction } from 'kysely';
import type { Database } from './database.ts';
import { asFault, isUnavailable, retryableName } from './faults.ts';
import { BusyFault } from '../lib/faults.ts';
import type { RowOf } from './row.ts';
import { sessionOf, type Session } from './session.ts';
import { UndoneError } from './session-health.ts';

/** Tries after the first: enough for a deadlock or two, too few to pile up behind a lock. */
const RETRIES_MAX = 3;

/**
 * Past this no further try is started, so that a caller is answered while it still waits: who waited
 * out a whole lock timeout is told that the shop is busy, not made to wait two more.
 */
const PATIENCE_MS = 1500;

const ALLOW = "select set_config('statement_timeout', $1, true)";

/** The database's own limit is to end a statement, and not our patience with the database. */
const ANSWER_MARGIN_MS = 1000;

/** One database transaction at READ COMMITTED, and what is to be done once it is committed. */
export class Transaction {
  readonly em: EntityManager;
  readonly #session: Session;
  readonly #afterCommit: (() => void)[] = [];
  /** Whether the commit was sent, and not answered that nothing was done. */
  isCommitting = false;

  constructor(em: EntityManager, session: Session) {
    this.em = em;
    this.#session = session;
  }

  /**
   * Sends one statement of constant text at once and gives its rows: called twice before an answer
   * has come, the second travels with the first and runs after it. Constant, because each text with
   * parameters is prepared once on each connection and kept.
   */
  rows<Row>(statement: string, params: readonly unknown[]): Promise<readonly Row[]> {
    return this.#session.rows(statement, params);
  }

  /**
   * The same for the transaction's last statement, committed in the same round trip: once it has
   * given its rows, everything is committed.
   */
  async lastRows<Row>(statement: string, params: readonly unknown[]): Promise<readonly Row[]> {
    const { last, committed } = this.#session.finish<Row>(statement, params);
    this.isCommitting = true;
    const [, end] = await Promise.allSettled([last, committed]);
    if (end.status === 'rejected' && !(end.reason instanceof UndoneError)) throw end.reason;
    this.isCommitting = false;
    // Where it was undone, this rejects with the reason.
    return last;
  }

  /** The row that fits, as this transaction sees it now and as plain data; null where there is none. */
  async findOne<Entity extends object>(
    table: EntitySchema<Entity>,
    where: FilterQuery<NoInfer<Entity>>,
  ): Promise<RowOf<EntitySchema<Entity>> | null> {
    // Without the identity map: a row that was read before may have changed since.
    const found = await this.em.findOne(table, where, { disableIdentityMap: true });
    return found as unknown as RowOf<EntitySchema<Entity>> | null;
  }

  /** Lets each further statement of this transaction take up to so long. */
  async allow(statementMsMax: number): Promise<void> {
    this.#session.allow(statementMsMax + ANSWER_MARGIN_MS);
    await this.rows(ALLOW, [String(statementMsMax)]);
  }

  /** Has `announce` called once this transaction is committed; never if it is not. */
  afterCommit(announce: () => void): void {
    this.#afterCommit.push(announce);
  }

  /** Announces what was asked to be announced, in the order it was asked. */
  committed(): void {
    for (const announce of this.#afterCommit) announce();
  }
}

/**
 * Runs `work` in one transaction. Deadlocks, serialization failures and lock timeouts are tried
 * again from the start; a commit whose outcome is unknown never is.
 *
 * The isolation level is named each time: under REPEATABLE READ a read after a lock would not see
 * what the rival committed while we waited, whatever the database's default is.
 *
 * @throws BusyFault when nothing was done and trying again may help
 * @throws UnavailableFault when the database is away or the outcome is unknown
 */
export async function transact<T>(
  database: Database,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptOnce(database, work);
    } catch (error) {
      const name = retryableName(error);
      if (name === undefined) throw error;
      const patient = performance.now() - startedAt < PATIENCE_MS;
      database.log.warn(
        { sqlState: name, attempt, again: patient && attempt <= RETRIES_MAX },
        'Transaction undone',
      );
      if (attempt > RETRIES_MAX || !patient) {
        throw new BusyFault(`The database was busy (${name}); nothing was done.`);
      }
      // Jitter, so that two that met once do not meet again at the same moment.
      await delay(5 + Math.random() * 20 * attempt);
    }
  }
}

async function attemptOnce<T>(
  database: Database,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  let tx: Transaction | undefined;
  let answer: T;
  try {
    answer = await database.orm.em.fork().transactional(
      async (em) => {
        const context = em.getTransactionContext<ControlledTransaction<unknown>>()!;
        tx = new Transaction(em as EntityManager, await sessionOf(context));
        const result = await work(tx);
        tx.isCommitting = true;
        return result;
      },
      { isolationLevel: IsolationLevel.READ_COMMITTED },
    );
  } catch (error) {
    throw database.faults.report(faultOf(error, tx));
  }
  // After the try: an announcement that throws must not make a committed transaction look undone.
  tx!.committed();
  return answer;
}

function faultOf(error: unknown, tx: Transaction | undefined): unknown {
  // The database failed a statement and `work` went on to the commit, which it answered by a rollback.
  if (error instanceof UndoneError && isUnavailable(error.cause)) return asFault(error.cause);
  return asFault(error, tx?.isCommitting ? 'committing' : 'working');
}
