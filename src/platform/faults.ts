/**
 * Faults: the world failed, not the caller and not our code. Two kinds reach a caller, and they
 * differ in what is known.
 */

/** Nothing was done: a lock or a connection was not had in time, or too many wait. Try again later. */
export class BusyFault extends Error {
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs = 500) {
    super(message);
    this.name = 'BusyFault';
    this.retryAfterMs = retryAfterMs;
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

/** SQLSTATEs that undo the whole transaction and may go well the next time. */
const RETRYABLE: Readonly<Record<string, string>> = {
  '40001': 'serialization_failure',
  '40P01': 'deadlock_detected',
  '55P03': 'lock_not_available',
};

/** The name of a SQLSTATE that is worth trying again, or undefined. */
export function retryableName(error: unknown): string | undefined {
  return RETRYABLE[sqlState(error) ?? ''];
}

/** Whether a unique constraint of this name was broken. */
export function breaksUnique(error: unknown, constraint: string): boolean {
  return (
    sqlState(error) === '23505' && (error as { constraint?: string }).constraint === constraint
  );
}

/** pg's own words for a lost socket, and the last for a pool that was closed. */
const GONE = [
  'Connection terminated',
  'timeout expired',
  'Query read timeout',
  'not queryable',
  'after calling end on the pool',
];

/**
 * Whether the database is away: SQLSTATE classes 08 (connection), 53 (out of resources), 57P (shut
 * down), a network error, or pg's own words for it.
 */
function isUnavailable(error: unknown): boolean {
  const code = sqlState(error) ?? '';
  if (/^(08|53|57P|58)/.test(code) || code === '25P03') return true;
  if (/^E(CONN|PIPE|TIMEDOUT|HOSTUNREACH|AI_)/.test(code)) return true;
  return error instanceof Error && GONE.some((words) => error.message.includes(words));
}

/** Whether no connection of the pool came free in time: nothing was done. */
function isPoolExhausted(error: unknown): boolean {
  return error instanceof Error && /timeout exceeded when trying to connect/.test(error.message);
}

/** query_canceled: the statement timeout ran out. */
const CANCELED = '57014';

/** What was under way when the database failed. A read says nothing of what was done before it. */
type Doing = 'working' | 'committing' | 'reading';

/** Says of a database error what a caller needs to know; leaves the others as they are. */
export function asFault(error: unknown, doing: Doing = 'working'): unknown {
  if (isFault(error)) return error;
  const so = doing === 'working' ? '; nothing was done' : '';
  const late = lateness(error, doing);
  if (late !== undefined) return new BusyFault(`${late}${so}.`);
  if (!isUnavailable(error)) return error;
  const message =
    doing === 'committing'
      ? 'The database was lost while committing: the outcome is unknown. Ask again with the same key.'
      : `The database is away${so}.`;
  return new UnavailableFault(message, { cause: error });
}

/** What was not had in time, where that is what the error says. */
function lateness(error: unknown, doing: Doing): string | undefined {
  if (isPoolExhausted(error)) return 'No database connection came free in time';
  if (doing === 'committing') return undefined;
  if (sqlState(error) === CANCELED) return 'The database did not get to it in time';
  const name = retryableName(error);
  // A transaction tries again itself.
  return name === undefined || doing === 'working' ? undefined : `The database was busy (${name})`;
}

/** The code an error carries, whether it comes from pg or through the ORM's own exceptions. */
function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
