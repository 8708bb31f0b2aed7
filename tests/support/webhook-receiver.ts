import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** One delivery as an endpoint received it. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An endpoint of a test. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: readonly Received[];
  /** The bodies whose signature one of the secrets verifies, parsed. @throws for a wrong signature */
  // The shape differs from test to test, so a type would only repeat it.
  // oxlint-disable-next-line no-explicit-any
  verified(secret: string): any[];
  /** Changes the answers from now on. */
  answerWith(answer: Answer): void;
}

/** Answers one delivery; `index` counts from 0. */
export type Answer = (response: ServerResponse, index: number) => void;

const ok: Answer = (response) => void response.writeHead(204).end();

/** Opens an endpoint on loopback that answers 204 by default. */
export async function openReceiver(answer: Answer = ok): Promise<Receiver> {
  const received: Received[] = [];
  let current = answer;
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      current(response, received.length - 1);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    received,
    verified: (secret) =>
      received.map(({ headers, body }) =>
        new Webhook(secret).verify(body, headers as Record<string, string>),
      ),
    answerWith: (next) => void (current = next),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
