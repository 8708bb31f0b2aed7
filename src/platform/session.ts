import { createHash } from 'node:crypto';
import { CompiledQuery, type ControlledTransaction } from 'kysely';
import type pg from 'pg';
import { DatabaseClient } from './connection.ts';

/** What a session is asked for, to answer with itself: the ORM hands out no client of its pool. */
const ITSELF = 'this session';

/** What a statement gives that was not sent. */
const NOTHING = { command: '', rowCount: 0, rows: [] };

/** How the ORM opens a transaction. */
const OPENING = /^(begin|start transaction)\b/;

/** SQLSTATE in_failed_sql_transaction: a statement before this one failed. */
const IN_FAILED_TRANSACTION = '25P02';

/** What is sent and not answered yet: a transaction's last statement, and its commit behind it. */
export interface Ending<Row> {
  readonly last: Promise<readonly Row[]>;
  /** Rejected where the commit's outcome is not known, or the database refused to commit. */
  readonly committed: Promise<unknown>;
}

/**
 * One session with Postgres: pg's client, sparing round trips, for it is round trips that a row lock
 * is held across. It prepares: a statement with parameters is named by its text and so parsed once
 * (the ORM writes its values into the text and passes none; those stay unprepared). And it
 * pipelines, in the order of the calls: what is asked before the answer to an earlier statement has
 * come travels right behind it, and the server takes them one after the other, each with a snapshot
 * of its own.
 *
 * Its transaction is *opening* (begin was asked for, and waits to travel with the first statement),
 * *open*, or *over* (ended by the ORM's commit or rollback, or by `finish`, after which the ORM's
 * commit and rollback find nothing left to do).
 */
export class Session extends DatabaseClient {
  #opening: string | undefined;
  #isOver = false;
  /** Longest wait for an answer within this transaction, where it is not the pool's; milliseconds. */
  #answerMsMax: number | undefined;
  /** The latest error: what a statement that was sent behind a failed one has failed for. */
  #failure: unknown;

  // pg declares `query` with nine overloads; only the text-and-values one is changed here.
  override query(...args: unknown[]): never {
    const [text] = args;
    if (text === ITSELF) return Promise.resolve({ ...NOTHING, rows: [this] }) as never;
    if (text === 'commit' || text === 'rollback') return this.#end(text) as never;
    if (typeof text !== 'string' || !OPENING.test(text)) return this.#send(args) as never;
    this.#opening = text;
    this.#isOver = false;
    return Promise.resolve(NOTHING) as never;
  }

  /** Sends one statement of constant text; its rows. */
  async rows<Row>(text: string, params: readonly unknown[]): Promise<readonly Row[]> {
    return (await this.#send([text, params])).rows as readonly Row[];
  }

  /** Waits so long for each further answer of this transaction, in place of what the pool gives it. */
  allow(answerMsMax: number): void {
    this.#answerMsMax = answerMsMax;
  }

  /** Sends the last statement of a transaction and the commit behind it, in one flush. */
  finish<Row>(text: string, params: readonly unknown[]): Ending<Row> {
    const last = this.rows<Row>(text, params);
    const committed = this.#commit();
    this.#isOver = true;
    this.#answerMsMax = undefined;
    return { last, committed };
  }

  #send(args: unknown[]): Promise<pg.QueryResult> {
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening === undefined) return this.#query(args);
    // Together, so that a statement which ran outside of a transaction counts as failed.
    return Promise.all([this.#query([opening]), this.#query(args)]).then(([, result]) => result);
  }

  async #query(args: unknown[]): Promise<pg.QueryResult> {
    try {
      const asked = this.#answerMsMax === undefined ? prepared(args) : this.#patiently(args);
      const answer: unknown = super.query(...(asked as Parameters<pg.Client['query']>));
      return await (answer as Promise<pg.QueryResult>);
    } catch (error) {
      if ((error as { code?: unknown }).code !== IN_FAILED_TRANSACTION) this.#failure = error;
      throw this.#failure;
    }
  }

  /** Unprepared: what takes long is asked once. */
  #patiently([text, values, ...rest]: unknown[]): unknown[] {
    return [{ text, values, query_timeout: this.#answerMsMax }, ...rest];
  }

  async #end(how: 'commit' | 'rollback'): Promise<pg.QueryResult | typeof NOTHING> {
    this.#answerMsMax = undefined;
    if (this.#isOver || this.#opening !== undefined) {
      this.#opening = undefined;
      return NOTHING;
    }
    return how === 'commit' ? this.#commit() : this.#rollback();
  }

  /**
   * Never fails: a session that cannot be asked to roll back is given up, and Postgres undoes what it
   * had begun. A rollback that failed would keep its place in the pool for good (kysely 0.29).
   */
  async #rollback(): Promise<pg.QueryResult | typeof NOTHING> {
    try {
      return await this.#query(['rollback']);
    } catch {
      void this.end();
      return NOTHING;
    }
  }

  /** Postgres answers the commit of a failed transaction with a rollback, and no error. */
  async #commit(): Promise<pg.QueryResult> {
    const result = await this.#query(['commit']);
    if (result.command !== 'COMMIT') throw new UndoneError();
    return result;
  }
}

/** The transaction could not be committed, for a statement of it had failed: nothing was done. */
export class UndoneError extends Error {
  override readonly name = 'UndoneError';

  constructor() {
    super('The transaction was undone, for a statement of it had failed.');
  }
}

/** The session that a transaction of the ORM runs on. */
export async function sessionOf(transaction: ControlledTransaction<unknown>): Promise<Session> {
  const { rows } = await transaction.executeQuery<Session>(CompiledQuery.raw(ITSELF));
  return rows[0]!;
}

/** Ends a connection without a goodbye, which a half-open link would never answer. */
export function destroy(client: pg.Client | pg.PoolClient): void {
  const { connection } = client as unknown as {
    readonly connection: { readonly stream: { destroy(): void } };
  };
  connection.stream.destroy();
}

function prepared(args: unknown[]): unknown[] {
  const [text, values] = args;
  if (typeof text !== 'string' || !Array.isArray(values) || values.length === 0) return args;
  return [{ name: statementName(text), text, values }, ...args.slice(2)];
}

const names = new Map<string, string>();

function statementName(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = createHash('sha256').update(text).digest('base64url').slice(0, 24);
  names.set(text, name);
  return name;
}
