import { mkdtemp, rm, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { tables } from '../../mikro-orm.config.ts';
import type { Connection } from '../../src/postgres/url/connection.ts';
import { readDatabaseUrl } from '../../src/postgres/url/database-url.ts';
import { connectDatabase } from '../../src/postgres/database.ts';
import { startEmbeddedPostgres } from '../../src/postgres/embedded/embedded-postgres.ts';
import { silentLog } from '../../src/lib/log.ts';
import { migrate } from '../../src/postgres/migrate/migrate.ts';

/** The migrated template of all test databases. */
const TEMPLATE = `flash_sale_template_${process.pid}`;

const closers: (() => Promise<unknown>)[] = [];

/**
 * One Postgres for the whole run: that of DATABASE_URL, else an embedded one on a
 * free port. Durability is off there, because tests kill processes but never the machine.
 */
export async function startTestPostgres(): Promise<void> {
  const url = process.env['DATABASE_URL'] || (await startOwn());
  await admin(url, `create database ${TEMPLATE}`);
  closers.push(() => admin(url, `drop database ${TEMPLATE} with (force)`));
  const templateUrl = withDatabase(url, TEMPLATE);
  const database = await connectDatabase(tables, {
    connection: connectionTo(templateUrl),
    poolMax: 2,
    log: silentLog,
  });
  await migrate(database);
  await database.close();
  process.env['TEST_POSTGRES_URL'] = url;
  process.env['TEST_TEMPLATE'] = TEMPLATE;
}

/** Stops it and deletes its files. */
export async function stopTestPostgres(): Promise<void> {
  for (const close of closers.toReversed()) await close();
}

async function startOwn(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'flash-sale-test-'));
  // As root the database runs as another user, who must be able to enter the folder.
  await chmod(dataDir, 0o755);
  const postgres = await startEmbeddedPostgres({ dataDir, durable: false });
  closers.push(() => rm(dataDir, { recursive: true, force: true }));
  closers.push(() => postgres.stop());
  return postgres.url;
}

/** Runs one statement on the server itself. */
export async function admin(url: string, statement: string): Promise<void> {
  const session = new pg.Client({ connectionString: url });
  await session.connect();
  try {
    await session.query(statement);
  } finally {
    await session.end();
  }
}

/** The connection settings for a database. */
export function connectionTo(url: string): Connection {
  const { connection, complaints } = readDatabaseUrl(url);
  if (connection === undefined) throw new Error(complaints.join('\n'));
  return connection;
}

/** The URL of another database on the same server. */
export function withDatabase(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.toString();
}
