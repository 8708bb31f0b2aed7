/**
 * Faults: the world failed, not the caller and not our code. Two kinds reach a caller, and they
 * differ in what is known.
 */

/** Nothing was done: a lock or a connection was not available in time, or too many wait. Try again later. */
export class BusyFault extends Error {
  readonly retryAfterMs = 500;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BusyFault';
  }
}

/**
 * The database is away, or the connection was lost while committing. In the second case the
 * outcome is unknown: the same idempotency key finds out.
 */
export class UnavailableFault extends Error {
  readonly retryAfterMs = 1000;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnavailableFault';
  }
}

/** Whether the error is the world's doing and was said so already. */
export function isFault(error: unknown): error is BusyFault | UnavailableFault {
  return error instanceof BusyFault || error instanceof UnavailableFault;
}
