import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AS_ADMIN, ask } from './graphql-client.ts';
import { ROOT } from './project.ts';
import { ADMIN_TOKEN } from './server.ts';
import { until } from './shop.ts';

/** A start takes four seconds of CPU time, which is up to a minute on a very busy machine. */
const READY_MS = 120_000;

/** A server process and its output. */
export interface Running {
  readonly child: ChildProcess;
  /** The output so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** The exit code, once the process has ended. */
  readonly exited: Promise<number | null>;
  /** The URL from the log line that it is ready. */
  ready(): Promise<string>;
}

/** Compiled code of the started processes. Without it, each start compiles all modules again. */
const COMPILE_CACHE = join(tmpdir(), 'node-compile-cache');

/** Builds the server as `npm start` runs it, if a source is newer. Test files in parallel build in turn. */
export function buildServer(): void {
  const build = ['npm', 'run', '--silent', 'build:if-stale'];
  execFileSync('flock', [join(ROOT, 'package.json'), ...build], { cwd: ROOT, stdio: 'ignore' });
}

/** The arguments and the environment to run a built program, `main` or `cli`, with these settings only. */
export function builtProgram(name: 'main' | 'cli', settings: Readonly<Record<string, string>>) {
  const { PATH } = process.env;
  return {
    path: join(ROOT, `dist/src/${name}.js`),
    env: { PATH, NODE_COMPILE_CACHE: COMPILE_CACHE, ...settings },
  };
}

/** The server processes of one test, with a temporary folder. */
export class ServerProcesses {
  /** Their working directory, outside the project. */
  readonly dataDir: string;
  readonly #processes: ChildProcess[] = [];

  constructor() {
    this.dataDir = mkdtempSync(join(tmpdir(), 'flash-sale-process-'));
    // As root the database runs as another user, who must be able to enter the folder.
    chmodSync(this.dataDir, 0o755);
  }

  /** Starts the built server with these settings only; with `filesMax` it may open no more files. */
  start(settings: Record<string, string> = {}, filesMax?: number): Running {
    const limited = filesMax === undefined ? '' : `ulimit -n ${filesMax} && `;
    const { path, env } = builtProgram('main', {
      PORT: '0',
      DATA_DIR: join(this.dataDir, 'data'),
      ADMIN_TOKEN,
      // A stop waits for a tenth of it until no request arrives.
      SHUTDOWN_GRACE_SECONDS: '5',
      ...settings,
    });
    const child = spawn('sh', ['-c', `${limited}exec "$0" "$1"`, process.execPath, path], {
      cwd: this.dataDir,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#processes.push(child);
    let [out, err] = ['', ''];
    child.stdout!.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const exited = once(child, 'exit').then(([code]) => code as number | null);
    return {
      child,
      out: () => out,
      err: () => err,
      exited,
      ready: () =>
        until(
          'the ready line',
          () => {
            if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}: ${err}`);
            return /"msg":"Ready\. GraphQL (http:\S+)\/graphql/.exec(out)?.[1];
          },
          READY_MS,
        ),
    };
  }

  /** Copies the data directory of stopped servers: their embedded database, with the demo sale. */
  copyDataOf(others: ServerProcesses): void {
    // Not cpSync: it does not keep the owner, who runs the database.
    execFileSync('cp', ['-a', join(others.dataDir, 'data'), this.dataDir]);
  }

  /** Every process that uses the folder, except the servers themselves. */
  others(): number[] {
    const own = new Set(this.#processes.map(({ pid }) => pid));
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => !own.has(pid) && worksIn(pid, this.dataDir));
  }

  /** Kills running servers, waits until their databases have ended, and deletes the folder. */
  async clear(): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await until('the database to be gone', () => this.others().length === 0, 20_000);
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** Stopped servers with an embedded database to copy. To create one in each test takes seconds. */
export async function makeDemoData(): Promise<ServerProcesses> {
  const servers = new ServerProcesses();
  const server = servers.start();
  await server.ready();
  server.child.kill('SIGTERM');
  await server.exited;
  return servers;
}

/** Whether a process uses a folder. */
export function worksIn(pid: number, folder: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
  } catch {
    return false;
  }
}

/** The settings that a server complained of, one line each. */
export function complainedOf({ err }: Running): string[] {
  return err()
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0]!)
    .toSorted((one, other) => one.localeCompare(other, 'en'));
}

/** The status of a GET. */
export async function statusOf(url: string, headers = {}): Promise<number> {
  return (await fetch(url, { headers })).status;
}

/** A port without a listener at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Creates a product through the API. */
export const makeProductAt = (url: string, totalStock: number): Promise<{ id: string }> =>
  ask(
    url,
    'mutation ($input: CreateProductInput!) { createProduct(input: $input) { id } }',
    { input: { name: 'Process Widget', price: '1.00', currency: 'USD', totalStock } },
    AS_ADMIN,
  );

/** Audits a product's stock through the API. */
export const auditAt = (url: string, productId: string) =>
  ask(
    url,
    'query ($id: ID!) { stockAudit(productId: $id) { balanced findings held } }',
    { id: productId },
    AS_ADMIN,
  );
