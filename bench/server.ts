import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A built server in a process of its own, with an embedded database of default durability. */
export interface BenchServer {
  readonly url: string;
  readonly adminToken: string;
  stop(): Promise<void>;
}

/** Starts the server; what it keeps is deleted when it stops. */
export async function startBenchServer(
  settings: Record<string, string> = {},
): Promise<BenchServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'flash-sale-bench-'));
  // As root the database runs as another user, who must be able to enter the folder.
  chmodSync(dataDir, 0o755);
  const adminToken = 'an admin token for the benchmark only';
  const server = spawn(process.execPath, ['dist/src/main.js'], {
    env: {
      ...process.env,
      PORT: '0',
      DATA_DIR: dataDir,
      ADMIN_TOKEN: adminToken,
      LOG_LEVEL: 'info',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: server.stdout }).on('line', (line) => {
      const ready = /GraphQL (http:\S+)\/graphql/.exec(line);
      if (ready !== null) resolve(ready[1]!);
    });
    void exited.then(() => reject(new Error('The server ended before it was ready.')));
  });
  return {
    url,
    adminToken,
    async stop() {
      server.kill('SIGTERM');
      await exited;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Keep-alive connections to one server. */
export class Connections {
  readonly #agent: Agent;
  readonly #url: string;

  constructor(url: string, connectionsMax: number) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connectionsMax });
  }

  /** Posts JSON and gives status and body. */
  post(
    path: string,
    body: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const sent = request(
        this.#url + path,
        {
          method: 'POST',
          agent: this.#agent,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            ...headers,
          },
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () =>
            resolve({ status: response.statusCode!, body: Buffer.concat(parts).toString() }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Runs every job, so many at a time, and gives jobs a second. */
export async function rateOf(
  jobs: readonly (() => Promise<unknown>)[],
  atOnce: number,
): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < jobs.length) await jobs[next++]!();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return (jobs.length * 1000) / (performance.now() - startedAt);
}

/** The middle of some figures. */
export function median(figures: readonly number[]): number {
  return figures.toSorted((one, other) => one - other)[Math.floor(figures.length / 2)]!;
}

/** What it ran on, in a line. */
export function machine(): string {
  const { length: cores, 0: first } = cpus();
  return `${cores} cores (${first?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}
