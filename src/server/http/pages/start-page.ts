import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';
import { VERSION } from '../../../lib/version.ts';
import { pageHeaders, pagePolicy } from './built-page.ts';
import { StaticFiles } from './static-files.ts';

/** A link of the plain page. */
export interface Link {
  /** Relative: the page works under any path prefix of a proxy. */
  readonly href: string;
  readonly text: string;
}

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
`;

/** The hash admits this one style element, without 'unsafe-inline'. */
const HEADERS = pageHeaders(
  pagePolicy({
    'style-src': `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    'script-src': "'none'",
    'connect-src': "'none'",
  }),
);

/** The plain page at / of a server without a storefront: the server's name, and what it serves. */
export class StartPage {
  readonly #files: StaticFiles;

  constructor(links: readonly Link[]) {
    this.#files = StaticFiles.of('index.html', pageOf(links));
  }

  answer(request: Request, response: Response): void {
    this.#files.answer('index.html', { request, response, headers: HEADERS });
  }
}

function pageOf(links: readonly Link[]): string {
  const items = links.map(({ href, text }) => `      <li><a href="${href}">${text}</a></li>`);
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Flash-sale checkout server</title>
    <link rel="icon" href="data:," />
    <style>${STYLE}</style>
  </head>
  <body>
    <h1>Flash-sale checkout server</h1>
    <p>Version ${VERSION}. Its API is GraphQL: <code>POST /graphql</code>.</p>
    <ul>
${items.join('\n')}
    </ul>
  </body>
</html>
`;
}
