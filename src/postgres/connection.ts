import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';

/** How a database is reached. Read once from `DATABASE_URL`, and used by every session. */
export interface Connection {
  /** A name, an address without brackets, or the folder of a socket. */
  readonly host: string;
  readonly port: number;
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

/**
 * The configuration of a node-postgres client. It names everything that node-postgres would
 * otherwise read from the `PG*` variables of the environment.
 */
export function clientConfig(connection: Connection, kind: SessionKind): pg.ClientConfig {
  const { host, port, user, password, database, tls } = connection;
  return {
    host,
    port,
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
 */
export class DatabaseClient extends pg.Client {
  constructor(config: pg.ClientConfig) {
    super(config);
    const { connectionParameters } = this as unknown as {
      readonly connectionParameters: { options: string | undefined; replication: undefined };
    };
    connectionParameters.options = config.options;
    connectionParameters.replication = undefined;
  }
}
