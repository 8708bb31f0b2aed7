import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { extname, join, resolve } from 'node:path';
import type { KeeperAnswer, KeeperOptions, ReadyAnswer } from './supervisor.ts';
import { endStrayPostmaster } from './processes.ts';

/** A PostgreSQL 18 for this process only. It ends with the process. */
export interface EmbeddedPostgres {
  /** postgres:// URL of the ready database named in the options, loopback only. */
  readonly url: string;
  /** The cluster's folder. For root it may lie outside `dataDir`: see binaries.ts. */
  readonly folder: string;
  /** Clean (fast) shutdown; harmless twice; resolves once no postgres process is left. */
  stop(): Promise<void>;
}

/** What `startEmbeddedPostgres` needs to know; only the folder has no default. */
export interface EmbeddedPostgresOptions {
  /** The cluster goes into `<dataDir>/pg`. */
  readonly dataDir: string;
  /** Made when missing; `flash_sale` unless given. */
  readonly databaseName?: string;
  /** False switches fsync and its like off: faster, and a power cut loses the data. Tests only. */
  readonly durable?: boolean;
  /** More server flags, as in `['-c', 'log_statement=all']`. */
  readonly flags?: readonly string[];
}

/** The folder belongs to another server that is alive (or whose database will not end). */
export class EmbeddedPostgresInUse extends Error {
  readonly folder: string;
  readonly ownerPid: number | undefined;

  constructor(folder: string, ownerPid: number | undefined) {
    const owner = ownerPid === undefined ? 'another server' : `another server, process ${ownerPid}`;
    super(
      `The embedded database in ${folder} is in use by ${owner}: ` +
        'stop that one, or give this one a DATA_DIR of its own.',
    );
    this.name = 'EmbeddedPostgresInUse';
    this.folder = folder;
    this.ownerPid = ownerPid;
  }
}

/**
 * Starts the database below `dataDir`, making it first when there is none, and resolves when it
 * takes connections. Throws EmbeddedPostgresInUse when another live server has the folder; any other
 * failure carries the last lines PostgreSQL wrote.
 *
 * PostgreSQL is kept by a process of its own, the keeper (supervisor.ts). The channel to
 * the keeper is the whole protocol: while it is open the database runs; when it closes, by `stop()`
 * or because this process is gone however it went, the keeper stops the database and ends.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const keeper = forkKeeper({
    dataDir: resolve(options.dataDir),
    databaseName: options.databaseName ?? 'flash_sale',
    durable: options.durable ?? true,
    flags: options.flags ?? [],
    serverPid: process.pid,
  });
  const exited = once(keeper, 'exit').then(() => undefined);

  const answer = await answerOf(keeper, exited);
  if (answer.kind === 'ready') return new KeptPostgres(keeper, exited, answer);

  await exited;
  if (answer.kind === 'in-use') throw new EmbeddedPostgresInUse(answer.folder, answer.ownerPid);
  throw new Error(`The embedded database did not start. ${answer.reason}`);
}

class KeptPostgres implements EmbeddedPostgres {
  readonly url: string;
  readonly folder: string;
  readonly #keeper: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #postmasterPid: number;
  #stopped: Promise<void> | undefined;

  constructor(keeper: ChildProcess, exited: Promise<void>, ready: ReadyAnswer) {
    this.url = ready.url;
    this.folder = ready.folder;
    this.#keeper = keeper;
    this.#exited = exited;
    this.#postmasterPid = ready.postmasterPid;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    if (this.#keeper.connected) this.#keeper.disconnect();
    await this.#exited;
    // A keeper that was killed could not stop its database.
    await endStrayPostmaster(this.folder, this.#postmasterPid);
  }
}

/**
 * A session of its own (`detached`), so that Ctrl-C in the terminal reaches the server only: it drains
 * first and stops the database last. The file is the sibling of this one, compiled or not: Node strips
 * the types itself. The server's own Node flags (--watch, --import …) are not the keeper's business.
 */
function forkKeeper(options: KeeperOptions): ChildProcess {
  const extension = extname(import.meta.filename);
  return fork(join(import.meta.dirname, `supervisor${extension}`), [JSON.stringify(options)], {
    detached: true,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

function answerOf(keeper: ChildProcess, exited: Promise<void>): Promise<KeeperAnswer> {
  return new Promise((settle, reject) => {
    const listen = (message: object): void => {
      // `node --watch` reports loaded files over the same channel.
      if (!isAnswer(message)) return;
      keeper.off('message', listen);
      settle(message);
    };
    keeper.on('message', listen);
    exited.then(
      () => settle({ kind: 'failed', reason: `Its keeper ended with code ${keeper.exitCode}.` }),
      reject,
    );
  });
}

function isAnswer(message: object): message is KeeperAnswer {
  return 'kind' in message;
}
