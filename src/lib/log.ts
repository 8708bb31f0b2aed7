import { createRequire } from 'node:module';
import { pino } from 'pino';
import type PinoPretty from 'pino-pretty';
import { LogOutput, standardOutput } from './log-output.ts';
import { requestId } from './ids.ts';

/**
 * The only facts that are logged. A list of allowed names cannot miss a new secret, as a list of
 * forbidden ones could. No token, signature, key or payload has a name here.
 */
const LOGGED_FACTS = [
  'act',
  'again',
  'attempt',
  'attempts',
  'balanced',
  'code',
  'dropped',
  'ended',
  'endpointId',
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
  'reason',
  'refundId',
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
export type Facts = { readonly [Name in (typeof LOGGED_FACTS)[number]]?: unknown };

/** A structured log: facts first, then one sentence. */
export interface Logger {
  debug(facts: Facts, message: string): void;
  info(facts: Facts, message: string): void;
  warn(facts: Facts, message: string): void;
  error(facts: Facts, message: string): void;
}

/** Where lines are written: standard output, or a test's array. */
interface Lines {
  write(line: string): void;
}

/**
 * Creates the server's log: each line is a JSON object with the name of its level and the id of its
 * request. With `readable`, lines are formatted for a terminal instead.
 */
export function createLog(
  level: string,
  lines: Lines = standardOutput(),
  { readable = false } = {},
): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: () => ({ requestId: requestId() }),
      formatters: { log: allowedFacts, level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => errorOf(error) },
    },
    readable ? readableLines(lines) : lines,
  );
  if (lines instanceof LogOutput) {
    lines.onResumed((dropped) =>
      log.warn(
        { dropped },
        'Log lines were dropped: nothing read the log for a while, or writing it failed',
      ),
    );
  }
  return log;
}

/** Whether lines are formatted for a person: in development, at a terminal. */
export function isReadable({ isTTY = false }: { readonly isTTY?: boolean }, production: boolean) {
  return isTTY && !production;
}

function readableLines(lines: Lines): Lines {
  // Loaded only when used: production servers do not need it.
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  const format = prettyFactory({
    colorize: process.stdout.hasColors?.() === true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'url,version',
    singleLine: true,
  });
  return { write: (line) => lines.write(format(withoutControls(line))) };
}

/**
 * Replaces control and bidirectional characters, which can steer a terminal: errors may contain text
 * of a client. JSON writes some of them as escapes, and a backslash as two.
 */
function withoutControls(line: string): string {
  return line
    .replaceAll(/\\(\\|u00[01][0-9a-f]|[bf])/g, (escape) => (escape === '\\\\' ? escape : '\uFFFD'))
    .replaceAll(/[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\uFFFD');
}

function allowedFacts(facts: Record<string, unknown>): Record<string, unknown> {
  const allowed: Record<string, unknown> = {};
  for (const name of LOGGED_FACTS) {
    if (facts[name] !== undefined) allowed[name] = facts[name];
  }
  return allowed;
}

/** Most nested causes of an error that are logged. */
const CAUSES_MAX = 4;

/** The logged fields of an error. A database error also has the statement's values, which are not logged. */
function errorOf(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  const nested =
    cause === undefined || depth === CAUSES_MAX ? undefined : errorOf(cause, depth + 1);
  return { type: name, message, stack, code, constraint, cause: nested };
}

/** A log that writes nothing, for commands and tests with their own output. */
export const silentLog: Logger = { debug() {}, info() {}, warn() {}, error() {} };
