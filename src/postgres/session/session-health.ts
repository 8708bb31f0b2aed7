import pg from 'pg';

/** SQLSTATE read_only_sql_transaction: the database is read-only, or a standby in recovery. */
const READ_ONLY = '25006';

/** What Postgres reports, at connect and with each change, when it takes no writes; and what that means. */
const READ_ONLY_PARAMETERS: Readonly<Record<string, string>> = {
  in_hot_standby: 'the database is a standby in recovery',
  default_transaction_read_only: 'the database is read-only (default_transaction_read_only is on)',
};

/**
 * SQLSTATEs after which a session is of no use: the connection is lost (08, 57P), the database takes no
 * writes, or the outcome of a statement is unknown (40003).
 */
const USELESS_AFTER = /^(08|57P|25006|40003)/;

/** SQLSTATE undefined_object, for an option that only PostgreSQL 11 and older do not know. */
const UNKNOWN_OPTION = '42704';
const OPTION_SINCE_12 = 'plan_cache_mode';

/** Names the reason where a server is too old for the options of a session: it refuses these first. */
export function withPlainReason(error: Error & { readonly code?: unknown }): Error {
  if (error.code === UNKNOWN_OPTION && error.message.includes(OPTION_SINCE_12))
    error.message = 'this PostgreSQL is older; 15 or newer is needed';
  return error;
}

/** The begin of a transaction, a statement in it, its end, or a statement outside of any. */
export type StatementKind = 'begin' | 'inside' | 'end' | 'alone';

/** Command tags of statements that leave nothing behind where they run outside a transaction. */
const READING = ['SELECT', 'SHOW', 'SET', 'ROLLBACK'];

/** What Postgres says beside its answers. */
export interface Warning {
  readonly message?: string | undefined;
  readonly code?: string | undefined;
  /** The function in which it was raised, where there is one. */
  readonly where?: string | undefined;
  /** The routine of Postgres' source that raised it; in no language but this. */
  readonly routine?: string | undefined;
}

/**
 * Whether a function of the database raised a warning, such as a trigger that runs at commit: it says
 * nothing of the commit. Its SQLSTATE is the same as that of a cancelled wait for a standby (01000), but
 * that one comes from `SyncRepWaitForLSN`, and has no function around it unless a procedure commits.
 */
function isOfFunction({ where, routine }: Warning): boolean {
  return Boolean(where) && routine !== undefined && !routine.startsWith('SyncRep');
}

/**
 * The database warned in its answer to a commit. One that no longer waits for its synchronous standby
 * has committed locally and may lose the commit in a failover: the outcome is unknown.
 */
export class CommitWarning extends Error {
  override readonly name = 'CommitWarning';
  readonly code: string | undefined;

  constructor({ message, code }: Warning) {
    super(message);
    this.code = code;
  }
}

/** The transaction could not be committed, for a statement of it had failed: nothing was done. */
export class UndoneError extends Error {
  override readonly name = 'UndoneError';

  /** @param cause why the statement failed */
  constructor(cause: unknown) {
    super('The transaction was undone, for a statement of it had failed.', { cause });
  }
}

/** A statement, and what is known of it when its answer is complete. */
interface Answered {
  readonly query: pg.Query;
  readonly kind: StatementKind;
  readonly result: pg.QueryResult;
  /** Whether no transaction is open after it. */
  readonly isOver: boolean;
}

/**
 * What a session has learned from the database beside its answers: whether it takes writes, whether a
 * commit can be believed, and whether the session may be used again.
 */
export class SessionHealth {
  readonly #acceptReadOnly: boolean;
  /** The parameters by which Postgres says at this moment that it takes no writes. */
  readonly #readOnlyBy = new Set<string>();
  readonly #warnings = new WeakMap<object, Warning>();
  /** Whether the session must not be used again once its transaction is over. */
  isSpent = false;
  /** When the database last answered as one that can serve, as `performance.now()` counts. */
  answeredAt = -Infinity;

  constructor(acceptReadOnly: boolean) {
    this.#acceptReadOnly = acceptReadOnly;
  }

  /** Postgres reports a parameter's value. */
  learn(name: string, value: string): void {
    if (READ_ONLY_PARAMETERS[name] === undefined) return;
    if (value === 'on') this.#readOnlyBy.add(name);
    else this.#readOnlyBy.delete(name);
    if (this.refusal() !== undefined) this.isSpent = true;
  }

  /** Keeps a notice that comes with a statement's answer, where it is a warning. */
  warned(query: object, notice: Warning): void {
    // By the SQLSTATE: the word for the severity is in the language of the database.
    if (notice.code !== '00000' && !isOfFunction(notice)) this.#warnings.set(query, notice);
  }

  /** Why nothing may be asked of this database; undefined while it takes writes. */
  refusal(): Error | undefined {
    const [name] = this.#readOnlyBy;
    if (name === undefined || this.#acceptReadOnly) return undefined;
    return Object.assign(new Error(READ_ONLY_PARAMETERS[name]), { code: READ_ONLY });
  }

  /** Why an answer without an error is no success all the same; undefined where it is one. */
  objectionTo({ query, kind, result, isOver }: Answered): Error | undefined {
    const warning = this.#warnings.get(query);
    if (warning !== undefined && isOver && hasWritten(result)) return new CommitWarning(warning);
    // An open transaction may go on: it began while the database took writes.
    return kind === 'begin' || kind === 'alone' ? this.refusal() : undefined;
  }

  /** A statement was answered. */
  succeeded(): void {
    this.answeredAt = performance.now();
  }

  /** A statement failed: of its own making, or with the session. */
  failed(error: Error & { readonly code?: unknown }): void {
    const isOwn = error instanceof pg.DatabaseError && !USELESS_AFTER.test(String(error.code));
    if (isOwn) this.answeredAt = performance.now();
    else this.isSpent = true;
  }
}

/** Whether a statement may have changed something; a text of several statements has a result for each. */
function hasWritten(result: pg.QueryResult | readonly pg.QueryResult[]): boolean {
  return [result].flat().some(({ command }) => !READING.includes(command));
}
