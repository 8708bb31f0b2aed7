import type { IncomingMessage, ServerResponse } from 'node:http';
import getRawBody from 'raw-body';

/** A body that was not read, and the HTTP status that says why. */
export class BodyError extends Error {
  readonly status: 400 | 413 | 415;

  constructor(status: BodyError['status'], message: string) {
    super(message);
    this.name = 'BodyError';
    this.status = status;
  }
}

/** Whether the request says that its body is JSON in UTF-8, and not compressed. */
export function isPlainJson({ headers }: IncomingMessage): boolean {
  const [type, ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters.map((part) => part.trim()).find((part) => part.startsWith('charset='));
  const encoding = headers['content-encoding'] ?? 'identity';
  return (
    type!.trim() === 'application/json' &&
    (charset === undefined || /^charset="?utf-?8"?$/.test(charset)) &&
    encoding === 'identity'
  );
}

/** Reads the raw bytes of a body, refusing at once what is longer than the limit. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  try {
    const length = request.headers['content-length'];
    return await getRawBody(request, { limit: bytesMax, length: length ?? null });
  } catch (error) {
    const tooLarge = (error as { type?: string }).type === 'entity.too.large';
    throw tooLarge
      ? new BodyError(413, `The body is longer than ${bytesMax / 1024} KiB.`)
      : new BodyError(400, 'The body was cut off.');
  }
}

/** The text of a body. @throws BodyError 400 where it is not UTF-8 */
export function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new BodyError(400, 'The body is not UTF-8.');
  }
}

/** Answers with JSON text. A refused body is not read to its end, so its connection is not kept. */
export function answerJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  const close = status === 413 ? { connection: 'close' } : {};
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body).toString(),
    'cache-control': 'no-store',
    ...close,
    ...headers,
  });
  response.end(body);
}
