import type { Settings } from './config.ts';
import type { Database } from './platform/database.ts';
import type { Logger } from './platform/log.ts';
import { migrate, pendingMigrations, whileAlone } from './platform/migrate.ts';
import { seedDemo } from './seed.ts';

/** The database is not one that this server may run on: every complaint, one line each. */
export class NotReadyToStart extends Error {
  override readonly name = 'NotReadyToStart';

  constructor(complaints: readonly string[]) {
    super(complaints.join('\n'));
  }
}

/** What a database says of itself, as this server's own sessions have it. */
const ABOUT = `
  select current_setting('server_version_num')::int as version,
    current_setting('max_connections')::int as "connectionsMax",
    array(select name from unnest(array['fsync', 'full_page_writes', 'synchronous_commit']) as name
      where current_setting(name) = 'off') as "lossy"`;

interface About {
  readonly version: number;
  readonly connectionsMax: number;
  /** Settings that are off, and with which a committed sale may be lost. */
  readonly lossy: readonly string[];
}

/** The oldest PostgreSQL that the shop is tested on. */
const SERVER_VERSION_MIN = 150_000;

/**
 * Migrations and the demo sale, one server at a time; production migrates by command only.
 *
 * @throws NotReadyToStart with all complaints at once: the database is away or too old, or in
 *   production not durable, too small or not migrated
 */
export async function prepareDatabase(
  database: Database,
  settings: Settings,
  log: Logger,
): Promise<void> {
  const complaints = complaintsOf(await look(database), settings);
  if (settings.production) complaints.push(...(await unmigrated(database)));
  if (complaints.length > 0) throw new NotReadyToStart(complaints);
  if (settings.production) return;
  await whileAlone(database, async () => {
    const migrations = await migrate(database);
    if (migrations.length > 0) log.info({ migrations }, 'Migrated the database');
    if (settings.SEED_DEMO && (await seedDemo(database)))
      log.info({}, 'Made the demo sale: products 1, 2 and 3');
  });
}

/** The first word with the database: whatever is wrong with it is for the operator to mend. */
async function look(database: Database): Promise<About> {
  try {
    const [about] = await database.rows<About>(ABOUT, []);
    return about!;
  } catch (error) {
    const { message, code } = causeOf(error) as Error & { readonly code?: string };
    throw new NotReadyToStart([`DATABASE_URL cannot be used: ${message || code}.`]);
  }
}

/** A fault says what it means for a buyer; its cause says what happened. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

function complaintsOf({ version, connectionsMax, lossy }: About, settings: Settings): string[] {
  const complaints: string[] = [];
  if (version < SERVER_VERSION_MIN)
    complaints.push('DATABASE_URL names an older PostgreSQL; 15 or newer is needed.');
  if (!settings.production) return complaints;
  if (!settings.ALLOW_DATA_LOSS) {
    complaints.push(
      ...lossy.map(
        (name) =>
          `${name} is off in the database: a crash could lose what was sold. Turn it on, or set ALLOW_DATA_LOSS=true.`,
      ),
    );
  }
  const { DATABASE_POOL_MAX: pool, WORKERS: workers, SERVERS: servers } = settings;
  if (pool * workers * servers > connectionsMax) {
    complaints.push(
      `DATABASE_POOL_MAX × WORKERS × SERVERS = ${pool} × ${workers} × ${servers} is more than the database’s max_connections, ${connectionsMax}.`,
    );
  }
  return complaints;
}

async function unmigrated({ orm }: Database): Promise<string[]> {
  const { length } = await pendingMigrations(orm);
  if (length === 0) return [];
  return [`${length} migrations are pending: run npm run cli -- migrate first.`];
}
