import { BusyFault, UnavailableFault, isFault } from '../lib/faults.ts';
import { CommitWarning } from './session/session-health.ts';

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
 * SQLSTATEs of a database that is away: connection (08), out of resources (53), shut down or starting
 * (57P), system error (58), read-only or in recovery (25006), a session that it ended for its age or
 * idleness (25P03, 25P04), an outcome that it does not know (40003).
 */
const AWAY = /^(08|53|57P|58|25006|25P03|25P04|40003)/;

/** Codes of Node and of the system for a link that cannot be opened or is lost, TLS included. */
const LINK_LOST = /^(E(CONN|PIPE|TIMEDOUT|HOST|NET|NOBUFS|PROTO|AI_)|ERR_(SSL|TLS)_)/;

/** Whether the database is away: by its SQLSTATE, a network error, or pg's own words for it. */
export function isUnavailable(error: unknown): boolean {
  // No session could be opened, for any reason: a changed password, for example.
  if ((error as { whileConnecting?: unknown } | null)?.whileConnecting === true) return true;
  const code = sqlState(error) ?? '';
  if (AWAY.test(code)) return true;
  if (LINK_LOST.test(code)) return true;
  return error instanceof Error && GONE.some((words) => error.message.includes(words));
}

/** Whether no connection of the pool came free in time: nothing was done. */
export function isPoolExhausted(error: unknown): boolean {
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
  if (late !== undefined) return new BusyFault(`${late}${so}.`, { cause: error });
  const isUnknown = isOutcomeUnknown(error, doing);
  if (!isUnknown && !isUnavailable(error)) return error;
  const message = isUnknown ? OUTCOME_UNKNOWN : `The database is away${so}.`;
  return new UnavailableFault(message, { cause: error });
}

const OUTCOME_UNKNOWN =
  'The database was lost while committing: the outcome is unknown. Ask again with the same key.';

/**
 * Whether a commit that failed so may have been carried out. Any other error of a commit is Postgres'
 * word that it rolled back.
 */
function isOutcomeUnknown(error: unknown, doing: Doing): boolean {
  if (error instanceof CommitWarning) return true;
  return doing === 'committing' && (sqlState(error) === CANCELED || isUnavailable(error));
}

/** What was not available in time, where that is what the error says. */
function lateness(error: unknown, doing: Doing): string | undefined {
  if (isPoolExhausted(error)) return 'No database connection came free in time';
  if (doing === 'committing') return undefined;
  if (sqlState(error) === CANCELED) return 'The database did not get to it in time';
  const name = retryableName(error);
  // A transaction tries again itself.
  return name === undefined || doing === 'working' ? undefined : `The database was busy (${name})`;
}

/** The SQLSTATE or Node's code that an error carries, whether it comes from pg or through the ORM's own exceptions. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
