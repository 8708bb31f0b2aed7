import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';

/** An answer with its undecoded body. */
export type RawAnswer = Pick<IncomingMessage, 'headers'> & {
  readonly status: number;
  readonly body: Buffer;
};

/** Requests a page by Node's own client, which adds no Accept-Encoding and decompresses nothing. */
export async function getRaw(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<RawAnswer> {
  const asked = request(url, { method, headers: { accept: 'text/html', ...headers } });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return { status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) };
}
