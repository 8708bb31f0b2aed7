import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';
import type { Logger } from '../../lib/log.ts';
import { isOwnOrigin } from './own-origin.ts';

/** Refusals of one origin are logged at most once in this time, */
const LOG_AGAIN_MS = 60_000;

/** and those of so many different origins: callers invent any number of them. */
const LOGGED_MAX = 10;

/** A longer text is no origin of a page. */
const SHOWN_MAX = 200;

/** Which pages may call the server. */
export interface OriginsOptions {
  /** Whether an origin is allowed beside the server's own. */
  readonly isNamed: (origin: string) => boolean;
  /** How many proxies in front name the server's own origin. */
  readonly trustedHops: number;
  readonly log: Logger;
}

/**
 * The origins of pages that may call the server. Every answer to an allowed one has the headers of CORS,
 * whatever its status: a page can read no other answer, nor when to come again.
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
    const { isNamed, trustedHops } = this.#options;
    return isNamed(origin) || isOwnOrigin(origin, request, trustedHops);
  }

  /** Adds the headers to an answer. Answers a preflight itself, and returns true then. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const { origin } = request.headers;
    if (origin !== undefined && this.isAllowed(origin, request)) {
      let isAnswered = true;
      this.#allow(request, response, () => (isAnswered = false));
      return isAnswered;
    }
    // An answer without the headers must not be kept for an allowed origin.
    response.setHeader('vary', 'Origin');
    if (origin === undefined || request.method !== 'OPTIONS') return false;
    response
      .writeHead(403, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
      .end(`${this.refuse(origin)}\n`);
    return true;
  }

  /** Logs that a page of this origin was refused, and gives the sentence that says so. */
  refuse(origin: string): string {
    const shown = origin.slice(0, SHOWN_MAX).replace(/[^\x20-\x7e]/g, '?');
    const message = `Origin ${shown} is not in ALLOWED_ORIGINS.`;
    if (this.#mayLog(shown)) this.#options.log.warn({}, `A page was refused. ${message}`);
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
