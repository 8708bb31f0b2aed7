import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { hasPostmaster, lifeOf } from './processes.ts';

/** A running server uses this folder, or the database of an ended one uses it longer than the wait. */
export class FolderHeld extends Error {
  readonly folder: string;
  readonly ownerPid: number | undefined;

  constructor(folder: string, ownerPid: number | undefined) {
    super(`${folder} is held by process ${ownerPid ?? 'unknown'}`);
    this.folder = folder;
    this.ownerPid = ownerPid;
  }
}

interface Owner {
  readonly pid: number;
  readonly life: string;
}

/**
 * One keeper per folder. The lock is SQLite's exclusive transaction on an empty file: Node has no
 * flock of its own, and this is one. The kernel drops it with the process that holds it, so there is
 * no stale lock to clear and no process id to trust. The file is never deleted: a process that waits
 * on a deleted file would lock nothing.
 *
 * A note beside it names the server the keeper works for, for the message and for the verdict: a held
 * lock whose server lives is a refusal, one whose server is dead is a database about to be free.
 */
export class FolderLock {
  readonly #held: DatabaseSync;
  readonly #note: string;

  private constructor(held: DatabaseSync, note: string) {
    this.#held = held;
    this.#note = note;
  }

  /** Throws FolderHeld: at once when a live server has the folder, else when `giveUpAt` is past. */
  static async take(
    { cluster }: { readonly cluster: string },
    serverPid: number,
    { giveUpAt, signal }: { readonly giveUpAt: number; readonly signal: AbortSignal },
  ): Promise<FolderLock> {
    const note = `${cluster}.owner.json`;
    for (;;) {
      const held = lockFile(`${cluster}.lock`);
      const owner = liveOwner(note);
      if (held && !isOrphaned(cluster, owner, serverPid))
        return FolderLock.#noted(held, note, serverPid);
      held?.close();
      if (owner || performance.now() > giveUpAt) throw new FolderHeld(cluster, owner?.pid);
      await delay(50, undefined, { signal });
    }
  }

  static #noted(held: DatabaseSync, note: string, serverPid: number): FolderLock {
    const life = lifeOf(serverPid) ?? '';
    writeFileSync(note, JSON.stringify({ pid: serverPid, life } satisfies Owner));
    return new FolderLock(held, note);
  }

  release(): void {
    rmSync(this.#note, { force: true });
    this.#held.close();
  }
}

/** Lock free, server and database alive: only the keeper was killed. The folder is still theirs. */
function isOrphaned(cluster: string, owner: Owner | undefined, serverPid: number): boolean {
  return owner !== undefined && owner.pid !== serverPid && hasPostmaster(cluster);
}

/** The lock, or undefined while another process has it. */
function lockFile(file: string): DatabaseSync | undefined {
  const database = new DatabaseSync(file);
  try {
    database.exec('begin exclusive');
    return database;
  } catch (error) {
    database.close();
    const SQLITE_BUSY = 5;
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw new Error(`${file} cannot be locked: ${(error as Error).message}.`, { cause: error });
  }
}

/** No note, or half of one, is a keeper that has only just got the lock: ask again. */
function liveOwner(note: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(note, 'utf8')) as Owner;
    return lifeOf(owner.pid) === owner.life ? owner : undefined;
  } catch {
    return undefined;
  }
}
