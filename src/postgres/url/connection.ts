import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import type { Host, HostList } from './host-list.ts';

/** How a database is reached. Read once from `DATABASE_URL`, and used by every session. */
export interface Connection {
  /** A name, an address without brackets, or the folder of a socket. */
  readonly host: string;
  readonly port: number;
  /** Where the URL names several hosts: all of them, the first one included. */
  readonly hosts?: HostList | undefined;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Undefined: clear text. */
  readonly tls: ConnectionOptions | undefined;
  readonly tlsNegotiation: 'postgres' | 'direct';
  /** The name of every session in pg_stat_activity, where the URL gives one. */
  readonly applicationName: string | undefined;
  /** Server settings of every session, as in `-c search_path=shop`. */
  readonly options: string | undefined;
  /** Longest wait for a new session, where the URL gives one. */
  readonly connectTimeoutMs: number | undefined;
  readonly keepAlive: boolean;
  readonly keepAliveIdleMs: number;
}

/** Longest wait for a new session where the URL gives none: a buyer gets an answer within it. */
const CONNECT_TIMEOUT_MS = 2000;

/** What one kind of session adds to the connection. */
interface SessionKind {
  /** Used where the URL gives no name. */
  readonly applicationName: string;
  /** Server settings that win over those of the URL. */
  readonly options?: string;
}

/** The configuration of a client, and the hosts to choose from where there are several. */
export interface DatabaseConfig extends pg.ClientConfig {
  readonly hosts?: HostList | undefined;
}

/**
 * The configuration of a node-postgres client. It names everything that node-postgres would
 * otherwise read from the `PG*` variables of the environment.
 */
export function clientConfig(connection: Connection, kind: SessionKind): DatabaseConfig {
  const { host, port, user, password, database, tls } = connection;
  return {
    host,
    port,
    hosts: connection.hosts,
    user,
    password,
    database,
    // A copy, as node-postgres changes what it gets.
    ssl: tls === undefined ? false : { ...tls },
    sslnegotiation: connection.tlsNegotiation,
    application_name: connection.applicationName ?? kind.applicationName,
    // Postgres applies them in order, so the last one wins.
    options: [connection.options, kind.options].filter(Boolean).join(' ') || undefined,
    client_encoding: 'UTF8',
    connectionTimeoutMillis: connection.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    keepAlive: connection.keepAlive,
    keepAliveInitialDelayMillis: connection.keepAliveIdleMs,
  };
}

/**
 * A node-postgres client that reads no `PG*` variable. `PGOPTIONS` and `PGREPLICATION` reach a client
 * that is configured without them, and no value of the configuration prevents it.
 *
 * Of several hosts it connects to the candidate, and reports a host that cannot be reached.
 */
export class DatabaseClient extends pg.Client {
  readonly #hosts: HostList | undefined;
  readonly #host: Host | undefined;

  constructor(config: DatabaseConfig) {
    const host = config.hosts?.candidate;
    // The pool hides the password from a copy.
    const { password = '' } = config;
    super(host === undefined ? config : { ...config, password, ...addressOf(host) });
    this.#hosts = config.hosts;
    this.#host = host;
    const { connectionParameters } = this as unknown as {
      readonly connectionParameters: { options: string | undefined; replication: undefined };
    };
    connectionParameters.options = config.options;
    connectionParameters.replication = undefined;
  }

  override connect(): Promise<pg.Client>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<pg.Client> | void {
    if (callback !== undefined)
      return super.connect((error: Error) => {
        this.#noteFailure(error);
        callback(error);
      });
    return super.connect().catch((error: Error) => {
      this.#noteFailure(error);
      throw error;
    });
  }

  /** The host of this session takes no writes: the next session tries another one. */
  refuseHost(): void {
    if (this.#host) this.#hosts?.failed(this.#host);
  }

  /** The host of this session takes writes: sessions on others must close. */
  confirmHost(): void {
    if (this.#host) this.#hosts?.confirmed(this.#host);
  }

  /** Whether another host of the list takes the writes now. */
  get isAbandoned(): boolean {
    return this.#host !== undefined && this.#hosts!.isAbandoned(this.#host);
  }

  /** A wrong password or a full server is no reason for another host; one that starts or stops is. */
  #noteFailure(error: (Error & { readonly code?: unknown }) | null | undefined): void {
    const isUp = error instanceof pg.DatabaseError && !String(error.code).startsWith('57P');
    if (error && !isUp) this.refuseHost();
  }
}

const addressOf = ({ host, port, tls }: Host): pg.ClientConfig => ({
  host,
  port,
  // A copy, as node-postgres changes what it gets.
  ssl: tls === undefined ? false : { ...tls },
});
