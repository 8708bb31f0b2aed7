import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Limited, Meters } from '../metrics/meters.ts';

/** Failing calls that an address may make in a minute: far more than a person's slips, far fewer than a search needs. */
const FAILURES_PER_MINUTE = 60;

/** Too many from one address; nothing was done. */
export class RateLimited extends Error {
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.name = 'RateLimited';
    this.retryAfterMs = retryAfterMs;
  }
}

const MESSAGES: Readonly<Record<Limited, string>> = {
  holds: 'Too many holds were asked for from this address; try again later.',
  tokens: 'Too many tokens from this address opened nothing; try again later.',
  admin: 'Too many calls from this address lacked the admin token; try again later.',
};

/**
 * The limits of each address, kept in the memory of this process: with several, each allows as
 * much. Only failing calls are counted, holds aside, so that whoever has the right token is served
 * however many others at the same address guess.
 */
export class RateLimits {
  readonly #limiters: Readonly<Partial<Record<Limited, RateLimiterMemory>>>;
  readonly #meters: Meters;

  /** @param holdsPerMinute undefined: holds are not limited, as a crowd behind one address is a customer */
  constructor(holdsPerMinute: number | undefined, meters: Meters) {
    const perMinute = (points: number) => new RateLimiterMemory({ points, duration: 60 });
    this.#limiters = {
      tokens: perMinute(FAILURES_PER_MINUTE),
      admin: perMinute(FAILURES_PER_MINUTE),
      ...(holdsPerMinute !== undefined && { holds: perMinute(holdsPerMinute) }),
    };
    this.#meters = meters;
  }

  /** Counts one call of whoever is at the address. @throws RateLimited past the limit */
  async count(what: Limited, caller: { readonly address: string }): Promise<void> {
    const limiter = this.#limiters[what];
    if (limiter === undefined) return;
    try {
      await limiter.consume(caller.address);
    } catch (refused) {
      this.#meters.rateLimited(what);
      throw new RateLimited(MESSAGES[what], (refused as RateLimiterRes).msBeforeNext);
    }
  }
}
