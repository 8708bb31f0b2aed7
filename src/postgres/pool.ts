import type pg from 'pg';
import type { FaultLog } from './fault-log.ts';
import { sqlState } from './faults.ts';
import { destroy, type Session } from './session.ts';

/** The connections of a pool. */
export interface PoolFigures {
  readonly idle: number;
  readonly busy: number;
  /** Who waits for a connection. */
  readonly waiting: number;
}

/**
 * SQLSTATEs of a database that opens no further session now: too many are open, in the server or for
 * this role or database (53300), or it lacks memory for one (53200).
 */
const NO_MORE_SESSIONS = ['53300', '53200'];

/** How long the pool makes do with the sessions it has before it asks for a further one, in milliseconds. */
const MAKE_DO_MS = 1000;

/** Past this a request that was refused a further session is not tried again, in milliseconds. */
const WAIT_MS_MAX = 2000;

/** The ORM's own pool, looked at from outside, and ended from outside. */
export class WatchedPool {
  readonly #pool: pg.Pool;
  readonly #clients = new Set<Session>();
  readonly #max: number;
  #answeredAt = -Infinity;
  #madeDo: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  constructor(pool: pg.Pool, faults: FaultLog) {
    this.#pool = pool;
    this.#max = pool.options.max;
    pool.on('connect', (client) => this.#clients.add(client as unknown as Session));
    pool.on('remove', (client) => this.#forget(client as unknown as Session));
    pool.on('error', (error) => faults.reportIdleSession(error));
    const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient>;
    // The ORM awaits this method's promise and passes no callback.
    pool.connect = (() => this.#connect(connect)) as typeof pool.connect;
  }

  figures(): PoolFigures {
    const { idleCount, totalCount, waitingCount } = this.#pool;
    return { idle: idleCount, busy: totalCount - idleCount, waiting: waitingCount };
  }

  /** When the database last answered a session of this pool, as `performance.now()` counts. */
  answeredAt(): number {
    return Math.max(this.#answeredAt, ...[...this.#clients].map(({ health }) => health.answeredAt));
  }

  /**
   * Not through the ORM: its kysely (0.29.6) lets go of the pool before the pool has ended, so that
   * a session which gets connected in between is never given back and the pool waits for it for
   * ever. And an ORM that is closed makes a new pool for the next caller.
   */
  close(): Promise<void> {
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }

  cut(): void {
    for (const client of this.#clients) destroy(client);
  }

  /**
   * A session of the pool. Where the database opens no further one, this waits for one that the pool
   * has, as if the pool were full.
   */
  async #connect(connect: () => Promise<pg.PoolClient>): Promise<pg.PoolClient> {
    const until = performance.now() + WAIT_MS_MAX;
    for (;;) {
      try {
        return await connect();
      } catch (error) {
        const isRefused = NO_MORE_SESSIONS.includes(sqlState(error) ?? '');
        const mayWait = this.#pool.totalCount > 0 && performance.now() < until;
        if (!isRefused || !mayWait) throw error;
        this.#makeDo();
      }
    }
  }

  /** For a moment the pool is as large as it is now. */
  #makeDo(): void {
    const { options, totalCount } = this.#pool;
    options.max = totalCount;
    clearTimeout(this.#madeDo);
    this.#madeDo = setTimeout(() => void (options.max = this.#max), MAKE_DO_MS).unref();
  }

  #forget(client: Session): void {
    this.#clients.delete(client);
    this.#answeredAt = Math.max(this.#answeredAt, client.health.answeredAt);
  }
}
