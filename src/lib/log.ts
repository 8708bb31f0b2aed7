import { createRequire } from 'node:module';
import { pino } from 'pino';
import type PinoPretty from 'pino-pretty';
import { LogOutput, standardOutput } from './log-output.ts';
import { requestId } from './request-id.ts';

/**
 * The names under which facts may reach the log, and no others: what is not on the list is left
 * out. A list of what must not be told would miss the next secret; no token, signature, key or
 * payload has a name here.
 */
const EXPOSED_CODES = [
  'act',
  'again',
  'attempt',
  'attempts',
  'balanced',
  'code',
  'dropped',
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
export type Facts = { readonly [Name in (typeof EXPOSED_CODES)[number]]?: unknown };

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
 * The server's log: one JSON object a line with its level by name and the id of the request it belongs
 * to; with `readable`, lines for a person at a terminal instead.
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
      formatters: { log: onlyTold, level: (label) => ({ level: label }) },
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

/** Whether the log is for a person: in development at a terminal. Elsewhere programs read it. */
export function isReadable({ isTTY = false }: { readonly isTTY?: boolean }, production: boolean) {
  return isTTY && !production;
}

function readableLines(lines: Lines): Lines {
  // Loaded only where it is used.
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  const format = prettyFactory({
    colorize: process.stdout.hasColors?.() === true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'url,version',
    singleLine: true,
  });
  return { write: (line) => lines.write(format(harmless(line))) };
}

/**
 * Without characters that steer a terminal or turn its writing round: errors may repeat what a caller
 * sent. JSON writes some of them as escapes, and a backslash as two.
 */
function harmless(line: string): string {
  return line
    .replaceAll(/\\(\\|u00[01][0-9a-f]|[bf])/g, (escape) => (escape === '\\\\' ? escape : '\uFFFD'))
    .replaceAll(/[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\uFFFD');
}

function onlyTold(facts: Record<string, unknown>): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  for (const name of EXPOSED_CODES) {
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
