import { createHash } from 'node:crypto';
import pg from 'pg';
import { DatabaseClient, type DatabaseConfig } from '../url/connection.ts';
import { SessionHealth, UndoneError, type StatementKind } from './session-health.ts';

/** SQLSTATE in_failed_sql_transaction: a statement before this one failed. */
const IN_FAILED_TRANSACTION = '25P02';

/** Options of a session beside those of pg. */
export interface SessionOptions extends DatabaseConfig {
  /** Whether a database that takes no writes may be read. Without it, every statement is refused there. */
  readonly acceptReadOnly?: boolean;
}

/** What is sent and not answered yet: a transaction's last statement, and its commit behind it. */
export interface Ending<Row> {
  readonly last: Promise<readonly Row[]>;
  /** Rejected where the commit's outcome is not known, or the database refused to commit. */
  readonly committed: Promise<void>;
}

/** How a transaction begins: the words after `begin`. */
export type TransactionMode = `isolation level ${string}` | '';

/**
 * One session with Postgres. It saves round trips, because a row lock lasts as long as they take:
 *
 * - It pipelines: a statement is sent at once, behind those that have no answer yet. Postgres runs
 *   them in the order of the calls, each with a snapshot of its own.
 * - `begin` travels with the first statement, and `finish` sends the commit behind the last one.
 * - It prepares: a statement with parameters is named by its text, and parsed once on each session.
 *   (The ORM writes its values into the text and passes no parameters; those stay unprepared.)
 */
export class Session extends DatabaseClient {
  readonly health: SessionHealth;
  /** The begin of this transaction while it is not sent. */
  #unsentBegin: string | undefined;
  /** From `begin` until the commit or rollback is sent. */
  #isInTransaction = false;
  /** Longest wait for an answer within this transaction, where it is not the pool's; milliseconds. */
  #answerMsMax: number | undefined;
  /** The latest error of this transaction: the reason why statements behind it fail. */
  #failure: unknown;

  constructor(options: SessionOptions) {
    super(options);
    this.health = new SessionHealth(options.acceptReadOnly ?? false);
    const { connection } = this as unknown as { readonly connection: NodeJS.EventEmitter };
    connection.on('parameterStatus', ({ parameterName, parameterValue }: ParameterStatus) =>
      this.health.learn(parameterName, parameterValue),
    );
    // The pool listens while the session is idle. In use, its loss fails the statements; without a
    // listener it would end the process too.
    this.on('error', () => {});
    this.on('notice', (notice) => {
      const query = activeQueryOf(this);
      if (query) this.health.warned(query, notice);
    });
  }

  /** Begins a transaction. Nothing is sent yet: the begin travels with the first statement. */
  begin(mode: TransactionMode): void {
    this.#unsentBegin = `begin ${mode}`.trimEnd();
    this.#isInTransaction = true;
    this.#failure = undefined;
  }

  /** Sends one statement of constant text; its rows. */
  async rows<Row>(text: string, params: readonly unknown[]): Promise<readonly Row[]> {
    return (await this.send(text, params)).rows as readonly Row[];
  }

  /**
   * Sends one statement, behind what has no answer yet.
   *
   * @throws the error of Postgres or of the connection; behind a failed statement, the error of that one
   */
  send(text: string, params: readonly unknown[] = []): Promise<pg.QueryResult> {
    if (!this.#isInTransaction) return this.#run(text, params, 'alone');
    const begin = this.#unsentBegin;
    this.#unsentBegin = undefined;
    if (begin === undefined) return this.#run(text, params, 'inside');
    // Together, so that a statement which ran outside of a transaction counts as failed.
    const began = this.#run(begin, [], 'begin');
    return Promise.all([began, this.#run(text, params, 'inside')]).then(([, result]) => result);
  }

  /** Allows so long for each further answer of this transaction, in place of the pool's limit. */
  allow(answerMsMax: number): void {
    this.#answerMsMax = answerMsMax;
  }

  /** Sends the last statement of a transaction and the commit behind it, in one flush. */
  finish<Row>(text: string, params: readonly unknown[]): Ending<Row> {
    const last = this.rows<Row>(text, params);
    return { last, committed: this.commit() };
  }

  /**
   * Commits. A transaction without a statement has nothing to commit, and nothing is sent.
   *
   * @throws UndoneError where a statement failed: Postgres answers such a commit with a rollback, and no error
   */
  async commit(): Promise<void> {
    if (!this.#leaveTransaction()) return;
    const { command } = await this.#run('commit', [], 'end');
    if (command !== 'COMMIT') throw new UndoneError(this.#failure);
  }

  /**
   * Undoes a transaction that is still open. Never fails: a session that cannot roll back is spent, and
   * Postgres undoes its transaction when the pool closes it.
   */
  async rollback(): Promise<void> {
    if (!this.#leaveTransaction() || this.health.isSpent) return;
    await this.#run('rollback', [], 'end').catch(() => (this.health.isSpent = true));
  }

  /** Whether a commit or rollback has something to end. */
  #leaveTransaction(): boolean {
    const isSent = this.#isInTransaction && this.#unsentBegin === undefined;
    this.#unsentBegin = undefined;
    this.#isInTransaction = false;
    this.#answerMsMax = undefined;
    return isSent;
  }

  async #run(
    text: string,
    params: readonly unknown[],
    kind: StatementKind,
  ): Promise<pg.QueryResult> {
    const query = this.#queryOf(text, params);
    try {
      const result = await this.#answerTo(query, kind);
      this.health.succeeded();
      return result;
    } catch (error) {
      throw this.#noted(error as Error);
    }
  }

  #queryOf(text: string, params: readonly unknown[]): pg.Query {
    const values = [...params];
    // Unprepared where an answer may take long: such a statement is sent once.
    if (this.#answerMsMax !== undefined)
      // pg reads the time limit from the query.
      return Object.assign(new pg.Query({ text, values }), { query_timeout: this.#answerMsMax });
    if (values.length === 0) return new pg.Query(text);
    return new pg.Query({ name: statementName(text), text, values });
  }

  #answerTo(query: pg.Query, kind: StatementKind): Promise<pg.QueryResult> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null, result: pg.QueryResult): void => {
        const isOver = this.getTransactionStatus() === 'I';
        const reason = error ?? this.health.objectionTo({ query, kind, result, isOver });
        if (reason === undefined) resolve(result);
        else reject(reason);
      };
      // With a callback, which pg calls before it reads the next answer of the same packet.
      void this.query(query as never, settle as never);
    });
  }

  /** Keeps what an error says of this session; the error that its caller is to see. */
  #noted(error: Error & { readonly code?: unknown }): unknown {
    if (error.code === IN_FAILED_TRANSACTION && this.#failure !== undefined) return this.#failure;
    // pg's stack names no statement; and what follows a session's end fails only for its loss.
    Error.captureStackTrace(error);
    if (this.health.isSpent && error !== this.#failure) error.cause ??= this.#failure;
    this.#failure = error;
    this.health.failed(error);
    return error;
  }
}

interface ParameterStatus {
  readonly parameterName: string;
  readonly parameterValue: string;
}

/** The statement that the client is reading the answer to. */
function activeQueryOf(client: pg.Client): object | null {
  return (client as unknown as { _getActiveQuery(): object | null })._getActiveQuery();
}

/** Closes a connection at once: a half-open link would never answer the protocol's end. */
export function destroy(client: pg.Client): void {
  const { connection } = client as unknown as {
    readonly connection: { readonly stream: { destroy(): void } };
  };
  connection.stream.destroy();
}

const names = new Map<string, string>();

function statementName(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  names.set(text, createHash('sha256').update(text).digest('base64url').slice(0, 24));
  return names.get(text)!;
}
