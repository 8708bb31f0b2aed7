import { newId } from '../../lib/ids.ts';

/**
 * Counts the answers of this process to requests for holds, since its start. Rates are the difference
 * of two readings of the same process.
 */
export class HoldAnswers {
  /** Names this process, so that readings of two processes are not compared. UUIDv7. */
  readonly processId = newId();
  readonly #counts = new Map<string, number>();

  /** @param outcome HELD, or the code of a refusal */
  add(outcome: string, count: number): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + count);
  }

  /** Answers with HELD. */
  get held(): number {
    return this.#counts.get('HELD') ?? 0;
  }

  /** The refusals by code. */
  get refused(): ReadonlyMap<string, number> {
    return new Map([...this.#counts].filter(([outcome]) => outcome !== 'HELD'));
  }
}
