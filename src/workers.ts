import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { areMetricsOn, type App } from './app.ts';
import type { Settings } from './config/domain-settings.ts';
import { checkListenAddress } from './server/http/port/bind.ts';
import { answerScrapes } from './server/metrics/scrape.ts';
import { ShopMetrics } from './server/metrics/shop-metrics.ts';
import { openDatabase } from './postgres/open-database.ts';
import { readFigures } from './shop/reconciliation/read-figures.ts';
import { Closers } from './lib/closers.ts';
import { PG_VARIABLES } from './postgres/url/database-url.ts';
import type { Logger } from './lib/log.ts';
import { prepareDatabase } from './prepare-database.ts';

/** Delay before a failed worker is replaced. Without it, a worker that cannot start would cause a hot loop. */
const REPLACE_AFTER_MS = 1000;

/** The message of a worker to the primary when it is ready. */
interface ReadyMessage {
  readonly url: string;
}

/** Whether this process is one of several behind one port. */
export const isWorker = cluster.isWorker;

/** The message of the primary that stops a worker. */
const STOP = 'stop';

/**
 * In a worker: stops on the primary's message, or if the primary has exited. Workers ignore signals.
 * Ctrl-C and service managers signal all processes at once. A worker that counted signals would treat
 * the primary's message as a second signal and drop requests in flight.
 */
export function stopOnPrimaryMessage(stop: () => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});
  process.on('message', (message) => void (message === STOP && stop()));
  process.on('disconnect', stop);
}

/** Reports to the primary that this worker is ready. */
export function reportReady({ url }: App): void {
  process.send!({ url } satisfies ReadyMessage);
}

/**
 * Starts several server processes on one port with node:cluster. Each has its own pool, batch queues
 * and live feeds; they share only the database, like servers on several machines. The primary serves
 * no requests. It runs the embedded database, replaces workers that exit, and stops all of them before
 * the database.
 */
export async function startWorkers(settings: Settings, log: Logger): Promise<App> {
  const closers = new Closers();
  try {
    await checkListenAddress({ host: settings.host, port: settings.port });
    const { database, embeddedUrl } = await openDatabase(settings, {
      log,
      closers,
      share: false,
    });
    await prepareDatabase(database, settings, log);
    if (areMetricsOn(settings)) answerScrapes(new ShopMetrics(() => readFigures({ database })));
    const workers = new Workers(environmentOf(embeddedUrl), log);
    closers.push('the workers', () => workers.stop());
    const [url] = await Promise.all(
      Array.from({ length: settings.workers }, () => workers.start()),
    );
    const stop = (): Promise<void> => closers.close();
    return { url: url!, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await closers.close().catch(() => {});
    throw error;
  }
}

/**
 * The environment variables that differ in a worker: the URL of the embedded database. The `PG*`
 * variables must not complete that URL, so they are empty, which counts as not set.
 */
function environmentOf(embeddedUrl: string | undefined): Record<string, string> {
  if (embeddedUrl === undefined) return {};
  return {
    ...Object.fromEntries(PG_VARIABLES.map((name) => [name, ''])),
    DATABASE_URL: embeddedUrl,
  };
}

/** The URL of a worker, when it is ready. Messages about metrics may arrive earlier. */
function urlOf(worker: Worker): Promise<string> {
  return new Promise((resolve) => {
    worker.on('message', function onMessage(message: Partial<ReadyMessage>) {
      if (message.url === undefined) return;
      worker.off('message', onMessage);
      resolve(message.url);
    });
  });
}

/** A worker exited before it was ready. The worker has printed the reason. */
class WorkerNotStarted extends Error {
  override readonly name = 'WorkerNotStarted';

  constructor() {
    super('A worker exited before it was ready.');
  }
}

class Workers {
  readonly #environment: Readonly<Record<string, string>>;
  readonly #log: Logger;
  readonly #running = new Set<Worker>();
  #stopping = false;

  constructor(environment: Readonly<Record<string, string>>, log: Logger) {
    this.#environment = environment;
    this.#log = log;
  }

  /** Starts a worker. Resolves with its URL when it is ready. */
  async start(): Promise<string> {
    const worker = cluster.fork(this.#environment);
    this.#running.add(worker);
    worker.once('exit', () => this.#running.delete(worker));
    const ended = once(worker, 'exit').then(() => {
      throw new WorkerNotStarted();
    });
    const url = await Promise.race([urlOf(worker), ended]);
    ended.catch(() => {});
    worker.once('exit', (code, signal) => this.#replace(worker, code, signal));
    return url;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const workers = [...this.#running];
    const ended = workers.map((worker) => once(worker, 'exit'));
    for (const worker of workers) worker.send(STOP);
    await Promise.all(ended);
  }

  #replace(worker: Worker, code: number, signal: string): void {
    if (this.#stopping) return;
    this.#log.error(
      { pid: worker.process.pid, code, signal },
      'A worker exited; starting a replacement',
    );
    setTimeout(() => {
      if (this.#stopping) return;
      this.start().catch((error: unknown) => {
        this.#log.error({ err: error }, 'Could not start a replacement worker');
        this.#replace(worker, code, signal);
      });
    }, REPLACE_AFTER_MS);
  }
}
