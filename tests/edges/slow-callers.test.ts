import { connect } from 'node:net';
import { startTestServer } from '../support/server.ts';
import { until } from '../support/shop.ts';

/** More than a whole request may take, and less than it would with nobody looking. */
const PATIENCE_MS = 25_000;

test(
  'callers who say nothing, half their headers or half their body are cut, and hold no place',
  async () => {
    await using server = await startTestServer();
    const { hostname, port } = new URL(server.url);
    const begin = (path: string): string =>
      `POST ${path} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 99\r\n`;

    const callers = [
      '',
      begin('/graphql'),
      `${begin('/graphql')}\r\n{"query":`,
      `${begin('/api/payments/webhook')}\r\n{"order`,
    ].map((said) => {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.on('error', () => {});
      socket.resume();
      socket.write(said);
      return socket;
    });

    await until('all to be cut', () => callers.every((socket) => socket.destroyed), PATIENCE_MS);
  },
  PATIENCE_MS + 10_000,
);
