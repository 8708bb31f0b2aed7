import { createClient, type Client } from 'graphql-ws';
import { backoffMs, pause } from './retry.ts';

/** An answer takes milliseconds, a busy shop's a few seconds; after this the connection is dead. */
const ANSWER_WAIT_MS = 15_000;

/** A silent socket is asked this often whether it still lives, and has half as long to answer. */
const PING_MS = 10_000;

/** `fetch` that gives up: by itself it would wait for ever on a connection that died silently. */
export function fetchInTime(
  url: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  const deadline = AbortSignal.timeout(ANSWER_WAIT_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
  return fetch(url, { ...init, signal });
}

/**
 * The one websocket of a page, for all its subscriptions. When it is lost (1001 when a server shuts
 * down, 1006 when the network goes) graphql-ws opens it again and subscribes again, for as long as
 * anyone is subscribed.
 */
export function openSocket(url: string, pingMs = PING_MS): Client {
  let overdue: ReturnType<typeof setTimeout> | undefined;
  const socket = createClient({
    url,
    retryAttempts: Infinity,
    // By default a refused connection would count as fatal: it comes as an error, not as a close.
    shouldRetry: () => true,
    // By default the wait doubles without end.
    retryWait: (retries) => pause(backoffMs(retries)),
    keepAlive: pingMs,
    on: {
      ping(received) {
        if (!received) overdue = setTimeout(() => socket.terminate(), pingMs / 2);
      },
      pong: () => clearTimeout(overdue),
      closed: () => clearTimeout(overdue),
    },
  });
  return socket;
}

/** Closes a socket for good. One that is being reopened at that moment rejects, which is harmless. */
export function closeSocket(socket: Client): void {
  Promise.resolve(socket.dispose()).catch(() => {});
}
