import {
  MikroORM,
  type EntitySchema,
  type FilterQuery,
  type FindOptions,
  type Options,
} from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';
import type pg from 'pg';
import { clientConfig, type Connection } from './connection.ts';
import { FaultLog } from './fault-log.ts';
import { asFault } from './faults.ts';
import type { Logger } from '../lib/log.ts';
import { WatchedPool, type PoolFigures } from './pool.ts';
import type { RowOf } from './row.ts';
import { Session } from './session.ts';

/** Longest wait for any lock: "busy, try again" after two seconds beats a screen that hangs. */
const LOCK_TIMEOUT_MS = 2000;

/**
 * Longest statement. A little over the lock's: the second in a queue for a row waits first for its
 * turn and then for the row, each with a lock timeout of its own, and must not wait twice as long.
 */
const STATEMENT_TIMEOUT_MS = 2300;

/**
 * A database that has not answered by then is frozen or cut off: its own timeouts do not run, so the
 * session is given up, with a margin over them for a busy moment of ours.
 */
const ANSWER_MS_MAX = 3000;

/** A session stopped in the middle of a transaction gives its locks back after this. */
const IDLE_IN_TRANSACTION_MS = 5000;

/** A connected database, with the ORM's entity manager and the shop's constant statements. */
export interface Database {
  readonly orm: MikroORM;
  readonly log: Logger;
  /** How it is reached, for sessions beside the pool. */
  readonly connection: Connection;
  /** Logs the faults of this database. */
  readonly faults: FaultLog;
  /** Runs one constant statement outside a transaction and gives its rows. */
  rows<Row>(statement: string, params: readonly unknown[]): Promise<Row[]>;
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
   * Cuts every connection, whatever is under way on it: its transaction is rolled back. For a stop
   * that has waited long enough, even for a database that answers nothing any more.
   */
  cut(): void;
  /**
   * Ends every connection once what is under way on it is done, one that is still being made
   * included. Whoever waits for one, or asks later, is refused with a fault. Harmless twice.
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
  // Planned anew each time, for the tables as they are now: a plan kept from when a table was empty
  // reads all of a product's holds for every batch of a long sale (measured: half the holds a second).
  'plan_cache_mode=force_custom_plan',
  // The warning in the answer to a commit must come, and nothing of less weight, whatever the role says.
  'client_min_messages=warning',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

/** The ORM's options for the shop's sessions, on top of the tables and migrations. */
export function sessionOptions({
  connection,
  poolMax,
  acceptReadOnly,
}: Pick<DatabaseOptions, 'connection' | 'poolMax' | 'acceptReadOnly'>): Options {
  return {
    // The ORM wants a name; all else of the connection is the driver's.
    dbName: connection.database,
    pool: { min: 0, max: poolMax },
    driverOptions: {
      ...clientConfig(connection, { applicationName: 'flash-sale', options: SESSION_OPTIONS }),
      Client: Session,
      acceptReadOnly,
      pipeline: true,
      query_timeout: ANSWER_MS_MAX,
    },
  };
}

/** Connects the ORM with the tables given. Close it with its own `close`, never with the ORM's. */
export async function connectDatabase(
  tables: Options,
  options: DatabaseOptions,
): Promise<Database> {
  const session = sessionOptions(options);
  let pool!: pg.Pool;
  const orm = await MikroORM.init({
    ...tables,
    ...session,
    driverOptions: {
      ...session.driverOptions,
      onPoolCreated: (made: pg.Pool) => void (pool = made),
    },
  });
  // The ORM makes its pool with its client: here, so that it is there to be closed. Nothing connects yet.
  orm.em.getDriver().getConnection().getClient();
  const faults = new FaultLog(options.log);
  const watched = new WatchedPool(pool, faults);
  return {
    orm,
    log: options.log,
    connection: options.connection,
    faults,
    ...readsOf(orm, faults),
    pool: () => watched.figures(),
    answeredAt: () => watched.answeredAt(),
    cut: () => watched.cut(),
    close: () => watched.close(),
  };
}

function readsOf(orm: MikroORM, faults: FaultLog): Pick<Database, 'rows' | 'find'> {
  return {
    async rows<Row>(statement: string, params: readonly unknown[]): Promise<Row[]> {
      try {
        const client = orm.em.getDriver().getConnection().getClient();
        const result = await client.executeQuery<Row>(CompiledQuery.raw(statement, [...params]));
        return result.rows;
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
