import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../postgres/embedded/embedded-postgres.ts';
import { clientConfig, DatabaseClient, type Connection } from '../postgres/url/connection.ts';
import { readDatabaseUrl } from '../postgres/url/database-url.ts';
import type { Closers } from '../lib/closers.ts';
import { AnswerDelay, DatabaseLink } from './database-link.ts';

/** An empty database for one rehearsal, and a folder for its servers. Both are removed at the end. */
export interface Scratch {
  readonly folder: string;
  /** The database settings of the servers. */
  readonly settings: Readonly<Record<string, string>> & { readonly DATABASE_URL: string };
  /** How the rehearsal reaches the database, also while it is slow for the servers. */
  readonly connection: Connection;
  /** The process whose children are PostgreSQL; undefined for a database that runs elsewhere. */
  readonly postgresParent: number | undefined;
  /** Slows the database down for the servers; undefined where nothing is between them. */
  readonly delay: AnswerDelay | undefined;
}

/** Which database a rehearsal uses. */
export interface ScratchOptions {
  /** Database settings of the user's PostgreSQL; undefined: an embedded one. */
  readonly own: Readonly<Record<string, string>> | undefined;
  /** Whether the database can be slowed down. */
  readonly isSlowable: boolean;
}

/** Creates the database and the folder for as long as the closers are open. */
export async function openScratch(
  { own, isSlowable }: ScratchOptions,
  closers: Closers,
): Promise<Scratch> {
  const folder = mkdtempSync(join(tmpdir(), 'flash-sale-rehearsal-'));
  closers.push('the folder', () => rmSync(folder, { recursive: true, force: true }));
  // As root the database runs as another user, who must be able to enter the folder.
  chmodSync(folder, 0o755);
  if (own !== undefined) return { folder, ...(await createOwn(own, closers)) };
  const postgres = await startEmbeddedPostgres({ dataDir: folder });
  // Root's cluster may be outside of the folder.
  closers.push('the data', () => rmSync(postgres.folder, { recursive: true, force: true }));
  closers.push('the database', () => postgres.stop());
  const delay = isSlowable ? new AnswerDelay() : undefined;
  let url = postgres.url;
  if (delay !== undefined) {
    const link = await DatabaseLink.open(url, delay.pass);
    closers.push('the link to the database', () => link[Symbol.asyncDispose]());
    url = link.url;
  }
  const connection = readDatabaseUrl(postgres.url).connection!;
  return {
    folder,
    settings: { DATABASE_URL: url },
    connection,
    postgresParent: process.pid,
    delay,
  };
}

/**
 * Creates a database of its own on the user's PostgreSQL. A schema beside the live tables would share
 * the change notifications and the advisory locks of the live servers: both belong to a database.
 */
async function createOwn(
  own: Readonly<Record<string, string>>,
  closers: Closers,
): Promise<Omit<Scratch, 'folder'>> {
  const name = `flash_sale_rehearsal_${randomBytes(4).toString('hex')}`;
  const live = readDatabaseUrl(own['DATABASE_URL']!, own).connection!;
  if (live.hosts !== undefined)
    throw new Error('DATABASE_URL names several hosts; a rehearsal needs the primary alone.');
  const url = new URL(own['DATABASE_URL']!);
  url.pathname = `/${name}`;
  const settings = { ...own, DATABASE_URL: url.toString() };
  const { connection } = readDatabaseUrl(settings.DATABASE_URL, own);
  if (connection?.database !== name)
    throw new Error('DATABASE_URL names its database in a parameter; name it in the path.');
  await onServer(live, `create database ${name}`);
  closers.push('the scratch database', () => onServer(live, `drop database ${name} with (force)`));
  return { settings, connection, postgresParent: undefined, delay: undefined };
}

async function onServer(connection: Connection, statement: string): Promise<void> {
  const client = new DatabaseClient(
    clientConfig(connection, { applicationName: 'flash-sale rehearsal' }),
  );
  // The query reports a lost connection. Without a listener this event would throw.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
