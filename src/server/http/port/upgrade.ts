import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { requestId } from '../../../lib/ids.ts';

/**
 * Answers an upgrade request with this status instead of a websocket, and destroys the connection.
 * Without destroy it stays open until the client closes its half.
 */
export function refuseUpgrade(
  connection: Duplex,
  status: 400 | 403 | 404 | 503,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): void {
  const id = requestId();
  const lines = Object.entries({
    ...headers,
    ...(id !== undefined && { 'X-Request-Id': id }),
    Connection: 'close',
    'Content-Length': `${Buffer.byteLength(body)}`,
  });
  connection.once('finish', () => connection.destroy());
  connection.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      ...lines.map(([name, value]) => `${name}: ${value}`),
      `\r\n${body}`,
    ].join('\r\n'),
  );
}
