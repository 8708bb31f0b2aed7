import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express, type Request, type Response } from 'express';
import type { Meters } from '../metrics/meters.ts';
import type { Logger } from '../../lib/log.ts';
import type { Shop } from '../../shop/shop.ts';
import { answerJson } from './body.ts';
import { servePages, type PageOptions } from './pages/pages.ts';
import { answerDelivery } from '../webhook/route.ts';
import type { Provider } from '../webhook/provider.ts';

/** The scrape of GET /metrics, and the bearer token it requires, if any. */
export interface MetricsEndpoint {
  readonly token: string | undefined;
  readonly scrape: () => Promise<string>;
}

/** The options of every route except GraphQL operations. */
export interface RouteOptions extends PageOptions {
  /** The enabled payment providers, by the path of their webhook. */
  readonly providers: Readonly<Record<string, Provider>>;
  /** Adds the pages of the payment providers. */
  readonly serveProviderPages?: (app: Express, shop: Shop) => void;
  /** Undefined if /metrics is off. */
  readonly metrics: MetricsEndpoint | undefined;
  /** Why the server is not ready; undefined if it is ready. */
  readonly unready: () => string | undefined;
  readonly meters: Meters;
  readonly log: Logger;
}

/** The express routes: webhooks, the pages, health and metrics. GraphQL operations are not among them. */
export function createRoutes(shop: Shop, options: RouteOptions): Express {
  const { log, meters, providers, metrics, unready } = options;
  const app = express()
    .disable('x-powered-by')
    .enable('strict routing')
    .enable('case sensitive routing');

  app.all(Object.keys(providers), (request, response) => {
    const provider = providers[request.path]!;
    if (request.method === 'POST')
      return answerDelivery({ shop, log, meters, provider }, request, response);
    answerJson(response, 405, errorJson('method_not_allowed', 'Send events by POST.'), {
      allow: 'POST',
    });
  });
  servePages(app, options);
  options.serveProviderPages?.(app, shop);
  app.get('/healthz', (_request, response) => answerJson(response, 200, '{"status":"ok"}'));
  app.get('/readyz', (_request, response) => {
    const why = unready();
    const body = JSON.stringify({ status: why ?? 'ready' });
    if (why === undefined) return answerJson(response, 200, body);
    answerJson(response, 503, body, { 'retry-after': '1' });
  });
  if (metrics !== undefined) app.get('/metrics', serveMetrics(metrics, log));
  app.use((_request, response) =>
    answerJson(response, 404, errorJson('not_found', 'No route has this path.')),
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

function serveMetrics({ token, scrape }: MetricsEndpoint, log: Logger) {
  const isRight = token === undefined ? () => true : bearerCheck(token);
  return async (request: Request, response: Response): Promise<void> => {
    if (!isRight(request)) {
      return answerJson(
        response,
        401,
        errorJson('unauthorized', 'This requires the metrics token.'),
        {
          'www-authenticate': 'Bearer',
        },
      );
    }
    try {
      const text = await scrape();
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(text);
    } catch (error) {
      log.warn({ err: error }, 'Could not collect metrics');
      answerJson(
        response,
        503,
        errorJson('unavailable', 'Not every worker reported its metrics in time.'),
      );
    }
  };
}

/**
 * Returns a check of a request's bearer token, in constant time. The scheme is case-insensitive, and
 * any number of spaces may follow it (RFC 9110, 11.1 and 11.4).
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
