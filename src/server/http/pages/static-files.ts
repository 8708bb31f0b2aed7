import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Request, Response } from 'express';
import Negotiator from 'negotiator';
import { answerJson } from '../body.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.ttf': 'font/ttf',
};

/** The compressed forms, smallest first, and the suffix that the build gives their files. */
const COMPRESSED = { br: '.br', gzip: '.gz' } as const;
const ENCODINGS = ['br', 'gzip', 'identity'] as const;
type Encoding = (typeof ENCODINGS)[number];

interface StaticFile {
  readonly type: string;
  readonly etag: string;
  readonly contents: Readonly<Partial<Record<Encoding, Buffer>>>;
}

/** A folder of built files in memory, with the compressed forms that the build put beside them. */
export class StaticFiles {
  readonly #files: ReadonlyMap<string, StaticFile>;

  private constructor(files: ReadonlyMap<string, StaticFile>) {
    this.#files = files;
  }

  /** Reads a folder, without the folders in it. */
  static async read(folder: string): Promise<StaticFiles> {
    const names = (await readdir(folder, { withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);
    const plain = names.filter((name) => !/\.(br|gz)$/.test(name));
    const files = await Promise.all(
      plain.map(async (name) => [name, await readStaticFile(folder, name, names)] as const),
    );
    return new StaticFiles(new Map(files));
  }

  /** One file made by the server itself, compressed here. */
  static of(name: string, text: string): StaticFiles {
    const identity = Buffer.from(text);
    const contents = { identity, gzip: gzipSync(identity), br: brotliCompressSync(identity) };
    return new StaticFiles(new Map([[name, staticFile(name, contents)]]));
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  /**
   * Answers GET and HEAD with a file, in the form that Accept-Encoding prefers. Answers 304 if the
   * client has it, 406 if it accepts no form.
   */
  answer(name: string, { request, response, headers }: StaticAnswer): void {
    const { type, etag, contents } = this.#files.get(name)!;
    response.set(headers).vary('Accept-Encoding');
    const encoding = preferredEncoding(request, contents);
    if (encoding === undefined) {
      const message = 'The file is sent as br, gzip or identity.';
      return answerJson(response, 406, JSON.stringify({ error: 'not_acceptable', message }));
    }
    // Each form has an ETag of its own: a strong one names the bytes that were sent.
    response.set('etag', `"${etag}-${encoding}"`);
    if (request.fresh) return void response.status(304).end();
    if (encoding !== 'identity') response.set('content-encoding', encoding);
    const content = contents[encoding]!;
    response.writeHead(200, {
      'content-type': type,
      'content-length': content.length,
      'x-content-type-options': 'nosniff',
    });
    response.end(content);
  }
}

/** A request for a file, and additional headers of the answer. */
export interface StaticAnswer {
  readonly request: Request;
  readonly response: Response;
  readonly headers: Readonly<Record<string, string>>;
}

async function readStaticFile(
  folder: string,
  name: string,
  names: readonly string[],
): Promise<StaticFile> {
  const identity = await readFile(join(folder, name));
  const contents: Partial<Record<Encoding, Buffer>> = { identity };
  for (const [encoding, suffix] of Object.entries(COMPRESSED)) {
    const compressed = name + suffix;
    if (names.includes(compressed))
      contents[encoding as Encoding] = await readFile(join(folder, compressed));
  }
  return staticFile(name, { ...contents, identity });
}

function staticFile(
  name: string,
  contents: StaticFile['contents'] & { readonly identity: Buffer },
): StaticFile {
  const etag = createHash('sha256').update(contents.identity).digest('base64url').slice(0, 22);
  return { type: TYPES[extname(name)] ?? 'application/octet-stream', etag, contents };
}

function preferredEncoding(
  request: Request,
  contents: StaticFile['contents'],
): Encoding | undefined {
  const available = ENCODINGS.filter((encoding) => contents[encoding] !== undefined);
  return new Negotiator(request).encodings(available, { preferred: available })[0];
}
