import { sqlState } from './faults.ts';
import { isFault } from '../lib/faults.ts';
import type { Logger } from '../lib/log.ts';

/** How long further faults of one reason are only counted, in milliseconds: one line has their count. */
const WINDOW_MS = 5000;

/**
 * Logs why the database failed, with Postgres' message, at warn: the first fault of a reason at once,
 * further ones as a count at the end of each window. An outage with thousands of requests a second
 * makes a line in five seconds.
 */
export class FaultLog {
  readonly #log: Logger;
  /** Faults since the last line, by reason; a reason is here while its window is open. */
  readonly #further = new Map<string, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Logs a fault; other errors are left to their handlers. Returns the error. */
  report(error: unknown): unknown {
    if (isFault(error) && error.cause !== undefined) this.#count(error.message, error.cause);
    return error;
  }

  /** Logs the loss of a session that nothing was under way on. */
  reportIdleSession(error: Error): void {
    this.#count('An idle database session was lost.', error);
  }

  #count(what: string, cause: unknown): void {
    const reason = reasonOf(cause);
    // Without numbers and names, which differ between faults of one reason.
    const key = `${what} ${reason.replaceAll(/\d+|"[^"]*"/g, '…')}`;
    const further = this.#further.get(key);
    if (further !== undefined) return void this.#further.set(key, further + 1);
    const facts = { sqlState: sqlState(cause) ?? sqlState((cause as Error).cause) };
    this.#log.warn(facts, `${what} The reason: ${reason}`);
    this.#openWindow(key, (times) =>
      this.#log.warn(
        { ...facts, times },
        `${what} The reason, ${times} more times in ${WINDOW_MS / 1000} seconds: ${reason}`,
      ),
    );
  }

  #openWindow(key: string, write: (times: number) => void): void {
    this.#further.set(key, 0);
    setTimeout(() => {
      const times = this.#further.get(key)!;
      this.#further.delete(key);
      if (times === 0) return;
      write(times);
      this.#openWindow(key, write);
    }, WINDOW_MS).unref();
  }
}

/** The first line of what an error says. Several addresses that refuse make an error without a text. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? ` (${reasonOf(error.cause)})` : '';
  return `${(error.message || sqlState(error) || error.name).split('\n')[0]}${inner}`;
}
