import { pino } from 'pino';
import { requestId } from './request-id.ts';

/**
 * The names under which facts may reach the log, and no others: what is not on the list is left
 * out. A list of what must not be told would miss the next secret; no token, signature, key or
 * payload has a name here.
 */
const TOLD = [
  'act',
  'again',
  'attempt',
  'attempts',
  'balanced',
  'code',
  'ended',
  'err',
  'eventId',
  'findings',
  'first',
  'folder',
  'holdId',
  'migrations',
  'orderId',
  'pid',
  'productId',
  'provider',
  'quantity',
  'requestId',
  'settled',
  'signal',
  'skipped',
  'sqlState',
  'status',
  'task',
  'times',
  'url',
  'version',
] as const;

/** Facts of a log line: ids, counts and outcomes. */
export type Facts = { readonly [Name in (typeof TOLD)[number]]?: unknown };

/** What the shop needs of a log: facts first, then one sentence. */
export interface Logger {
  debug(facts: Facts, message: string): void;
  info(facts: Facts, message: string): void;
  warn(facts: Facts, message: string): void;
  error(facts: Facts, message: string): void;
}

/** Where lines go; standard output unless a test listens. */
interface Lines {
  write(line: string): void;
}

/**
 * The server's log: one JSON object a line on standard output, with the id of the request it
 * belongs to. A closed pipe must not end the sale, so write errors are dropped.
 */
export function createLog(level: string, lines: Lines = standardOutput()): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: () => ({ requestId: requestId() }),
      formatters: { log: onlyTold },
      serializers: { err: (error: unknown) => errorOf(error) },
    },
    lines,
  );
}

function standardOutput(): Lines {
  process.stdout.on('error', () => {});
  return process.stdout;
}

function onlyTold(facts: Record<string, unknown>): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  for (const name of TOLD) {
    if (facts[name] !== undefined) told[name] = facts[name];
  }
  return told;
}

/** Errors nest: a fault has its cause, and that its own. */
const CAUSES_MAX = 4;

/** What is told of an error; a database's error also carries the values it was asked with. */
function errorOf(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  const nested =
    cause === undefined || depth === CAUSES_MAX ? undefined : errorOf(cause, depth + 1);
  return { type: name, message, stack, code, constraint, cause: nested };
}

/** A log that says nothing, for tools and tests that have their own words. */
export const silentLog: Logger = { debug() {}, info() {}, warn() {}, error() {} };
