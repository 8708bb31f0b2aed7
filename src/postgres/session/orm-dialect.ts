import {
  CompiledQuery,
  ControlledTransaction,
  DefaultQueryExecutor,
  type Kysely,
  type DatabaseIntrospector,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SingleConnectionProvider,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type { Session } from './session.ts';
import type { SessionPool } from './session-pool.ts';

/** Command tags of statements whose row count is a count of changes. */
const CHANGES = ['INSERT', 'UPDATE', 'DELETE', 'MERGE'];

/** A session as the ORM's query builder (kysely) uses it. */
class OrmConnection implements DatabaseConnection {
  readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    // A text of several statements has a result for each; the ORM reads none of them.
    const result = [await this.session.send(sql, parameters)].flat();
    const [{ command, rowCount, rows }] = result.slice(-1) as [(typeof result)[number]];
    return {
      rows: rows as Row[],
      ...(CHANGES.includes(command) && { numAffectedRows: BigInt(rowCount ?? 0) }),
    };
  }

  streamQuery(): never {
    throw new Error('The shop reads no streams through the ORM.');
  }
}

/** Lends sessions of the pool to the ORM, for its reads and for transactions that it runs itself. */
class SessionDriver implements Driver {
  readonly #pool: SessionPool;

  constructor(pool: SessionPool) {
    this.#pool = pool;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<OrmConnection> {
    return new OrmConnection(await this.#pool.acquire());
  }

  async releaseConnection({ session }: OrmConnection): Promise<void> {
    this.#pool.release(session);
  }

  async beginTransaction({ session }: OrmConnection, settings: TransactionSettings): Promise<void> {
    const { isolationLevel } = settings;
    session.begin(isolationLevel === undefined ? '' : `isolation level ${isolationLevel}`);
  }

  commitTransaction({ session }: OrmConnection): Promise<void> {
    return session.commit();
  }

  rollbackTransaction({ session }: OrmConnection): Promise<void> {
    return session.rollback();
  }

  async savepoint({ session }: OrmConnection, name: string): Promise<void> {
    await session.send(`savepoint "${name}"`);
  }

  async rollbackToSavepoint({ session }: OrmConnection, name: string): Promise<void> {
    await session.send(`rollback to savepoint "${name}"`);
  }

  async releaseSavepoint({ session }: OrmConnection, name: string): Promise<void> {
    await session.send(`release savepoint "${name}"`);
  }

  destroy(): Promise<void> {
    return this.#pool.close();
  }
}

/**
 * The ORM on the shop's own sessions: MikroORM takes it as `driverOptions`. The ORM builds queries and
 * maps rows; sessions, transactions and their errors are the shop's.
 */
export class OrmDialect implements Dialect {
  readonly #driver: SessionDriver;
  readonly #adapter = new PostgresAdapter();
  readonly #compiler = new PostgresQueryCompiler();

  constructor(pool: SessionPool) {
    this.#driver = new SessionDriver(pool);
  }

  createDriver(): Driver {
    return this.#driver;
  }

  createAdapter(): PostgresAdapter {
    return this.#adapter;
  }

  createQueryCompiler(): PostgresQueryCompiler {
    return this.#compiler;
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new PostgresIntrospector(db);
  }

  /** What the ORM takes as the context of a transaction that `session` begins and ends. */
  contextOf(session: Session): ControlledTransaction<unknown> {
    const connection = new OrmConnection(session);
    const provider = new SingleConnectionProvider(connection);
    return new ControlledTransaction({
      config: { dialect: this },
      dialect: this,
      driver: this.#driver,
      executor: new DefaultQueryExecutor(this.#compiler, this.#adapter, provider),
      // The caller that acquired the session releases it.
      connection: { connection, release: () => {} },
    });
  }
}
