import {
  MikroORM,
  type EntityManager,
  type EntitySchema,
  type FilterQuery,
  type FindOptions,
  type InferEntity,
  type Options,
} from '@mikro-orm/postgresql';
import { clientConfig, type Connection } from './url/connection.ts';
import { FaultLog } from './fault-log.ts';
import { asFault } from './faults.ts';
import type { Logger } from '../lib/log.ts';
import { OrmDialect } from './session/orm-dialect.ts';
import type { Session } from './session/session.ts';
import { SessionPool, type PoolFigures } from './session/session-pool.ts';

/** Longest wait for any lock: "busy, try again" after two seconds beats a screen that hangs. */
const LOCK_TIMEOUT_MS = 2000;

/**
 * Longest statement. A little over the lock's: the second in a queue for a row waits first for its
 * turn and then for the row, each with a lock timeout of its own, and must not wait twice as long.
 */
const STATEMENT_TIMEOUT_MS = 2300;

/**
 * A database that has not answered by then is frozen or cut off: its own timeouts do not run, so the
 * pool closes the session. The margin over the timeouts covers a busy moment of this process.
 */
const ANSWER_MS_MAX = 3000;

/** A session stopped in the middle of a transaction gives its locks back after this. */
const IDLE_IN_TRANSACTION_MS = 5000;

/**
 * A row of a table as plain data: read-only, and null where a column is empty. (The ORM's own
 * inferred type also allows undefined there, which a row read from the database never has.)
 */
export type RowOf<Table> = {
  readonly [Column in keyof InferEntity<Table> & string]-?: Exclude<
    InferEntity<Table>[Column],
    undefined
  >;
};

/** A connected database, with the ORM's entity manager and the shop's constant statements. */
export interface Database {
  readonly orm: MikroORM;
  readonly log: Logger;
  /** How it is reached, for sessions beside the pool. */
  readonly connection: Connection;
  /** Logs the faults of this database. */
  readonly faults: FaultLog;
  /** The sessions of this process. */
  readonly sessions: Pick<SessionPool, 'use'>;
  /** An entity manager whose queries run in the transaction of `session`. */
  entityManagerOn(session: Session): EntityManager;
  /** Runs one constant statement outside a transaction and gives its rows. */
  rows<Row>(statement: string, params: readonly unknown[]): Promise<readonly Row[]>;
  /** Reads rows of a table as they are committed, through the ORM, outside a transaction. */
  find<Entity extends object>(
    table: EntitySchema<Entity>,
    where: FilterQuery<NoInfer<Entity>>,
    options?: FindOptions<NoInfer<Entity>>,
  ): Promise<RowOf<EntitySchema<Entity>>[]>;
  /** The pool's connections, and how many wait for one. */
  pool(): PoolFigures;
  /** When the database last answered one of them, as `performance.now()` counts. */
  answeredAt(): number;
  /**
   * Closes every connection at once; a transaction in flight is rolled back. For a stop
   * that has waited long enough, even for a database that answers nothing any more.
   */
  cut(): void;
  /**
   * Ends every connection once its work is done, one that is still connecting included. Callers that
   * wait for one, and later callers, get a fault. A second call has no effect.
   */
  close(): Promise<void>;
}

/** How a database is reached. */
export interface DatabaseOptions {
  readonly connection: Connection;
  /** Connections of this process. */
  readonly poolMax: number;
  /**
   * Whether a database that takes no writes may be read: for commands that look at a standby. A server
   * is refused everything there, for it decides nothing from a replica.
   */
  readonly acceptReadOnly?: boolean;
  readonly log: Logger;
}

/** What each session of the shop starts with. */
const SESSION_OPTIONS = [
  `lock_timeout=${LOCK_TIMEOUT_MS}`,
  `statement_timeout=${STATEMENT_TIMEOUT_MS}`,
  `idle_in_transaction_session_timeout=${IDLE_IN_TRANSACTION_MS}`,
  'timezone=UTC',
  // A prepared statement is planned once for each session. To plan it each time took 1.2 ms of the
  // database's CPU for a batch, under the row lock. Its plan must fit tables of any size, so it uses
  // indexes only, and its statement is written so that the intended index is the only choice.
  'plan_cache_mode=force_generic_plan',
  'enable_seqscan=off',
  'enable_bitmapscan=off',
  // A warning in the answer to a commit must arrive, and no lesser message. This overrides the role's value.
  'client_min_messages=warning',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

/** The sessions of the shop. */
function sessionPool({ connection, poolMax, acceptReadOnly }: PoolOptions): SessionPool {
  const options = {
    ...clientConfig(connection, { applicationName: 'flash-sale', options: SESSION_OPTIONS }),
    // Of several hosts it is always the one that takes writes.
    acceptReadOnly: connection.hosts === undefined && (acceptReadOnly ?? false),
    pipeline: true,
    query_timeout: ANSWER_MS_MAX,
  };
  return new SessionPool(options, poolMax);
}

type PoolOptions = Pick<DatabaseOptions, 'connection' | 'poolMax' | 'acceptReadOnly'>;

/** The ORM's options for the shop's sessions, on top of the tables and migrations. */
export function sessionOptions(options: PoolOptions): Options {
  return ormOptions(options.connection, new OrmDialect(sessionPool(options)));
}

/** The ORM needs a name; all else of the connection is the pool's. */
function ormOptions({ database }: Connection, dialect: OrmDialect): Options {
  return {
    dbName: database,
    driverOptions: dialect,
    // It would look for the database at its first query, on a second session. Where all sessions are in
    // transactions, each waits for such a session.
    ensureDatabase: false,
  };
}

/** Opens the ORM with the tables given. No session connects yet. */
export async function connectDatabase(
  tables: Options,
  options: DatabaseOptions,
): Promise<Database> {
  const pool = sessionPool(options);
  const faults = new FaultLog(options.log);
  pool.reportTo(faults);
  const dialect = new OrmDialect(pool);
  const orm = await MikroORM.init({ ...tables, ...ormOptions(options.connection, dialect) });
  return {
    orm,
    log: options.log,
    connection: options.connection,
    faults,
    sessions: pool,
    entityManagerOn(session) {
      const em = orm.em.fork();
      em.setTransactionContext(dialect.contextOf(session));
      return em;
    },
    ...readsOf(orm, pool, faults),
    pool: () => pool.figures(),
    answeredAt: () => pool.answeredAt(),
    cut: () => pool.cut(),
    close: () => pool.close(),
  };
}

function readsOf(
  orm: MikroORM,
  pool: SessionPool,
  faults: FaultLog,
): Pick<Database, 'rows' | 'find'> {
  return {
    async rows<Row>(statement: string, params: readonly unknown[]): Promise<readonly Row[]> {
      try {
        return await pool.use((session) => session.rows<Row>(statement, params));
      } catch (error) {
        throw faults.report(asFault(error, 'reading'));
      }
    },
    async find<Entity extends object>(
      table: EntitySchema<Entity>,
      where: FilterQuery<NoInfer<Entity>>,
      options?: FindOptions<NoInfer<Entity>>,
    ) {
      try {
        // A fork for each read: rows are answers, not objects with a life.
        const found = await orm.em
          .fork()
          .find(table, where, { disableIdentityMap: true, ...options });
        return found as unknown as RowOf<EntitySchema<Entity>>[];
      } catch (error) {
        throw faults.report(asFault(error, 'reading'));
      }
    },
  };
}
