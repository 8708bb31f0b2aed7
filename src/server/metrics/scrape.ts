import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import type { ProcessMetrics } from './process-metrics.ts';
import type { ShopMetrics } from './shop-metrics.ts';

/** Gives the text of one scrape. */
export type Scrape = () => Promise<string>;

/** The scrape of a server that is one process. */
export function scrapeAlone(ofProcess: ProcessMetrics, ofShop: ShopMetrics): Scrape {
  return async () => (await Promise.all([ofProcess.text(), ofShop.text()])).join('\n');
}

/** A worker's question to its primary, and the answer to it. */
interface ScrapeMessage {
  readonly scrape: number;
  readonly text?: string;
}

const isScrape = (message: unknown): message is ScrapeMessage =>
  typeof message === 'object' && message !== null && 'scrape' in message;

/**
 * The scrape of one worker of several: whichever is asked answers for all, by way of the primary,
 * which adds them up. Its own figures stand ready for the primary.
 */
export function scrapeThroughPrimary({ registries }: ProcessMetrics): Scrape {
  AggregatorRegistry.setRegistries([...registries]);
  void new AggregatorRegistry(); // Has it listen for the primary's question.
  const waiting = new Map<number, PromiseWithResolvers<string>>();
  let asked = 0;
  process.on('message', (message) => {
    if (!isScrape(message)) return;
    const { text } = message;
    const one = waiting.get(message.scrape);
    waiting.delete(message.scrape);
    if (text === undefined) one?.reject(new Error('Not every worker sent its figures in time.'));
    else one?.resolve(text);
  });
  return () => {
    const answer = Promise.withResolvers<string>();
    waiting.set((asked += 1), answer);
    process.send!({ scrape: asked } satisfies ScrapeMessage);
    return answer.promise;
  };
}

/** In the primary: answers the workers' questions, with the database's figures asked for once. */
export function answerScrapes(ofShop: ShopMetrics): void {
  const aggregator = new AggregatorRegistry();
  cluster.on('message', (worker: Worker, message: unknown) => {
    if (!isScrape(message)) return;
    const { scrape } = message;
    Promise.all([aggregator.clusterMetrics(), ofShop.text()]).then(
      (texts) => worker.send({ scrape, text: texts.join('\n') } satisfies ScrapeMessage),
      () => worker.send({ scrape } satisfies ScrapeMessage),
    );
  });
}
