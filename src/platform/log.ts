import { pino } from 'pino';

/** What the shop needs of a log: facts first, then one sentence. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/**
 * The server's log: one JSON object a line on standard output. A closed pipe must not end the
 * sale, so write errors are dropped.
 */
export function createLog(level: string): Logger {
  process.stdout.on('error', () => {});
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, process.stdout);
}

/** A log that says nothing, for tools and tests that have their own words. */
export const silentLog: Logger = { debug() {}, info() {}, warn() {}, error() {} };
