import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';

/** A built server in a process of its own, with an embedded database of default durability. */
export interface BenchServer {
  readonly url: string;
  readonly adminToken: string;
  readonly pid: number;
  /** A session of its own on the server's database. */
  connect(): Promise<pg.Client>;
  stop(): Promise<void>;
}

/** The shop's own server, as `npm run build` left it. */
const BUILT_SERVER = join(import.meta.dirname, '../dist/src/main.js');

/** Which program is started, and Node's own flags for it. */
export interface Program {
  readonly file?: string;
  readonly flags?: readonly string[];
}

/** A folder that is deleted in the end; as root the database runs as another user, who must enter it. */
export function makeBenchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'flash-sale-bench-'));
  chmodSync(folder, 0o755);
  return folder;
}

/**
 * Starts a server on a free port of this machine; what it keeps is deleted when it stops. Neither the
 * caller's environment nor a `.env` reaches it: a benchmark must not run on a real database.
 */
export async function startBenchServer(
  settings: Readonly<Record<string, string>> = {},
  { file = BUILT_SERVER, flags = [] }: Program = {},
): Promise<BenchServer> {
  const dataDir = makeBenchFolder();
  const adminToken = 'an admin token for the benchmark only';
  const server = spawn(process.execPath, [...flags, file], {
    cwd: dataDir,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      DATA_DIR: dataDir,
      ADMIN_TOKEN: adminToken,
      LOG_LEVEL: 'info',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // However this process ends, its servers end with it, and each server ends its database.
  process.once('exit', () => server.kill('SIGTERM'));
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
    pid: server.pid!,
    async connect() {
      const connectionString = readFileSync(join(dataDir, 'embedded-database-url'), 'utf8');
      const session = new pg.Client({ connectionString });
      await session.connect();
      return session;
    },
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

/** Runs one operation with the admin token, on a new connection, and returns its data. */
export async function askAsAdmin<Data>(
  { url, adminToken }: BenchServer,
  query: string,
  variables: object = {},
): Promise<Data> {
  const connections = new Connections(url, 1);
  try {
    const { status, body } = await connections.post(
      '/graphql',
      JSON.stringify({ query, variables }),
      { authorization: `Bearer ${adminToken}` },
    );
    const { data, errors } = JSON.parse(body) as { data: Data; errors?: unknown };
    if (status !== 200 || errors !== undefined) throw new Error(`${query}: ${status} ${body}`);
    return data;
  } finally {
    connections.close();
  }
}

/** Runs all jobs with the given concurrency; returns jobs a second. */
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

/** The median. */
export function median(figures: readonly number[]): number {
  return figures.toSorted((one, other) => one - other)[Math.floor(figures.length / 2)]!;
}

/** The machine of the run, in one line. */
export function machine(): string {
  const { length: cores, 0: first } = cpus();
  return `${cores} cores (${first?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}
