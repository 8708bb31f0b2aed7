import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Express, Request, Response } from 'express';
import { answerJson } from './body.ts';
import { StaticFiles } from './static-files.ts';

/** Where `npm run build` puts the explorer: the same folder for this file and for its compiled form. */
const BUILT = join(
  import.meta.dirname,
  import.meta.filename.endsWith('.ts') ? '../../../dist/web/explorer' : '../../../web/explorer',
);

/**
 * The page may load and call this server alone. Its editor sets inline styles, and its fonts are data
 * URLs. In browsers, `'self'` of connect-src covers the websocket of the same host and port.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The page has a fixed address, so clients revalidate it by its ETag. */
const PAGE_HEADERS = {
  'cache-control': 'no-cache',
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
};

/** The name of an asset holds the hash of its content: it never changes. */
const ASSET_HEADERS = { 'cache-control': 'public, max-age=31536000, immutable' };

/**
 * Serves the explorer: its page to browsers at /graphql, and the page's files. The page names them
 * relative to itself, so that it works under a path prefix; at `/graphql/` that is one folder lower.
 */
export function serveExplorer(app: Express, isOn: boolean): void {
  const explorer = new Explorer();
  app.get('/graphql', (request, response) => {
    response.vary('Accept');
    const isBrowser =
      request.headers.accept?.includes('text/html') && request.query['query'] === undefined;
    if (isOn && isBrowser) return explorer.answerPage(request, response);
    const body = JSON.stringify({ error: 'bad_request', message: 'Send operations by POST.' });
    answerJson(response, 400, body, { allow: 'POST' });
  });
  if (!isOn) return;
  app.get(
    ['/graphql-explorer/:file', '/graphql/graphql-explorer/:file'],
    (request, response, next) => explorer.answerAsset(request, response, next),
  );
}

/** The built files, read on first use: a production server rarely needs them. */
class Explorer {
  #files: Promise<ExplorerFiles> | undefined;

  async answerPage(request: Request, response: Response): Promise<void> {
    const built = await this.#read();
    if (built === undefined) return answerUnbuilt(response);
    built.page.answer('index.html', { request, response, headers: PAGE_HEADERS });
  }

  async answerAsset(request: Request, response: Response, next: () => void): Promise<void> {
    const built = await this.#read();
    if (built === undefined) return answerUnbuilt(response);
    const name = String(request.params['file']);
    if (!built.assets.has(name)) return next();
    built.assets.answer(name, { request, response, headers: ASSET_HEADERS });
  }

  /** Undefined if they are not built yet; the next request checks again. */
  async #read(): Promise<ExplorerFiles | undefined> {
    if (!existsSync(BUILT)) return undefined;
    this.#files ??= readExplorerFiles();
    return this.#files;
  }
}

function answerUnbuilt(response: Response): void {
  const message = 'The explorer is not built: run npm run build.';
  answerJson(response, 503, JSON.stringify({ error: 'unavailable', message }));
}

interface ExplorerFiles {
  readonly page: StaticFiles;
  readonly assets: StaticFiles;
}

async function readExplorerFiles(): Promise<ExplorerFiles> {
  const [page, assets] = await Promise.all([
    StaticFiles.read(BUILT),
    StaticFiles.read(join(BUILT, 'graphql-explorer')),
  ]);
  return { page, assets };
}
