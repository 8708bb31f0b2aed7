import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';
import type { Logger } from '../../lib/log.ts';
import { isOwnOrigin } from './own-origin.ts';

/** The refusal of one origin is logged at most once in this time. */
const LOG_AGAIN_MS = 60_000;

/** Most origins whose refusal is logged in that time: callers can invent any number of them. */
const LOGGED_MAX = 10;

/** Most characters of an origin in a log line. */
const LOGGED_CHARACTERS_MAX = 200;

/** The policy for origins. */
export interface OriginsOptions {
  /** Whether an origin is allowed in addition to the server's own. */
  readonly isListed: (origin: string) => boolean;
  /** Number of trusted proxies, which name the server's own origin. */
  readonly trustedHops: number;
  readonly log: Logger;
}

/**
 * The origins whose pages may call the server. Every response to an allowed origin has CORS headers,
 * also errors: without them, a page cannot read the response or Retry-After.
 */
export class Origins {
  readonly #options: OriginsOptions;
  /** When the refusal of an origin was logged, the oldest first; by this process's monotonic clock. */
  readonly #loggedAt = new Map<string, number>();
  readonly #allow = cors<IncomingMessage>({
    origin: true,
    methods: ['GET', 'HEAD', 'POST'],
    exposedHeaders: ['Retry-After', 'X-Request-Id'],
    maxAge: 600,
  });

  constructor(options: OriginsOptions) {
    this.#options = options;
  }

  /** Whether a page of this origin may send this request. */
  isAllowed(origin: string, request: IncomingMessage): boolean {
    const { isListed, trustedHops } = this.#options;
    return isListed(origin) || isOwnOrigin(origin, request, trustedHops);
  }

  /** Adds the headers to an answer. Answers a preflight itself, and returns true then. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const { origin } = request.headers;
    if (origin !== undefined && this.isAllowed(origin, request)) {
      let isAnswered = true;
      this.#allow(request, response, () => (isAnswered = false));
      return isAnswered;
    }
    // Caches must not use a response without CORS headers for an allowed origin.
    response.setHeader('vary', 'Origin');
    if (origin === undefined || request.method !== 'OPTIONS') return false;
    response
      .writeHead(403, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
      .end(`${this.refuse(origin)}\n`);
    return true;
  }

  /** Logs the refusal of an origin, and returns its message. */
  refuse(origin: string): string {
    const shown = origin.slice(0, LOGGED_CHARACTERS_MAX).replace(/[^\x20-\x7e]/g, '?');
    const message = `Origin ${shown} is not in ALLOWED_ORIGINS.`;
    if (this.#mayLog(shown)) this.#options.log.warn({}, `Refused a request of a page. ${message}`);
    return message;
  }

  #mayLog(origin: string): boolean {
    const now = performance.now();
    for (const [one, at] of this.#loggedAt) {
      if (now - at < LOG_AGAIN_MS) break;
      this.#loggedAt.delete(one);
    }
    if (this.#loggedAt.has(origin) || this.#loggedAt.size >= LOGGED_MAX) return false;
    this.#loggedAt.set(origin, now);
    return true;
  }
}
