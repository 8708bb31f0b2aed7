import type { Settings } from './config.ts';
import type { Database } from './platform/database.ts';
import type { Logger } from './platform/log.ts';
import { migrate, pendingMigrations, whileAlone } from './platform/migrate.ts';
import { seedDemo } from './seed.ts';

/** The database is not one that this server may run on; the message says what to do. */
export class NotReadyToStart extends Error {
  override readonly name = 'NotReadyToStart';
}

const SERVER_VERSION = "select current_setting('server_version_num')::int as version";

/** The oldest PostgreSQL that the shop is tested on. */
const SERVER_VERSION_MIN = 150_000;

/**
 * Migrations and the demo sale, one server at a time; production migrates by command only.
 *
 * @throws NotReadyToStart when the database is too old, or production has migrations pending
 */
export async function prepareDatabase(
  database: Database,
  url: string,
  settings: Settings,
  log: Logger,
): Promise<void> {
  const [server] = await database.rows<{ version: number }>(SERVER_VERSION, []);
  if (server!.version < SERVER_VERSION_MIN) {
    throw new NotReadyToStart('DATABASE_URL names an older PostgreSQL; 15 or newer is needed.');
  }
  if (settings.production) {
    const pending = await pendingMigrations(database.orm);
    if (pending.length === 0) return;
    throw new NotReadyToStart(
      `${pending.length} migrations are pending: run npm run cli -- migrate first.`,
    );
  }
  await whileAlone(url, async () => {
    const migrations = await migrate(database.orm);
    if (migrations.length > 0) log.info({ migrations }, 'Migrated the database');
    if (settings.SEED_DEMO && (await seedDemo(database)))
      log.info({}, 'Made the demo sale: products 1, 2 and 3');
  });
}
