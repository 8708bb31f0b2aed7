import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Meters, RateLimitName } from '../metrics/meters.ts';

/** Failed calls allowed for one address in a minute: enough for human errors, too few to guess tokens. */
const FAILURES_PER_MINUTE = 60;

/** Too many requests from one address. No changes were made. */
export class RateLimited extends Error {
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.name = 'RateLimited';
    this.retryAfterMs = retryAfterMs;
  }
}

const MESSAGES: Readonly<Record<RateLimitName, string>> = {
  holds: 'Too many requests for holds from this address; try again later.',
  tokens: 'Too many requests with invalid tokens from this address; try again later.',
  admin: 'Too many requests without the admin token from this address; try again later.',
};

/**
 * The rate limits of each address, kept in the memory of this process; each process counts for itself.
 * Except for holds, only failed calls count. A client with a valid token is not refused because others
 * at its address guess tokens.
 */
export class RateLimits {
  readonly #limiters: Readonly<Partial<Record<RateLimitName, RateLimiterMemory>>>;
  readonly #meters: Meters;

  /** @param holdsPerMinute undefined for no limit: many buyers can share one address */
  constructor(holdsPerMinute: number | undefined, meters: Meters) {
    const perMinute = (points: number) => new RateLimiterMemory({ points, duration: 60 });
    this.#limiters = {
      tokens: perMinute(FAILURES_PER_MINUTE),
      admin: perMinute(FAILURES_PER_MINUTE),
      ...(holdsPerMinute !== undefined && { holds: perMinute(holdsPerMinute) }),
    };
    this.#meters = meters;
  }

  /** Counts one call of the address. @throws RateLimited above the limit */
  async count(name: RateLimitName, caller: { readonly address: string }): Promise<void> {
    const limiter = this.#limiters[name];
    if (limiter === undefined) return;
    try {
      await limiter.consume(caller.address);
    } catch (refused) {
      this.#meters.rateLimited(name);
      throw new RateLimited(MESSAGES[name], (refused as RateLimiterRes).msBeforeNext);
    }
  }
}
