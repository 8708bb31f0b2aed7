import type { IncomingMessage, ServerResponse } from 'node:http';
import getRawBody from 'raw-body';

/** A request body that is refused, with the HTTP status of the answer. */
export class BodyError extends Error {
  readonly status: 400 | 413 | 415;

  constructor(status: BodyError['status'], message: string) {
    super(message);
    this.name = 'BodyError';
    this.status = status;
  }
}

/** Whether the request declares an uncompressed JSON body in UTF-8. */
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

/** Reads the raw bytes of a body. @throws BodyError 413 above the limit, 400 if the body is incomplete */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  try {
    const length = request.headers['content-length'];
    return await getRawBody(request, { limit: bytesMax, length: length ?? null });
  } catch (error) {
    const tooLarge = (error as { type?: string }).type === 'entity.too.large';
    throw tooLarge
      ? new BodyError(413, `The request body is larger than ${bytesMax / 1024} KiB.`)
      : new BodyError(400, 'The request body is incomplete.');
  }
}

/** The text of a body. @throws BodyError 400 if it is not UTF-8 */
export function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new BodyError(400, 'The request body is not UTF-8.');
  }
}

/** Answers with JSON text. After 413 the connection closes, because the rest of the body is not read. */
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
