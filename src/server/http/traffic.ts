import type { IncomingMessage } from 'node:http';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

/**
 * The part of the grace without a request after which a stopping server counts as quiet: one second of
 * the default ten, more than a request travels and more than most changes of a route take.
 */
export const QUIET_PART = 0.1;

/**
 * Looks of a load balancer at /readyz that a stop waits for. At its second look it has processed the
 * answer to its first, 503, and sends no further request here.
 */
const LOOKS_AWAITED = 2;

/** So many looks show that a load balancer looks, and how often; */
const LOOKS = 5;

/** provided that it does so at least once in this many milliseconds, */
const LOOK_MS_MAX = 60_000;

/** and that the last look was not much longer ago than the others were apart. */
const LATE_FACTOR = 2;
const LATE_MS = 500;

/**
 * Quiet is made up of so many parts. In each the event loop reads all that the system has received, so
 * a process that the machine held up for a second does not take that second for quiet.
 */
const PARTS = 10;

/** Asked by load balancers and monitoring; they go on after the load balancer has stopped sending requests. */
const LOOKED_AT = /^\/(readyz|healthz|metrics)(\?|$)/;

/** When requests came, as far as a stop needs to know. */
export class Traffic {
  #requests = 0;
  #looks = 0;
  /** When /readyz was asked, by this process's monotonic clock; the last few times. */
  readonly #lookedAt: number[] = [];

  /** A request came. */
  count({ url = '' }: IncomingMessage): void {
    const lookedAt = LOOKED_AT.exec(url)?.[1];
    if (lookedAt === undefined) this.#requests += 1;
    if (lookedAt !== 'readyz') return;
    this.#looks += 1;
    this.#lookedAt.push(performance.now());
    if (this.#lookedAt.length > LOOKS) this.#lookedAt.shift();
  }

  /**
   * Resolves with true once no request has come for `quietMs`. Where a load balancer looks regularly, that
   * time begins when it has seen that this server is not ready. Resolves with false after `limitMs`.
   */
  async quiet(quietMs: number, limitMs: number): Promise<boolean> {
    const limitAt = performance.now() + limitMs;
    const looksAwaited = this.#looks + (this.#isLookedAt() ? LOOKS_AWAITED : 0);
    for (let parts = 0; parts < PARTS;) {
      if (performance.now() >= limitAt) return false;
      const before = this.#requests;
      await delay(quietMs / PARTS);
      // After a timer the loop may not have read yet what arrived meanwhile; after this it has.
      await nextTurn();
      parts = this.#requests === before && this.#looks >= looksAwaited ? parts + 1 : 0;
    }
    return true;
  }

  /** Whether a load balancer looks regularly, to this day. */
  #isLookedAt(): boolean {
    if (this.#lookedAt.length < LOOKS) return false;
    const gaps = this.#lookedAt.slice(1).map((at, index) => at - this.#lookedAt[index]!);
    const lookMs = Math.max(...gaps);
    const sinceMs = performance.now() - this.#lookedAt.at(-1)!;
    return lookMs < LOOK_MS_MAX && sinceMs < lookMs * LATE_FACTOR + LATE_MS;
  }
}
