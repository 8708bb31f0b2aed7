import type { Database } from '../../../postgres/database.ts';
import { isFault } from '../../../lib/faults.ts';
import { writeAuditEntry } from './audit-log.ts';

/** One call of an admin operation without the admin token. */
export interface UnauthorizedAttempt {
  /** The operation's name. */
  readonly name: string;
  readonly address: string | null;
  readonly requestId: string;
}

/** Attempts of one address that get an entry each, between two calls of `flush`. */
const ENTRIES_MAX = 60;

/** Addresses counted one by one between two calls of `flush`; all others are counted together. */
const ADDRESSES_MAX = 1000;

const DENIED = { actor: 'unauthorized', outcome: 'DENIED' } as const;

/**
 * Records unauthorized attempts: an entry each for the first 60 of an address, a count for the rest.
 * `flush`, called every minute, writes that count as one entry. A flood costs the database 60 rows a
 * minute for each address. The log has the number of all attempts.
 */
export class UnauthorizedAttempts {
  readonly #database: Database;
  readonly #counts = new Map<string | null, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Records one attempt. If the database is unavailable, the answer to the client stays the same. */
  async record({ name, address, requestId }: UnauthorizedAttempt): Promise<void> {
    const counted = this.#counts.has(address) || this.#counts.size < ADDRESSES_MAX ? address : null;
    const count = (this.#counts.get(counted) ?? 0) + 1;
    this.#counts.set(counted, count);
    if (count > ENTRIES_MAX) return;
    try {
      await writeAuditEntry(
        this.#database,
        { ...DENIED, address: counted, requestId },
        { ...DENIED, action: name },
      );
    } catch (error) {
      if (!isFault(error)) throw error;
      this.#database.log.warn(
        { requestId, act: name },
        'Could not write audit entry for unauthorized attempt',
      );
    }
  }

  /**
   * Writes one entry for each address with more than 60 attempts, and resets the counts.
   *
   * @throws a Fault when the database is unavailable: what is not written stays counted
   */
  async flush(): Promise<void> {
    for (const [address, count] of this.#counts) {
      if (count > ENTRIES_MAX) {
        await writeAuditEntry(
          this.#database,
          { ...DENIED, address, requestId: null },
          { ...DENIED, action: 'additional attempts', times: count - ENTRIES_MAX },
        );
      }
      this.#subtract(address, count);
    }
  }

  /** Attempts recorded while the entry was written stay counted. */
  #subtract(address: string | null, written: number): void {
    const rest = this.#counts.get(address)! - written;
    if (rest > 0) this.#counts.set(address, rest);
    else this.#counts.delete(address);
  }
}
