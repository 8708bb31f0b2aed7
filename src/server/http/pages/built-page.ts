import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Express, Request, Response } from 'express';
import { answerJson } from '../body.ts';
import { StaticFiles } from './static-files.ts';

/** Where `npm run build` puts the pages: the same folder for this file and for its compiled form. */
const BUILT = join(
  import.meta.dirname,
  import.meta.filename.endsWith('.ts') ? '../../../../dist/web' : '../../../../web',
);

/**
 * The Content-Security-Policy of a page that may load and call this server alone. In browsers, `'self'` of
 * connect-src covers the websocket of the same host and port.
 *
 * @param more directives that replace the strict ones of the same name, for example `img-src`
 */
export function pagePolicy(more: Readonly<Record<string, string>> = {}): string {
  const directives = {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self' data:",
    'font-src': "'self'",
    'connect-src': "'self'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
    ...more,
  };
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources}`)
    .join('; ');
}

/** The headers of a page: it has a fixed address, so clients revalidate it by its ETag. */
export function pageHeaders(policy: string): Readonly<Record<string, string>> {
  return {
    'cache-control': 'no-cache',
    'content-security-policy': policy,
    'referrer-policy': 'no-referrer',
  };
}

/** The name of an asset holds the hash of its content: it never changes. */
const ASSET_HEADERS = { 'cache-control': 'public, max-age=31536000, immutable' };

/** A page that `npm run build` makes from a folder of web/. */
export interface BuiltPageOptions {
  /** The folder in web/ and in dist/web/. */
  readonly name: string;
  readonly policy: string;
  /** The folder of the built files; another one than in dist/web/ for tests. */
  readonly folder?: string | undefined;
}

interface PageFiles {
  readonly page: StaticFiles;
  readonly assets: StaticFiles;
}

/**
 * A built page and its assets, read on first use. The page uses relative URLs, so that it works under a
 * path prefix. Its assets are in `<name>-assets`, beside the page.
 */
export class BuiltPage {
  readonly #name: string;
  readonly #folder: string;
  readonly #headers: Readonly<Record<string, string>>;
  #files: Promise<PageFiles> | undefined;

  constructor({ name, policy, folder = join(BUILT, name) }: BuiltPageOptions) {
    this.#name = name;
    this.#folder = folder;
    this.#headers = pageHeaders(policy);
  }

  get isBuilt(): boolean {
    return existsSync(join(this.#folder, 'index.html'));
  }

  /** Serves the assets for a page at `path`. At `path/` relative URLs are one folder lower. */
  serveAssets(app: Express, path: string): void {
    const file = `${assetsOf(this.#name)}/:file`;
    const paths = path === '/' ? [`/${file}`] : [`/${file}`, `${path}/${file}`];
    app.get(paths, (request, response, next) => this.#answerAsset(request, response, next));
  }

  /** Answers GET and HEAD with the page; 503 if it is not built. */
  async answer(request: Request, response: Response): Promise<void> {
    const built = await this.#read();
    if (built === undefined) return this.#answerUnbuilt(response);
    built.page.answer('index.html', { request, response, headers: this.#headers });
  }

  async #answerAsset(request: Request, response: Response, next: () => void): Promise<void> {
    const built = await this.#read();
    if (built === undefined) return this.#answerUnbuilt(response);
    const name = String(request.params['file']);
    if (!built.assets.has(name)) return next();
    built.assets.answer(name, { request, response, headers: ASSET_HEADERS });
  }

  #answerUnbuilt(response: Response): void {
    const message = `The ${this.#name} is not built: run npm run build.`;
    answerJson(response, 503, JSON.stringify({ error: 'unavailable', message }));
  }

  /** Undefined if the files are not built yet; the next request checks again. */
  async #read(): Promise<PageFiles | undefined> {
    if (!this.isBuilt) return undefined;
    this.#files ??= readPageFiles(this.#folder, assetsOf(this.#name));
    return this.#files;
  }
}

/** The folder of the hashed files; the explorer's has kept its first name. */
function assetsOf(name: string): string {
  return name === 'explorer' ? 'graphql-explorer' : `${name}-assets`;
}

async function readPageFiles(folder: string, assets: string): Promise<PageFiles> {
  const [page, hashed] = await Promise.all([
    StaticFiles.read(folder),
    StaticFiles.read(join(folder, assets)),
  ]);
  return { page, assets: hashed };
}
