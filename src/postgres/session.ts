import { createHash } from 'node:crypto';
import { CompiledQuery, type ControlledTransaction } from 'kysely';
import pg from 'pg';
import { DatabaseClient } from './connection.ts';
import { OPENING, SessionHealth, UndoneError, withPlainReason } from './session-health.ts';

/** What a session is asked for, to answer with itself: the ORM hands out no client of its pool. */
const ITSELF = 'this session';
/** The result of a statement that was not sent. */
const NOTHING = { command: '', rowCount: 0, rows: [] };

/** SQLSTATE in_failed_sql_transaction: a statement before this one failed. */
const IN_FAILED_TRANSACTION = '25P02';

/** Options of a session beside those of pg. */
export interface SessionOptions extends pg.ClientConfig {
  /** Whether a database that takes no writes may be read. Without it, every statement is refused there. */
  readonly acceptReadOnly?: boolean;
}

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
  readonly health: SessionHealth;

  constructor(options: SessionOptions) {
    super(options);
    this.health = new SessionHealth(options.acceptReadOnly ?? false);
    const { connection } = this as unknown as { readonly connection: NodeJS.EventEmitter };
    connection.on('parameterStatus', ({ parameterName, parameterValue }: ParameterStatus) =>
      this.health.learn(parameterName, parameterValue),
    );
    this.on('notice', (notice) => {
      const query = activeQueryOf(this);
      if (query) this.health.warned(query, notice);
    });
  }

  override connect(): Promise<pg.Client>;
  override connect(callback: ConnectCallback): void;
  override connect(callback?: ConnectCallback): Promise<pg.Client> | undefined {
    const { promise, resolve, reject } = Promise.withResolvers<pg.Client>();
    const settle: Connected = (error) => (error === null ? resolve(this) : reject(error));
    this.#connect((callback as Connected | undefined) ?? settle);
    return callback === undefined ? promise : undefined;
  }

  /** Calls back at once, as pg does: the pool listens for errors of the session from then on. */
  #connect(callback: Connected): void {
    super.connect((error: Error | null) => {
      const refusal = error === null ? this.health.refusal() : undefined;
      // The pool forgets a session that did not connect, and does not end it.
      if (refusal !== undefined) void this.end();
      const reason = withPlainReason(error) ?? refusal ?? null;
      // Whatever is wrong, nothing was done.
      callback(reason && Object.assign(reason, { whileConnecting: true }), this);
    });
  }

  // pg declares `query` with nine overloads; only the text-and-values one is changed here.
  override query(...args: unknown[]): never {
    const [text] = args;
    if (text === ITSELF) return Promise.resolve({ ...NOTHING, rows: [this] }) as never;
    if (text === 'commit' || text === 'rollback') return this.#end(text) as never;
    if (typeof text !== 'string' || !OPENING.test(text)) return this.#send(args) as never;
    this.#opening = text;
    this.#isOver = false;
    this.#failure = undefined;
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
    const asked =
      this.#answerMsMax === undefined ? prepared(args) : this.#allowLongStatements(args);
    try {
      const result = await this.#answerTo(queryOf(asked));
      this.health.succeeded();
      return result;
    } catch (error) {
      throw this.#noted(error as Error);
    }
  }

  #answerTo(query: pg.Query): Promise<pg.QueryResult> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null, result: pg.QueryResult): void => {
        const isOver = this.getTransactionStatus() === 'I';
        const reason = error ?? this.health.objectionTo({ query, result, isOver });
        if (reason === undefined) resolve(result);
        else reject(reason);
      };
      // With a callback, which pg calls before it reads the next answer of the same packet.
      void super.query(query as never, settle as never);
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
    this.#endIfSpent();
    return error;
  }

  /** Ends a session that must not be used again, once its transaction is over; the pool makes another. */
  #endIfSpent(): void {
    if (this.health.isSpent && this.getTransactionStatus() === 'I') void this.end();
  }

  /** Unprepared: what takes long is asked once. */
  #allowLongStatements([text, values, ...rest]: unknown[]): unknown[] {
    return [{ text, values, query_timeout: this.#answerMsMax }, ...rest];
  }

  async #end(how: 'commit' | 'rollback'): Promise<pg.QueryResult | typeof NOTHING> {
    this.#answerMsMax = undefined;
    try {
      if (this.#isOver || this.#opening !== undefined) return NOTHING;
      return await (how === 'commit' ? this.#commit() : this.#rollback());
    } finally {
      this.#opening = undefined;
      this.#endIfSpent();
    }
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
    if (result.command !== 'COMMIT') throw new UndoneError(this.#failure);
    return result;
  }
}

/** The two kinds of callback that pg declares, and the one that it calls. */
type ConnectCallback = ((error: Error) => void) | ((error: null, client: pg.Client) => void);
type Connected = (error: Error | null, client: pg.Client) => void;

interface ParameterStatus {
  readonly parameterName: string;
  readonly parameterValue: string;
}

/** The statement that the client is reading the answer to. */
function activeQueryOf(client: pg.Client): object | null {
  return (client as unknown as { _getActiveQuery(): object | null })._getActiveQuery();
}

/** The statement of pg's arguments; pg reads its time limit from the object that it is handed. */
function queryOf(args: unknown[]): pg.Query {
  const query = new pg.Query(...(args as ConstructorParameters<typeof pg.Query>));
  const { query_timeout } = Object(args[0]) as { readonly query_timeout?: number };
  return Object.assign(query, query_timeout !== undefined && { query_timeout });
}

/** The session that a transaction of the ORM runs on. */
export async function sessionOf(transaction: ControlledTransaction<unknown>): Promise<Session> {
  const { rows } = await transaction.executeQuery<Session>(CompiledQuery.raw(ITSELF));
  return rows[0]!;
}

/** Closes a connection at once: a half-open link would never answer the protocol's end. */
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
  names.set(text, createHash('sha256').update(text).digest('base64url').slice(0, 24));
  return names.get(text)!;
}
