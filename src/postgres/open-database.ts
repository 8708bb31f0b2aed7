import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tables } from '../../mikro-orm.config.ts';
import type { Settings } from '../config/domain-settings.ts';
import type { Closers } from '../lib/closers.ts';
import { connectDatabase, type Database } from './database.ts';
import { readDatabaseUrl } from './url/database-url.ts';
import { EmbeddedPostgresInUse, startEmbeddedPostgres } from './embedded/embedded-postgres.ts';
import type { Logger } from '../lib/log.ts';

/** A connected database. */
export interface OpenDatabase {
  readonly database: Database;
  /** Where the embedded database is, for other processes of this server. */
  readonly embeddedUrl: string | undefined;
}

type DatabaseSettings = Pick<Settings, 'connection' | 'dataDir' | 'poolMax'>;

/**
 * Connects to the database that the settings name, or starts the embedded one for as long as the
 * closers are open.
 *
 * @param share whether an embedded database that a server runs already may be used beside it: for
 *   commands, never for a second server
 */
export async function openDatabase(
  settings: DatabaseSettings,
  {
    log,
    closers,
    share,
  }: { readonly log: Logger; readonly closers: Closers; readonly share: boolean },
): Promise<OpenDatabase> {
  const embeddedUrl =
    settings.connection === undefined
      ? await openEmbedded(settings.dataDir, log, closers, share)
      : undefined;
  const database = await connectDatabase(tables, {
    connection: settings.connection ?? readDatabaseUrl(embeddedUrl!).connection!,
    poolMax: settings.poolMax,
    // Commands may look at a standby.
    acceptReadOnly: share,
    log,
  });
  closers.push('the database', () => database.close());
  return { database, embeddedUrl };
}

/** Where the running embedded database is; it holds a password, so its owner alone may read it. */
const addressFile = (dataDir: string): string => join(dataDir, 'embedded-database-url');

async function openEmbedded(
  dataDir: string,
  log: Logger,
  closers: Closers,
  share: boolean,
): Promise<string> {
  try {
    const postgres = await startEmbeddedPostgres({ dataDir });
    closers.push('the embedded database', () => postgres.stop());
    writeFileSync(addressFile(dataDir), postgres.url, { mode: 0o600 });
    closers.push('its address', () => rmSync(addressFile(dataDir), { force: true }));
    log.info(
      { folder: postgres.folder },
      `Embedded PostgreSQL keeps its data in ${postgres.folder}`,
    );
    return postgres.url;
  } catch (error) {
    if (share && error instanceof EmbeddedPostgresInUse)
      return readFileSync(addressFile(dataDir), 'utf8');
    throw error;
  }
}
