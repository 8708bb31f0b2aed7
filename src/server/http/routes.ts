import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express, type Request, type Response } from 'express';
import type { Meters } from '../metrics/meters.ts';
import type { Logger } from '../../lib/log.ts';
import type { Shop } from '../../shop/shop.ts';
import { answerJson } from './body.ts';
import { serveExplorer } from './explorer.ts';
import { takeDelivery } from '../webhook/route.ts';
import type { Provider } from '../webhook/provider.ts';

/** What GET /metrics tells, and the bearer token it needs, if any. */
export interface MetricsDoor {
  readonly token: string | undefined;
  readonly scrape: () => Promise<string>;
}

/** What the paths beside GraphQL's operations are made of. */
export interface PathOptions {
  /** The providers whose webhooks are taken, by path. */
  readonly providers: Readonly<Record<string, Provider>>;
  /** Whether GET /graphql serves the explorer. */
  readonly explorer: boolean;
  /** Undefined: there is nothing at /metrics. */
  readonly metrics: MetricsDoor | undefined;
  /** Why it cannot serve; undefined when it can. */
  readonly unready: () => string | undefined;
  readonly meters: Meters;
  readonly log: Logger;
}

/** Everything but GraphQL's operations, on express: webhooks, the explorer, health and metrics. */
export function openPaths(shop: Shop, options: PathOptions): Express {
  const { log, meters, providers, metrics, unready } = options;
  const app = express()
    .disable('x-powered-by')
    .enable('strict routing')
    .enable('case sensitive routing');

  app.all(Object.keys(providers), (request, response) => {
    const provider = providers[request.path]!;
    if (request.method === 'POST')
      return takeDelivery({ shop, log, meters, provider }, request, response);
    answerJson(response, 405, errorJson('method_not_allowed', 'Events are sent by POST.'), {
      allow: 'POST',
    });
  });
  serveExplorer(app, options.explorer);
  app.get('/healthz', (_request, response) => answerJson(response, 200, '{"status":"ok"}'));
  app.get('/readyz', (_request, response) => {
    const why = unready();
    const body = JSON.stringify({ status: why ?? 'ready' });
    if (why === undefined) return answerJson(response, 200, body);
    answerJson(response, 503, body, { 'retry-after': '1' });
  });
  if (metrics !== undefined) app.get('/metrics', serveMetrics(metrics, log));
  app.use((_request, response) =>
    answerJson(response, 404, errorJson('not_found', 'There is nothing at this path.')),
  );
  app.use((error: unknown, _request: IncomingMessage, response: ServerResponse, _next: unknown) => {
    log.error({ err: error }, 'A request failed unexpectedly');
    const malformed = (error as { status?: number }).status === 400;
    answerJson(
      response,
      malformed ? 400 : 500,
      errorJson(malformed ? 'malformed' : 'internal', 'The request failed.'),
    );
  });
  return app;
}

function serveMetrics({ token, scrape }: MetricsDoor, log: Logger) {
  const isRight = token === undefined ? () => true : bearerCheck(token);
  return async (request: Request, response: Response): Promise<void> => {
    if (!isRight(request)) {
      return answerJson(response, 401, errorJson('unauthorized', 'This needs the metrics token.'), {
        'www-authenticate': 'Bearer',
      });
    }
    try {
      const text = await scrape();
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(text);
    } catch (error) {
      log.warn({ err: error }, 'A scrape failed');
      answerJson(response, 503, errorJson('unavailable', 'Not every worker answered.'));
    }
  };
}

/**
 * Whether a request has this bearer token, compared in constant time. The scheme's name is compared
 * without case, and any number of spaces may follow it (RFC 9110, 11.1 and 11.4).
 */
export function bearerCheck(token: string): (request: IncomingMessage) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = digest(token);
  return ({ headers: { authorization = '' } }) => {
    const credentials = /^bearer[ \t]+(.+)/i.exec(authorization.trim())?.[1];
    return credentials !== undefined && timingSafeEqual(digest(credentials), expected);
  };
}

function errorJson(error: string, message: string): string {
  return JSON.stringify({ error, message });
}
