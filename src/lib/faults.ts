/**
 * Faults: failures of the environment, not of the caller or of our code. The two kinds differ in
 * whether the outcome is known.
 */

/** No changes were made: a lock or a connection was not available in time, or the queue is full. Retry later. */
export class BusyFault extends Error {
  readonly retryAfterMs = 500;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BusyFault';
  }
}

/**
 * The database is unavailable, or the connection was lost during the commit. In the second case the
 * outcome is unknown: a retry with the same idempotency key returns it.
 */
export class UnavailableFault extends Error {
  readonly retryAfterMs = 1000;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnavailableFault';
  }
}

/** Whether the error is a fault. */
export function isFault(error: unknown): error is BusyFault | UnavailableFault {
  return error instanceof BusyFault || error instanceof UnavailableFault;
}

/** Asserts a condition of our own code. @throws Error, a bug and not a fault, which rolls the transaction back */
export function invariant(holds: boolean, description: string): asserts holds {
  if (!holds) throw new Error(`Invariant broken: ${description}`);
}
