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

/** Builds the server as `npm start` runs it. */
export function buildServer(): void {
  execFileSync('npm', ['run', 'build'], { cwd: ROOT, stdio: 'ignore' });
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
    const { PATH } = process.env;
    const limited = filesMax === undefined ? '' : `ulimit -n ${filesMax} && `;
    const main = join(ROOT, 'dist/src/main.js');
    const child = spawn('sh', ['-c', `${limited}exec "$0" "$1"`, process.execPath, main], {
      cwd: this.dataDir,
      env: { PATH, PORT: '0', DATA_DIR: join(this.dataDir, 'data'), ADMIN_TOKEN, ...settings },
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
