import type { Database } from './database.ts';
import { BusyFault } from '../lib/faults.ts';

/** How often the database is asked whether it takes writes; and while it does not, in milliseconds. */
const PROBE_MS = 1000;
const PROBE_AWAY_MS = 250;

/**
 * How long the database may send nothing, in milliseconds. More than its statement timeout
 * (2,300), so that a pool whose sessions all wait for locks does not count as away.
 */
const SILENCE_MS_MAX = 3500;

/** A database behind a pooler reports its parameters to the pooler alone: so it is asked. */
const PROBE = "select current_setting('transaction_read_only') = 'on' as \"isReadOnly\"";

/**
 * Whether the database can serve, known at every moment without asking it: a probe goes through the
 * pool each second. A pool that is busy fails no probe; then every answer to one of its sessions counts.
 */
export class Availability {
  readonly #database: Database;
  readonly #receivedAt: () => number;
  #isAway = false;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param receivedAt when the database last sent something on another connection, as `performance.now()` counts */
  constructor(database: Database, receivedAt: () => number) {
    this.#database = database;
    this.#receivedAt = receivedAt;
  }

  /** Whether the database answers and takes writes. */
  get isAvailable(): boolean {
    const receivedAt = Math.max(this.#database.answeredAt(), this.#receivedAt());
    return !this.#isAway && performance.now() - receivedAt <= SILENCE_MS_MAX;
  }

  /** Probes for the first time, and from then on again and again. */
  async start(): Promise<void> {
    await this.#probe();
    if (this.#isStopped) return;
    const next = this.#isAway ? PROBE_AWAY_MS : PROBE_MS;
    this.#timer = setTimeout(() => void this.start(), next);
  }

  /** Probes no more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #probe(): Promise<void> {
    try {
      // A session that was ended while idle fails once, and is no sign of an outage.
      this.#isAway = await this.#isReadOnly().catch(() => this.#isReadOnly());
    } catch (error) {
      this.#isAway ||= !(error instanceof BusyFault);
    }
  }

  async #isReadOnly(): Promise<boolean> {
    const [probed] = await this.#database.rows<{ isReadOnly: boolean }>(PROBE, []);
    return probed!.isReadOnly;
  }
}
