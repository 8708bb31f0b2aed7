import { setTimeout as delay } from 'node:timers/promises';
import { Postmaster, ensureCluster, ensureDatabase, readPassword } from './cluster.ts';
import { FolderHeld, FolderLock } from './data-dir-lock.ts';
import { findPlace, type Place } from './binaries.ts';
import { endStrayPostmaster } from './processes.ts';

/*
 * The keeper: a detached process that owns the database on behalf of one server. Its life:
 *
 *   waiting   the folder's lock is held by the keeper of a server that has died and is stopping
 *   making    initdb, when there is no cluster yet
 *   starting  PostgreSQL runs and does not take connections yet
 *   ready     the server has received the URL
 *   stopping  the channel to the server is closed: PostgreSQL is stopped, then the lock released
 *
 * A closed channel leads from every state to `stopping`.
 */

/** What the server hands its keeper, as JSON in the first argument (so: no secrets). */
export interface KeeperOptions {
  readonly dataDir: string;
  readonly databaseName: string;
  readonly durable: boolean;
  readonly flags: readonly string[];
  readonly serverPid: number;
}

/** The good answer. `postmasterPid` is for the server that outlives its keeper. */
export interface ReadyAnswer {
  readonly kind: 'ready';
  readonly url: string;
  readonly folder: string;
  readonly postmasterPid: number;
}

/** The one message a keeper sends its server. */
export type KeeperAnswer =
  | ReadyAnswer
  | { readonly kind: 'in-use'; readonly folder: string; readonly ownerPid: number | undefined }
  | { readonly kind: 'failed'; readonly reason: string };

// Fifteen seconds: the database of an ended server writes its last checkpoint in this time even on a
// slow disk, and a person at the terminal still waits.
const LOCK_WAIT_MS = 15_000;

// Processes that still run after their postmaster crashed, and a port that another process took in
// between. Both pass, so both are worth another try.
const PASSING_TROUBLE = /still in use|postmaster\.pid" already exists|Address already in use/;

const FAST_AND_LOSSY = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

// Only the server decides when its database stops: it needs it while it drains. A signal to
// the process group reaches the server too, and the server closes the channel.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);

const serverGone = new AbortController();
process.once('disconnect', () => serverGone.abort());
// The server may have died while this file was loading, before anybody listened.
if (!process.connected) serverGone.abort();

const exitCode = await keep(JSON.parse(process.argv[2] ?? '{}') as KeeperOptions);
process.exit(exitCode);

async function keep(options: KeeperOptions): Promise<number> {
  let lock: FolderLock | undefined;
  let postmaster: Postmaster | undefined;
  try {
    const place = findPlace(options.dataDir);
    lock = await FolderLock.take(place, options.serverPid, waiting());
    await endStrayPostmaster(place.cluster);
    await ensureCluster(place, options);
    postmaster = await startPostmaster(place, options);
    const url = await ensureDatabase(postmaster.port, options.databaseName, readPassword(place));

    await answer({ kind: 'ready', url, folder: place.cluster, postmasterPid: postmaster.pid });
    await Promise.race([aborted(serverGone.signal), postmaster.exited]);
    if (!serverGone.signal.aborted)
      process.stderr.write(`PostgreSQL ended.\n${postmaster.lastLines()}\n`);
    return 0;
  } catch (error) {
    if (!serverGone.signal.aborted) await answer(refusal(error));
    return 1;
  } finally {
    // In this order: the next holder of the lock relies on PostgreSQL having ended.
    await postmaster?.stop();
    lock?.release();
  }
}

/** Resolves with a PostgreSQL that takes connections; tries again while the trouble is a passing one. */
async function startPostmaster(place: Place, options: KeeperOptions): Promise<Postmaster> {
  const { giveUpAt, signal } = waiting();
  const settings = options.durable ? [] : FAST_AND_LOSSY;
  const flags = [...settings.flatMap((setting) => ['-c', setting]), ...options.flags];
  for (;;) {
    signal.throwIfAborted();
    const postmaster = await Postmaster.spawn(place, flags);
    await Promise.race([postmaster.ready, postmaster.exited, aborted(signal)]);
    if (postmaster.isReady) return postmaster;

    await postmaster.stop();
    signal.throwIfAborted();
    const lines = postmaster.lastLines();
    if (!PASSING_TROUBLE.test(lines) || performance.now() > giveUpAt) {
      throw new Error(`PostgreSQL's last words were:\n${lines}`);
    }
    await delay(250, undefined, { signal });
  }
}

function waiting(): { readonly giveUpAt: number; readonly signal: AbortSignal } {
  return { giveUpAt: performance.now() + LOCK_WAIT_MS, signal: serverGone.signal };
}

function refusal(error: unknown): KeeperAnswer {
  if (error instanceof FolderHeld) {
    return { kind: 'in-use', folder: error.folder, ownerPid: error.ownerPid };
  }
  return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
}

/** Resolves when the message is on its way, or when the reader has ended. */
function answer(message: KeeperAnswer): Promise<void> {
  return new Promise((done) => {
    if (!process.connected) return done();
    process.send?.(message, undefined, undefined, () => done());
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) return done();
    signal.addEventListener('abort', () => done(), { once: true });
  });
}
