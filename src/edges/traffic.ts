import type { IncomingMessage } from 'node:http';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

/**
 * The part of the grace without a request after which a stopping server counts as quiet, where no load
 * balancer looks regularly: one second of the default ten, more than most changes of a route take.
 */
export const QUIET_PART = 0.1;

/** The part of the grace after which a stop goes on although requests still come: the rest finishes them. */
const QUIET_PART_MAX = 0.75;

/** A load balancer's looks come this much late at times, and a request travels half a second at most. */
const LATE_FACTOR = 1.25;
const TRAVEL_MS = 500;

/** So many looks in a row show how often a load balancer looks, */
const LOOKS = 5;

/** provided that it does so at least once in this many milliseconds. */
const LOOK_MS_MAX = 60_000;

/**
 * Quiet is made up of so many parts. In each the event loop reads all that the system has received, so
 * a process that the machine held up for a second does not take that second for quiet.
 */
const PARTS = 10;

/** Asked by load balancers and monitoring; they go on while nobody is sent here any more. */
const LOOKED_AT = /^\/(readyz|healthz|metrics)(\?|$)/;

/** When requests came, as far as a stop needs to know. */
export class Traffic {
  #requests = 0;
  /** When /readyz was asked, by this process's monotonic clock; the last few times. */
  readonly #looks: number[] = [];

  /** A request came. */
  count({ url = '' }: IncomingMessage): void {
    const lookedAt = LOOKED_AT.exec(url)?.[1];
    if (lookedAt === undefined) this.#requests += 1;
    if (lookedAt !== 'readyz') return;
    this.#looks.push(performance.now());
    if (this.#looks.length > LOOKS) this.#looks.shift();
  }

  /**
   * Resolves once no request has come for a while longer than a load balancer takes to look at /readyz
   * and its last request to arrive; at the latest when three quarters of the grace are over.
   */
  async quiet(graceMs: number): Promise<void> {
    const limitAt = performance.now() + graceMs * QUIET_PART_MAX;
    const partMs = Math.max(graceMs * QUIET_PART, this.#lookMs()) / PARTS;
    for (let parts = 0; parts < PARTS && performance.now() < limitAt;) {
      const before = this.#requests;
      await delay(partMs);
      // After a timer the loop may not have read yet what arrived meanwhile; after this it has.
      await nextTurn();
      parts = this.#requests === before ? parts + 1 : 0;
    }
  }

  /** How long it takes until no request comes, where a load balancer looks regularly; else 0. */
  #lookMs(): number {
    if (this.#looks.length < LOOKS) return 0;
    const gaps = this.#looks.slice(1).map((at, index) => at - this.#looks[index]!);
    const lookMs = Math.max(...gaps);
    const isCurrent = performance.now() - this.#looks.at(-1)! < 2 * lookMs + TRAVEL_MS;
    return isCurrent && lookMs < LOOK_MS_MAX ? lookMs * LATE_FACTOR + TRAVEL_MS : 0;
  }
}
