import type { Settings } from './config/domain-settings.ts';
import type { Database } from './postgres/database.ts';
import { isFault } from './lib/faults.ts';
import { isUnavailable, sqlState } from './postgres/faults.ts';
import type { Logger } from './lib/log.ts';
import { migrate, withStartupLock } from './postgres/migrate/migrate.ts';
import { readSchemaState, type SchemaState } from './postgres/migrate/schema-complaints.ts';
import { seedDemo } from './shop/stock/seed-demo.ts';

/** This server cannot run on this database: every complaint, one line each. */
export class NotReadyToStart extends Error {
  override readonly name = 'NotReadyToStart';

  constructor(complaints: readonly string[]) {
    super(complaints.join('\n'));
  }
}

/** The capacity and durability settings of the database, as this server's sessions see them. */
const ABOUT = `
  select current_setting('max_connections')::int as "connectionsMax",
    array(select name from unnest(array['fsync', 'full_page_writes', 'synchronous_commit']) as name
      where current_setting(name) = 'off') as "lossy"`;

interface About {
  readonly connectionsMax: number;
  /** Durability settings that are off: a crash can lose committed sales. */
  readonly lossy: readonly string[];
}

/**
 * Applies migrations and seeds the demo sale, one server at a time. Production migrates by command
 * only.
 *
 * @throws NotReadyToStart with all complaints at once: the database is unavailable, too old, not UTF8,
 *   used by another application, not accessible to the role or not preparable; in production also not
 *   durable, too small or not migrated
 */
export async function prepareDatabase(
  database: Database,
  settings: Settings,
  log: Logger,
): Promise<void> {
  if (!settings.production) await requireMigratable(database);
  else {
    const { complaints, pending } = await readOrComplain(() => readSchemaState(database));
    const [about] = await readOrComplain(() => database.rows<About>(ABOUT, []));
    const all = [...complaints, ...productionComplaints(about!, settings), ...unmigrated(pending)];
    if (all.length > 0) throw new NotReadyToStart(all);
    return;
  }
  const onWait = (message: string): void => log.warn({}, message);
  const prepared = withStartupLock(database, onWait, async (lock) => {
    const migrations = await migrate(database, lock);
    if (migrations.length > 0) log.info({ migrations }, 'Migrated the database');
    if (settings.seedDemo && (await seedDemo(database)))
      log.info({}, 'Seeded demo catalogue: products 1, 2 and 3');
  });
  await prepared.catch((error: unknown) => {
    throw notPrepared(error);
  });
}

/** An admin can fix a reason that the database gives. Any other error is a bug and keeps its stack. */
function notPrepared(error: unknown): unknown {
  const cause = causeOf(error);
  const code = sqlState(cause) ?? '';
  const isOfDatabase = isFault(error) || isUnavailable(cause) || SQLSTATE.test(code);
  if (!isOfDatabase) return error;
  const state = SQLSTATE.test(code) ? ` (${code})` : '';
  return new NotReadyToStart([`The database cannot be prepared: ${reasonOf(cause)}${state}.`]);
}

const SQLSTATE = /^[0-9A-Z]{5}$/;

/**
 * Requires a database that migrations can run on. It changes nothing.
 *
 * @throws NotReadyToStart with all complaints at once
 */
export async function requireMigratable(database: Database): Promise<void> {
  const { complaints, mayNotMigrate } = await readOrComplain(() => readSchemaState(database));
  const all = mayNotMigrate === undefined ? complaints : [...complaints, mayNotMigrate];
  if (all.length > 0) throw new NotReadyToStart(all);
}

/** Runs a read. @throws NotReadyToStart if it fails, with a reason that an admin can act on */
async function readOrComplain<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof NotReadyToStart) throw error;
    throw new NotReadyToStart([`DATABASE_URL cannot be used: ${reasonOf(causeOf(error))}.`]);
  }
}

/** Without a full stop. Messages of TLS have lines of numbers after the first. */
function reasonOf(error: unknown): string {
  const { message, code } = error as Error & { readonly code?: string };
  const [reason] = (message || code || 'unknown reason').split('\n');
  return reason!.replace(/\.$/, '');
}

/** A fault's message is for buyers; its cause has the technical reason. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

function productionComplaints({ connectionsMax, lossy }: About, settings: Settings): string[] {
  const complaints: string[] = [];
  if (!settings.allowDataLoss) {
    complaints.push(
      ...lossy.map(
        (name) =>
          `${name} is off in the database: a crash can lose committed sales. Turn it on, or set ALLOW_DATA_LOSS=true.`,
      ),
    );
  }
  const { poolMax: pool, workers, servers } = settings;
  if (pool * workers * servers > connectionsMax) {
    complaints.push(
      `DATABASE_POOL_MAX × WORKERS × SERVERS = ${pool} × ${workers} × ${servers} is more than the database’s max_connections, ${connectionsMax}.`,
    );
  }
  return complaints;
}

function unmigrated(pending: SchemaState['pending']): string[] {
  if (pending.length === 0) return [];
  const count = pending === 'all' ? 'All' : pending.length;
  return [`${count} migrations are pending: run npm run cli -- migrate first.`];
}
