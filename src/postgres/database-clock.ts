import type { Database } from './database.ts';
import { now } from './clock.ts';

/** Age from which a reading is renewed in the background, in milliseconds. */
const RENEW_MS = 1000;

/** Age from which a reading is not used: two renewals were missed. Milliseconds. */
const AGE_MS_MAX = 3000;

/** Longest round trip of a reading that is kept, in milliseconds: the reading is off by at most this. */
const ROUND_TRIP_MS_MAX = 500;

/** The database's clock at one moment of this process's monotonic clock. */
interface Reading {
  readonly now: Date;
  /** When it was answered, in milliseconds of `performance.now()`. */
  readonly answeredAt: number;
}

/**
 * The database's clock without a round trip for each caller: a reading, carried on by this process's
 * monotonic clock and renewed each second while it is used. It is off by at most half a second (the round
 * trip of the reading), and only a step of the database's clock is noticed late, by up to three seconds.
 * So it serves for windows of minutes; deadlines of holds are decided by `readClock`, behind the lock.
 */
export class DatabaseClock {
  readonly #database: Pick<Database, 'rows'>;
  #reading: Reading | undefined;
  #renewal: Promise<Reading> | undefined;

  readonly #monotonicMs: () => number;

  constructor(database: Pick<Database, 'rows'>, monotonicMs = () => performance.now()) {
    this.#database = database;
    this.#monotonicMs = monotonicMs;
  }

  /** The estimated time. @throws a fault where there is no reading and the database does not answer */
  async estimate(): Promise<Date> {
    const reading = this.#reading;
    const ageMs = reading === undefined ? Infinity : this.#monotonicMs() - reading.answeredAt;
    if (reading === undefined || ageMs >= AGE_MS_MAX) return this.#carriedOn(await this.#renew());
    // The next caller that finds no young reading sees the failure.
    if (ageMs >= RENEW_MS) this.#renew().catch(() => {});
    return this.#carriedOn(reading);
  }

  /** The time, read for this call. */
  read(): Promise<Date> {
    return now(this.#database);
  }

  /** Callers share one reading that is under way. */
  #renew(): Promise<Reading> {
    this.#renewal ??= this.#ask().finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  async #ask(): Promise<Reading> {
    const askedAt = this.#monotonicMs();
    const reading = { now: await this.read(), answeredAt: this.#monotonicMs() };
    if (reading.answeredAt - askedAt <= ROUND_TRIP_MS_MAX) this.#reading = reading;
    return reading;
  }

  /** The database read its clock before it answered; the moment of the answer is assumed. */
  #carriedOn({ now: time, answeredAt }: Reading): Date {
    return new Date(time.getTime() + this.#monotonicMs() - answeredAt);
  }
}
