import { setTimeout as delay } from 'node:timers/promises';
import type { EntitySchema, FilterQuery } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Database, RowOf } from './database.ts';
import { asFault, isUnavailable, retryableName } from './faults.ts';
import { BusyFault } from '../lib/faults.ts';
import type { Session } from './session/session.ts';
import { UndoneError } from './session/session-health.ts';

/** Tries after the first: enough for a deadlock or two, too few to pile up behind a lock. */
const RETRIES_MAX = 3;

/**
 * After this time no further try starts. A caller that has waited for a whole lock timeout is answered
 * Busy, and does not wait for two more.
 */
const RETRY_WITHIN_MS = 1500;

/** A long statement reads much, so it is planned for the tables as they are. */
const ALLOW = `
  select set_config('statement_timeout', $1, true), set_config('plan_cache_mode', 'auto', true),
    set_config('enable_seqscan', 'on', true), set_config('enable_bitmapscan', 'on', true)`;

/** A statement ends by the database's limit; the limit on its answer is this much longer. */
const ANSWER_MARGIN_MS = 1000;

/** One database transaction at READ COMMITTED, and what is to be done once it is committed. */
export class Transaction {
  readonly em: EntityManager;
  readonly #session: Session;
  readonly #afterCommit: (() => void)[] = [];
  #isCommitting = false;
  #isCommitted = false;

  constructor(em: EntityManager, session: Session) {
    this.em = em;
    this.#session = session;
  }

  /** Whether the commit was sent, and not answered that nothing was done. */
  get isCommitting(): boolean {
    return this.#isCommitting;
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
    this.#isCommitting = true;
    const [, end] = await Promise.allSettled([last, committed]);
    if (end.status === 'rejected' && !(end.reason instanceof UndoneError)) throw end.reason;
    this.#isCommitting = false;
    this.#isCommitted = end.status === 'fulfilled';
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

  /** Commits, where `lastRows` has not done so. */
  async commit(): Promise<void> {
    if (this.#isCommitted) return;
    this.#isCommitting = true;
    await this.#session.commit();
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

/** Longest statement of an audit, in milliseconds. */
const AUDIT_MS_MAX = 60_000;

/**
 * Lets this transaction's statements run for up to a minute: an audit of a large sale reads all of
 * it, locks nothing, and may take its time.
 */
export function allowLongStatements(tx: Transaction): Promise<void> {
  return tx.allow(AUDIT_MS_MAX);
}

/**
 * Runs `work` in one transaction. Deadlocks, serialization failures and lock timeouts are tried
 * again from the start; a commit whose outcome is unknown never is.
 *
 * The isolation level is named each time: under REPEATABLE READ a read after a lock would not see
 * what another transaction committed during the wait. The database's default may be any level.
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
      const isInTime = performance.now() - startedAt < RETRY_WITHIN_MS;
      database.log.warn(
        { sqlState: name, attempt, again: isInTime && attempt <= RETRIES_MAX },
        'Transaction undone',
      );
      if (attempt > RETRIES_MAX || !isInTime) {
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
    answer = await database.sessions.use(async (session) => {
      tx = new Transaction(database.entityManagerOn(session), session);
      return runOn(session, tx, work);
    });
  } catch (error) {
    throw database.faults.report(faultOf(error, tx));
  }
  // After the try: an announcement that throws must not make a committed transaction look undone.
  tx!.committed();
  return answer;
}

/** Begin, work, commit; or roll back where one of them fails. */
async function runOn<T>(
  session: Session,
  tx: Transaction,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  try {
    session.begin('isolation level read committed');
    const answer = await work(tx);
    await tx.commit();
    return answer;
  } catch (error) {
    await session.rollback();
    throw error;
  }
}

function faultOf(error: unknown, tx: Transaction | undefined): unknown {
  // The database failed a statement and `work` went on to the commit, which it answered by a rollback.
  if (error instanceof UndoneError && isUnavailable(error.cause)) return asFault(error.cause);
  return asFault(error, tx?.isCommitting ? 'committing' : 'working');
}
