import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from './shop.ts';

/** One connection to a server, on which a test writes and reads raw text. */
export interface RawConnection extends Disposable {
  write(text: string): void;
  /** All that the server has written so far. */
  text(): string;
  /** Waits until `count` answers have arrived in total, and returns the head of each. */
  heads(count: number): Promise<string[]>;
  isOpen(): boolean;
  /** Waits until the server has closed it. */
  closed(limitMs?: number): Promise<void>;
}

/** Opens a connection to the server at this URL. */
export async function openRawConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let text = '';
  let isOpen = true;
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('close', () => (isOpen = false));
  await once(socket, 'connect');
  return {
    write: (more) => void socket.write(more),
    text: () => text,
    heads: (count) =>
      until(`${count} answers`, () => {
        const heads = text.match(/HTTP\/1\.1 \d{3} [\s\S]*?\r\n\r\n/g) ?? [];
        return heads.length >= count && heads;
      }),
    isOpen: () => isOpen,
    closed: (limitMs) =>
      until('the connection to be closed', () => !isOpen, limitMs).then(() => {}),
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** The text of a GET request. */
export const getText = (path: string, version = '1.1', headers = ''): string =>
  `GET ${path} HTTP/${version}\r\nHost: shop\r\n${headers}\r\n`;

/** The text of a POST request with an operation. */
export function postText(query: string, headers = ''): string {
  const body = JSON.stringify({ query });
  return `POST /graphql HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
}
