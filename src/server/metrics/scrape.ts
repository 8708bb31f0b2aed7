import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import type { ProcessMetrics } from './process-metrics.ts';
import type { ShopMetrics } from './shop-metrics.ts';

/** Returns the text of one scrape. */
export type Scrape = () => Promise<string>;

/** The scrape of a server that runs as one process. */
export function scrapeAlone(ofProcess: ProcessMetrics, ofShop: ShopMetrics): Scrape {
  return async () => (await Promise.all([ofProcess.text(), ofShop.text()])).join('\n');
}

/** A worker's request to its primary, and the response with `text`; without it, the scrape failed. */
interface ScrapeMessage {
  readonly kind: 'scrape';
  readonly id: number;
  readonly text?: string;
}

const isScrape = (message: unknown): message is ScrapeMessage =>
  (message as Partial<ScrapeMessage> | null)?.kind === 'scrape';

/**
 * The scrape of one worker of several. Any worker answers for all of them: the primary collects the
 * metrics of every worker and aggregates them.
 */
export function scrapeThroughPrimary({ registries }: ProcessMetrics): Scrape {
  AggregatorRegistry.setRegistries([...registries]);
  void new AggregatorRegistry(); // Its constructor listens for the primary's request.
  const waiting = new Map<number, PromiseWithResolvers<string>>();
  let lastId = 0;
  process.on('message', (message) => {
    if (!isScrape(message)) return;
    const { id, text } = message;
    const answer = waiting.get(id);
    waiting.delete(id);
    if (text === undefined)
      answer?.reject(new Error('Not every worker reported its metrics in time.'));
    else answer?.resolve(text);
  });
  return () => {
    const answer = Promise.withResolvers<string>();
    waiting.set((lastId += 1), answer);
    process.send!({ kind: 'scrape', id: lastId } satisfies ScrapeMessage);
    return answer.promise;
  };
}

/** In the primary: answers the workers' requests, and adds the metrics of the database once. */
export function answerScrapes(ofShop: ShopMetrics): void {
  const aggregator = new AggregatorRegistry();
  cluster.on('message', (worker: Worker, message: unknown) => {
    if (!isScrape(message)) return;
    const { kind, id } = message;
    Promise.all([aggregator.clusterMetrics(), ofShop.text()]).then(
      (texts) => worker.send({ kind, id, text: texts.join('\n') } satisfies ScrapeMessage),
      () => worker.send({ kind, id } satisfies ScrapeMessage),
    );
  });
}
