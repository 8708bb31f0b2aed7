import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tables } from '../../mikro-orm.config.ts';
import { connectDatabase } from '../../src/postgres/database.ts';
import {
  ensureCluster,
  ensureDatabase,
  Postmaster,
  readPassword,
} from '../../src/postgres/embedded/cluster.ts';
import { findPlace } from '../../src/postgres/embedded/binaries.ts';
import { silentLog } from '../../src/lib/log.ts';
import { migrate } from '../../src/postgres/migrate/migrate.ts';
import { freePort } from './server-process.ts';
import { openSession, until } from './shop.ts';
import { admin, connectionTo } from './test-postgres.ts';

/** Commits may be lost when the machine crashes, which no test does. */
const FAST = ['-c', 'fsync=off', '-c', 'full_page_writes=off'];

/**
 * A separate PostgreSQL from the embedded binaries, always on the same port, for tests
 * that change the settings of the server, restart it, or make it a standby.
 */
export class OwnPostgres implements AsyncDisposable {
  /** The URL of its migrated database. */
  readonly url: string;
  readonly #folder: string;
  readonly #place: ReturnType<typeof findPlace>;
  readonly #flags: readonly string[];
  #postmaster: Postmaster | undefined;

  private constructor(folder: string, port: number, flags: readonly string[]) {
    this.#folder = folder;
    this.#place = findPlace(folder);
    this.#flags = [...FAST, '-p', String(port), ...flags];
    this.url = `postgres://postgres:PASSWORD@127.0.0.1:${port}/shop`;
  }

  /** Creates a cluster with a migrated database and starts it with these server flags. */
  static async start(...flags: readonly string[]): Promise<OwnPostgres> {
    const folder = mkdtempSync(join(tmpdir(), 'flash-sale-own-'));
    // As root the database runs as another user, who must be able to enter the folder.
    chmodSync(folder, 0o755);
    const port = await freePort();
    const own = new OwnPostgres(folder, port, flags);
    await ensureCluster(own.#place, { durable: false });
    const password = readPassword(own.#place);
    Object.assign(own, { url: own.url.replace('PASSWORD', password) });
    await own.#spawn();
    await own.#postmaster!.ready;
    await ensureDatabase(port, 'shop', password);
    const database = await connectDatabase(tables, {
      connection: connectionTo(own.url),
      poolMax: 2,
      log: silentLog,
    });
    await migrate(database);
    await database.close();
    return own;
  }

  /** Changes a server setting for all sessions, including open ones; null resets it. */
  async set(name: string, value: string | null): Promise<void> {
    await using session = await openSession(this.url);
    // This session may write even when the server's default is read-only.
    await session.query('set default_transaction_read_only = off');
    const change = value === null ? `reset ${name}` : `set ${name} = '${value}'`;
    await session.query(`alter system ${change}`);
    await session.query('select pg_reload_conf()');
    await until(`${name} to be loaded`, async () => {
      await using fresh = await openSession(this.url);
      const { rows } = await fresh.query<{ isLoaded: boolean }>(
        'select reset_val = coalesce($2, boot_val) as "isLoaded" from pg_settings where name = $1',
        [name, value],
      );
      return rows[0]!.isLoaded;
    });
  }

  /** Restarts it as a hot standby, which accepts sessions but no writes until it is promoted. */
  async restartAsStandby(): Promise<void> {
    await this.#postmaster!.stop();
    writeFileSync(join(this.#place.cluster, 'standby.signal'), '');
    await this.#spawn();
    await until('the standby', () =>
      admin(this.url, 'select 1').then(
        () => true,
        () => false,
      ),
    );
  }

  async stop(): Promise<void> {
    await this.#postmaster?.stop();
  }

  /** Starts it again after a stop. */
  async startAgain(): Promise<void> {
    await this.#spawn();
    await this.#postmaster!.ready;
  }

  async #spawn(): Promise<void> {
    this.#postmaster = await Postmaster.spawn(this.#place, this.#flags);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
