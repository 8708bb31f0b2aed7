import type { Express } from 'express';
import { BuiltPage, pagePolicy } from './built-page.ts';
import { serveExplorer } from './explorer.ts';
import { StartPage, type Link } from './start-page.ts';

/** Which pages the server serves. */
export interface PageOptions {
  /** GraphiQL at GET /graphql. */
  readonly explorer: boolean;
  /** The admin console at GET /console. */
  readonly console: boolean;
  /** The storefront at GET /; otherwise a plain page. */
  readonly storefront: boolean;
  /** The metrics endpoint; undefined if /metrics is off. */
  readonly metrics?: object | undefined;
}

/**
 * Serves the pages: the explorer, the console, and at / the storefront or a plain page. The console is
 * the same file for every visitor: what it shows needs the admin token.
 */
export function servePages(app: Express, options: PageOptions): void {
  serveExplorer(app, options.explorer);
  if (options.console) {
    const console = new BuiltPage({ name: 'console', policy: pagePolicy() });
    app.get('/console', (request, response) => console.answer(request, response));
    console.serveAssets(app, '/console');
  }
  const start = new StartPage(linksOf(options));
  // Product images are on other hosts; everything else is here.
  const policy = pagePolicy({ 'img-src': "'self' data: https:" });
  const storefront = new BuiltPage({ name: 'storefront', policy });
  app.get('/', (request, response) =>
    options.storefront && storefront.isBuilt
      ? storefront.answer(request, response)
      : start.answer(request, response),
  );
  if (options.storefront) storefront.serveAssets(app, '/');
}

/** What the plain page links: only what this server serves. */
function linksOf({ explorer, console, metrics }: PageOptions): Link[] {
  return [
    ...(console ? [{ href: './console', text: 'Admin console' }] : []),
    ...(explorer ? [{ href: './graphql', text: 'GraphQL explorer' }] : []),
    { href: './healthz', text: 'Health: whether the process runs' },
    { href: './readyz', text: 'Readiness: whether it can serve' },
    ...(metrics === undefined ? [] : [{ href: './metrics', text: 'Metrics for Prometheus' }]),
  ];
}
