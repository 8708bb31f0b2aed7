import type { Database } from '../../postgres/database.ts';
import { isFault } from '../../lib/faults.ts';
import { recordAct } from './audit-log.ts';

/** Someone without the right asked for an operator's act. */
export interface DeniedTry {
  /** The operation's name. */
  readonly name: string;
  readonly address: string | null;
  readonly requestId: string;
}

/** Denied tries of one address that get a row each, between two tellings. */
const ROWS_MAX = 60;

/** Most addresses told apart between two tellings; those beyond are counted together. */
const ADDRESSES_MAX = 1000;

const DENIED = { actor: 'nobody', outcome: 'DENIED' } as const;

/**
 * Records who tried the operator's part without the right: 60 tries of an address with a row each,
 * the further ones only counted, and told in one row when `tell` is called, which the clockwork does
 * each minute. So a flood costs the database 60 rows a minute an address, and no try goes unnoticed.
 */
export class UnauthorizedAttempts {
  readonly #database: Database;
  readonly #counts = new Map<string | null, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Records one try. A database that is away must not change what the stranger is told. */
  async record({ name, address, requestId }: DeniedTry): Promise<void> {
    const known = this.#counts.has(address) || this.#counts.size < ADDRESSES_MAX ? address : null;
    const count = (this.#counts.get(known) ?? 0) + 1;
    this.#counts.set(known, count);
    if (count > ROWS_MAX) return;
    try {
      await recordAct(
        this.#database,
        { ...DENIED, address: known, requestId },
        { ...DENIED, name },
      );
    } catch (error) {
      if (!isFault(error)) throw error;
      this.#database.log.warn(
        { requestId, act: name },
        'Could not write audit entry for unauthorized attempt',
      );
    }
  }

  /** Writes one row for each address that had too many, carrying their number, and counts anew. */
  async tell(): Promise<void> {
    for (const [address, count] of this.#counts) {
      if (count > ROWS_MAX) {
        await recordAct(
          this.#database,
          { ...DENIED, address, requestId: null },
          { ...DENIED, name: 'further tries', times: count - ROWS_MAX },
        );
      }
      this.#forget(address, count);
    }
  }

  /** Told now: only those that came meanwhile still count. What could not be told stays counted. */
  #forget(address: string | null, told: number): void {
    const since = this.#counts.get(address)! - told;
    if (since > 0) this.#counts.set(address, since);
    else this.#counts.delete(address);
  }
}
