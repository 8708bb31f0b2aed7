import type { IncomingMessage } from 'node:http';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

/**
 * A stopping server counts as quiet after this part of the grace period without a request. It is one
 * second of the default ten, longer than the transit of a request and most changes of a route.
 */
export const QUIET_PART = 0.1;

/**
 * A stop waits for this many checks of /readyz by a load balancer. At its second check it has processed
 * the 503 of the first one and sends no further requests.
 */
const CHECKS_AWAITED = 2;

/** This many checks show that a load balancer polls /readyz, and how often, */
const CHECKS = 5;

/** provided that it polls at least once in this many milliseconds, */
const POLL_MS_MAX = 60_000;

/** and that its last check is not much older than the usual interval. */
const LATE_FACTOR = 2;
const LATE_MS = 500;

/**
 * The quiet time is measured in this many parts. In each part the event loop reads all received data. A
 * process paused for a second does not count that second as quiet.
 */
const PARTS = 10;

/** Paths of load balancers and monitoring. Their requests continue after clients use another server. */
const PROBE_PATHS = /^\/(readyz|healthz|metrics)(\?|$)/;

/** Records when requests arrive, as far as a stop needs it. */
export class Traffic {
  #requests = 0;
  #checks = 0;
  /** The times of the last checks of /readyz, by this process's monotonic clock. */
  readonly #checkedAt: number[] = [];

  /** Counts a request. */
  count({ url = '' }: IncomingMessage): void {
    const probe = PROBE_PATHS.exec(url)?.[1];
    if (probe === undefined) this.#requests += 1;
    if (probe !== 'readyz') return;
    this.#checks += 1;
    this.#checkedAt.push(performance.now());
    if (this.#checkedAt.length > CHECKS) this.#checkedAt.shift();
  }

  /**
   * Resolves with true when no request has arrived for `quietMs`, and with false after `limitMs`. If a load
   * balancer polls /readyz, the time begins after it has received 503.
   */
  async quiet(quietMs: number, limitMs: number): Promise<boolean> {
    const limitAt = performance.now() + limitMs;
    const checksAwaited = this.#checks + (this.#isPolled() ? CHECKS_AWAITED : 0);
    for (let parts = 0; parts < PARTS;) {
      if (performance.now() >= limitAt) return false;
      const before = this.#requests;
      await delay(quietMs / PARTS);
      // When a timer fires, the loop may not have read the received data yet; after the next turn it has.
      await nextTurn();
      parts = this.#requests === before && this.#checks >= checksAwaited ? parts + 1 : 0;
    }
    return true;
  }

  /** Whether a load balancer polls /readyz regularly, and still does. */
  #isPolled(): boolean {
    if (this.#checkedAt.length < CHECKS) return false;
    const gaps = this.#checkedAt.slice(1).map((at, index) => at - this.#checkedAt[index]!);
    const pollMs = Math.max(...gaps);
    const sinceMs = performance.now() - this.#checkedAt.at(-1)!;
    return pollMs < POLL_MS_MAX && sinceMs < pollMs * LATE_FACTOR + LATE_MS;
  }
}
