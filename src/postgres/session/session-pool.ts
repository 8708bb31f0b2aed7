import { createPostgreSqlTypeParsers } from '@mikro-orm/sql';
import pg from 'pg';
import type { HostList } from '../url/host-list.ts';
import type { FaultLog } from '../fault-log.ts';
import { isPoolExhausted, sqlState } from '../faults.ts';
import { destroy, Session, type SessionOptions } from './session.ts';
import { withPlainReason } from './session-health.ts';

/** The connections of a pool. */
export interface PoolFigures {
  readonly idle: number;
  readonly busy: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
}

/**
 * SQLSTATEs of a database that opens no further session now: too many are open, in the server or for
 * this role or database (53300), or it lacks memory for one (53200).
 */
const NO_MORE_SESSIONS = ['53300', '53200'];

/** How long the pool keeps its present size before it opens a further session, in milliseconds. */
const KEEP_SIZE_MS = 1000;

/** After this a call that was refused a further session does not try again, in milliseconds. */
const WAIT_MS_MAX = 2000;

/** The object id of the type `text[]`; pg's declarations name no array types. */
const TEXT_ARRAY: number = 1009;

/** The sessions of this process: a `pg.Pool` whose clients are `Session`s. */
export class SessionPool {
  readonly #pool: pg.Pool;
  readonly #sessions = new Set<Session>();
  readonly #max: number;
  readonly #hosts: HostList | undefined;
  #answeredAt = -Infinity;
  #regrowth: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  /** @param poolMax most sessions at once. Nothing connects yet. */
  constructor(options: SessionOptions, poolMax: number) {
    this.#max = poolMax;
    this.#hosts = options.hosts;
    this.#pool = new pg.Pool({
      ...options,
      Client: Session,
      max: poolMax,
      types: ormTypes(),
      onConnect: requireUsable,
    } as object as pg.PoolConfig);
    this.#pool.on('connect', (client) => this.#sessions.add(client as unknown as Session));
    this.#pool.on('remove', (client) => this.#forget(client as unknown as Session));
  }

  /** Logs the loss of idle sessions. Without it such a loss would end the process. */
  reportTo(faults: FaultLog): void {
    this.#pool.on('error', (error) => faults.reportIdleSession(error));
  }

  /**
   * Runs `work` on a session that no other caller uses, and releases the session.
   *
   * @throws what `work` throws, or why no session could be opened in time
   */
  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.acquire();
    try {
      return await work(session);
    } finally {
      this.release(session);
    }
  }

  /** A session that no other caller uses, until `release`. */
  async acquire(): Promise<Session> {
    for (;;) {
      const session = await this.#connectToAny();
      // An idle session may have learned that the database takes no writes any more.
      if (!session.health.isSpent && !session.isAbandoned) return session;
      this.release(session);
    }
  }

  /** Returns a session to the pool. A spent one is closed, and the pool may open another. */
  release(session: Session): void {
    // The pool gives its clients this method.
    (session as unknown as pg.PoolClient).release(session.health.isSpent || session.isAbandoned);
  }

  figures(): PoolFigures {
    const { idleCount, totalCount, waitingCount } = this.#pool;
    return { idle: idleCount, busy: totalCount - idleCount, waiting: waitingCount };
  }

  /** When the database last answered a session of this pool, as `performance.now()` counts. */
  answeredAt(): number {
    return Math.max(
      this.#answeredAt,
      ...[...this.#sessions].map(({ health }) => health.answeredAt),
    );
  }

  /** Ends each session once it is released. Later callers are refused. A second call has no effect. */
  close(): Promise<void> {
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }

  /** Closes every connection at once. */
  cut(): void {
    for (const session of this.#sessions) destroy(session);
  }

  /** Of several hosts it tries each one once. */
  async #connectToAny(): Promise<Session> {
    const hosts = this.#hosts;
    if (hosts === undefined) return this.#connect();
    for (let tried = 1; ; tried += 1) {
      const { candidate } = hosts;
      try {
        return await this.#connect();
      } catch (error) {
        if (hosts.candidate === candidate) throw error;
        if (tried === hosts.all.length) throw ofNoHost(error as Error, tried);
      }
    }
  }

  /**
   * Where the database opens no further session, this waits for one that the pool has, as if the pool
   * were full.
   */
  async #connect(): Promise<Session> {
    const until = performance.now() + WAIT_MS_MAX;
    for (;;) {
      try {
        return (await this.#pool.connect()) as unknown as Session;
      } catch (error) {
        const isRefused = NO_MORE_SESSIONS.includes(sqlState(error) ?? '');
        const mayWait = this.#pool.totalCount > 0 && performance.now() < until;
        if (!isRefused || !mayWait) throw asConnectError(error as Error);
        this.#keepSize();
      }
    }
  }

  /** For a moment the pool is as large as it is now. */
  #keepSize(): void {
    const { options, totalCount } = this.#pool;
    options.max = totalCount;
    clearTimeout(this.#regrowth);
    this.#regrowth = setTimeout(() => void (options.max = this.#max), KEEP_SIZE_MS).unref();
  }

  #forget(session: Session): void {
    this.#sessions.delete(session);
    this.#answeredAt = Math.max(this.#answeredAt, session.health.answeredAt);
  }
}

/** Refuses a new session with a database that takes no writes; the pool then closes it. */
function requireUsable(client: unknown): void {
  const refusal = (client as Session).health.refusal();
  if (refusal === undefined) return (client as Session).confirmHost();
  (client as Session).refuseHost();
  throw refusal;
}

/** The reason of the last host alone would hide that the others were tried. */
function ofNoHost(error: Error, count: number): Error {
  if (isPoolExhausted(error)) return error;
  const reason = error.message || String((error as { readonly code?: unknown }).code);
  error.message = `none of the ${count} hosts takes writes (the last: ${reason})`;
  return error;
}

/** Marks that nothing was done, for any reason. A full pool has an error of its own. */
function asConnectError(error: Error): Error {
  if (isPoolExhausted(error)) return error;
  return Object.assign(withPlainReason(error), { whileConnecting: true });
}

/** How values of the database are read, the same as in the ORM's own pool: instants as text, for one. */
function ormTypes(): pg.CustomTypesConfig {
  const types = new pg.TypeOverrides();
  const parseArray = pg.types.getTypeParser(TEXT_ARRAY, 'text') as (text: string) => string[];
  for (const [oid, parser] of Object.entries(createPostgreSqlTypeParsers(parseArray)))
    types.setTypeParser(Number(oid), parser);
  return types;
}
