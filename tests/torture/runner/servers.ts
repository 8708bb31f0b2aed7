import { once } from 'node:events';
import { freePort, ServerProcesses, statusOf, type Running } from '../../support/server-process.ts';
import { until } from '../../support/shop.ts';

/** A start takes seconds of CPU time, which is a minute on a very busy machine. */
const READY_MS = 120_000;

/** Deadlines are short, so that holds and orders expire during the run. */
const SETTINGS = {
  HOLD_TOKEN_SECRETS: 'one secret for all servers of the run',
  HOLD_TTL_SECONDS: '2',
  ORDER_PAYMENT_TTL_SECONDS: '3',
  SEED_DEMO: 'false',
  LOG_LEVEL: 'error',
  SHUTDOWN_GRACE_SECONDS: '2',
};

/** The server processes of a run: one database, one port each, also after a restart. */
export class Servers implements AsyncDisposable {
  readonly urls: readonly string[];
  readonly #databaseUrl: string;
  readonly #processes = new ServerProcesses();
  readonly #running: Running[] = [];
  /** Every process of the run, killed ones too. */
  readonly #all: Running[] = [];

  private constructor(databaseUrl: string, ports: readonly number[]) {
    this.#databaseUrl = databaseUrl;
    this.urls = ports.map((port) => `http://127.0.0.1:${port}`);
  }

  static async start(databaseUrl: string, count: number): Promise<Servers> {
    const ports: number[] = [];
    while (ports.length < count) ports.push(await freePort());
    const servers = new Servers(databaseUrl, ports);
    for (const index of ports.keys()) servers.#spawn(index);
    await servers.allReady();
    return servers;
  }

  #spawn(index: number): void {
    const { port } = new URL(this.urls[index]!);
    const running = this.#processes.start({
      ...SETTINGS,
      DATABASE_URL: this.#databaseUrl,
      PORT: port,
    });
    this.#running[index] = running;
    this.#all.push(running);
  }

  /** Kills a server and starts it again. */
  async kill(index: number): Promise<void> {
    const { child } = this.#running[index]!;
    child.kill('SIGKILL');
    await once(child, 'exit');
    this.#spawn(index);
    await this.#ready(index);
  }

  /** Stops a server where it is; the returned function lets it continue. */
  freeze(index: number): () => void {
    const { child } = this.#running[index]!;
    child.kill('SIGSTOP');
    return () => void child.kill('SIGCONT');
  }

  async allReady(): Promise<void> {
    await Promise.all(this.urls.map((_, index) => this.#ready(index)));
  }

  async #ready(index: number): Promise<void> {
    const { child, err, out } = this.#running[index]!;
    await until(
      `server ${index}`,
      async () => {
        if (child.exitCode !== null) throw new Error(`Server ${index} ended: ${err()}${out()}`);
        const url = `${this.urls[index]!}/readyz`;
        return (await statusOf(url, { connection: 'close' }).catch(() => 0)) === 200;
      },
      READY_MS,
    );
  }

  /** The lines that the servers logged as errors. */
  errorLines(): string[] {
    return this.#all.flatMap(({ out }) =>
      out()
        .split('\n')
        .filter((line) => line !== ''),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#processes.clear();
  }
}
