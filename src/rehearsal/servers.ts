import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

/** A start takes seconds of CPU time, which is a minute on a very busy machine. */
const READY_MS = 120_000;
const READY_POLL_MS = 50;

/** After this a stopping server is killed. Nothing of a rehearsal is worth a longer wait. */
const STOP_MS = 5000;

/** Lines of a server's output that are kept for an error. */
const OUTPUT_LENGTH = 4000;

const EXTENSION = extname(import.meta.filename);
const PROGRAM = join(import.meta.dirname, `../main${EXTENSION}`);
const PRELOADED = pathToFileURL(join(import.meta.dirname, `end-with-parent${EXTENSION}`)).href;

interface Running {
  readonly child: ChildProcess;
  output: string;
}

/** The server processes of a rehearsal: one database, one port each, also after a restart. */
export class Servers {
  readonly urls: readonly string[];
  readonly #folder: string;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #running: Running[] = [];

  private constructor(ports: readonly number[], folder: string, settings: Servers['settings']) {
    this.urls = ports.map((port) => `http://127.0.0.1:${port}`);
    this.#folder = folder;
    this.#settings = settings;
  }

  /** The settings of every server. */
  get settings(): Readonly<Record<string, string>> {
    return this.#settings;
  }

  /** Process ids of the running servers. */
  get pids(): number[] {
    return this.#running
      .filter(({ child }) => child.exitCode === null && child.signalCode === null)
      .map(({ child }) => child.pid!);
  }

  /** Chooses a free port for each server. They start with `start`. */
  static async create(
    count: number,
    { folder, settings }: { readonly folder: string; readonly settings: Servers['settings'] },
  ): Promise<Servers> {
    const ports = await Promise.all(Array.from({ length: count }, freePort));
    return new Servers(ports, folder, settings);
  }

  /** Starts all servers. @throws where one ends before it is ready, with its output */
  async start(signal: AbortSignal): Promise<void> {
    for (const index of this.urls.keys()) this.#spawn(index);
    await Promise.all(this.urls.map((_, index) => this.#ready(index, signal)));
  }

  /** Kills a server without a warning, and starts it again after some milliseconds. */
  async kill(index: number, awayMs: number, signal: AbortSignal): Promise<void> {
    const { child } = this.#running[index]!;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    await delay(awayMs, undefined, { signal });
    this.#spawn(index);
    await this.#ready(index, signal);
  }

  /** Stops all servers, by force after some seconds. */
  async stop(): Promise<void> {
    await Promise.all(
      this.#running.map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, 'exit');
        const forced = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        child.kill('SIGTERM');
        await exited;
        clearTimeout(forced);
      }),
    );
  }

  #spawn(index: number): void {
    const child = fork(PROGRAM, [], {
      // Neither the caller's environment nor its `.env` reaches the servers.
      cwd: this.#folder,
      env: {
        // Only the first server compiles all modules.
        NODE_COMPILE_CACHE: join(this.#folder, 'compiled'),
        ...this.#settings,
        PORT: new URL(this.urls[index]!).port,
      },
      execArgv: ['--import', PRELOADED],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const running: Running = { child, output: '' };
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => {
        running.output = (running.output + chunk.toString()).slice(-OUTPUT_LENGTH);
      });
    this.#running[index] = running;
  }

  async #ready(index: number, signal: AbortSignal): Promise<void> {
    const url = `${this.urls[index]!}/readyz`;
    const startedAt = performance.now();
    for (;;) {
      signal.throwIfAborted();
      const running = this.#running[index]!;
      const isOver = running.child.exitCode !== null || performance.now() - startedAt > READY_MS;
      if (isOver) throw new Error(`Server ${index + 1} did not start. ${running.output.trim()}`);
      const response = await fetch(url, { headers: { connection: 'close' } }).catch(
        () => undefined,
      );
      if (response?.status === 200) return;
      await delay(READY_POLL_MS, undefined, { signal });
    }
  }
}

/** Free at this moment; another process may take it before the server does. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
