import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { areMetricsOn, type App } from './app.ts';
import type { Settings } from './config/settings.ts';
import { checkPlace } from './server/http/bind.ts';
import { answerScrapes } from './server/metrics/scrape.ts';
import { ShopMetrics } from './server/metrics/shop-metrics.ts';
import { openDatabase } from './postgres/open-database.ts';
import { readFigures } from './shop/reconciliation/read-figures.ts';
import { Closers } from './lib/closers.ts';
import { PG_VARIABLES } from './postgres/database-url.ts';
import type { Logger } from './lib/log.ts';
import { prepareDatabase } from './prepare-database.ts';

/** A worker that ends by itself is replaced after this: at once would be a hot loop if it cannot start. */
const REPLACE_AFTER_MS = 1000;

/** What a worker tells the primary once it serves. */
interface Ready {
  readonly url: string;
}

/** Whether this process is one of several behind one port. */
export const isWorker = cluster.isWorker;

/** The primary's word to a worker that it is to stop. */
const STOP = 'stop';

/**
 * In a worker: stops at the primary's word, or should the primary be gone. Signals are the
 * primary's: a Ctrl-C or a service manager sends them to all processes at once, and a worker that
 * counted them would take the primary's word for a second one and drop what is under way.
 */
export function stopAtPrimarysWord(stop: () => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});
  process.on('message', (word) => void (word === STOP && stop()));
  process.on('disconnect', stop);
}

/** Tells the primary that this worker serves. */
export function reportReady({ url }: App): void {
  process.send!({ url } satisfies Ready);
}

/**
 * Several server processes behind one port, by node's cluster: each with its own pool, lanes and
 * live feeds, joined by the database like servers on several machines. The primary serves nothing:
 * it keeps the embedded database and the workers, replaces one that ends by itself, and stops them
 * all before the database.
 */
export async function startWorkers(settings: Settings, log: Logger): Promise<App> {
  const closers = new Closers();
  try {
    await checkPlace({ host: settings.HOST, port: settings.PORT });
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
      Array.from({ length: settings.WORKERS }, () => workers.start()),
    );
    const stop = (): Promise<void> => closers.close();
    return { url: url!, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await closers.close().catch(() => {});
    throw error;
  }
}

/**
 * What a worker's environment has otherwise. The embedded database has a URL by then, which `PG*`
 * variables must not complete; an empty one counts as not set.
 */
function environmentOf(embeddedUrl: string | undefined): Record<string, string> {
  if (embeddedUrl === undefined) return {};
  return {
    ...Object.fromEntries(PG_VARIABLES.map((name) => [name, ''])),
    DATABASE_URL: embeddedUrl,
  };
}

/** Where a worker serves, once it says so; it may have told its figures before. */
function urlOf(worker: Worker): Promise<string> {
  return new Promise((resolve) => {
    worker.on('message', function hear(message: Partial<Ready>) {
      if (message.url === undefined) return;
      worker.off('message', hear);
      resolve(message.url);
    });
  });
}

/** The worker itself has said why. */
class WorkerNotStarted extends Error {
  override readonly name = 'WorkerNotStarted';

  constructor() {
    super('A worker ended before it was ready.');
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

  /** Starts one and gives the URL at which it serves. */
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
      'A worker ended; another takes its place',
    );
    setTimeout(() => {
      if (this.#stopping) return;
      this.start().catch((error: unknown) => {
        this.#log.error({ err: error }, 'A worker could not be replaced');
        this.#replace(worker, code, signal);
      });
    }, REPLACE_AFTER_MS);
  }
}
