import { createClient, type Client } from 'graphql-ws';
import { backoffMs, pause } from './retry.ts';

/**
 * An answer takes milliseconds, or a few seconds from a busy shop. After this time the connection is
 * dead.
 */
const ANSWER_WAIT_MS = 15_000;

/** Interval of pings on a silent socket. It has half that time to answer. */
const PING_MS = 10_000;

/** `fetch` with a timeout: without one it would wait without end on a dead connection. */
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
 * down, 1006 when the network fails) graphql-ws opens it again and subscribes again, while there are
 * subscriptions.
 */
export function openSocket(url: string, pingMs = PING_MS): Client {
  let overdue: ReturnType<typeof setTimeout> | undefined;
  const socket = createClient({
    url,
    retryAttempts: Infinity,
    // By default a refused connection is fatal, because it is an error and not a close.
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

/** Closes a socket permanently. A socket that is being reopened rejects, which is harmless. */
export function closeSocket(socket: Client): void {
  Promise.resolve(socket.dispose()).catch(() => {});
}
