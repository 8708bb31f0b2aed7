import { Option, type Command } from 'commander';
import { isFault } from '../lib/faults.ts';
import { asFault } from '../postgres/faults.ts';
import type { Database } from '../postgres/database.ts';
import { pendingMigrations } from '../postgres/migrate/migrate.ts';
import type { Backlog } from '../shop/reconciliation/read-figures.ts';
import { readStatus, type Status } from '../shop/reconciliation/read-status.ts';
import { withDatabase } from './opened.ts';
import { integerFrom, withJson, type JsonOption } from './options.ts';
import { answer, foundSomething, say } from './output.ts';
import { stopSignal, untilStopped } from './until-stopped.ts';

/** Seconds between two looks of `status --watch`. */
const WATCH_SECONDS = 2;

interface StatusOptions extends JsonOption {
  /** Seconds; true without a number. */
  readonly watch?: number | true;
}

/** The command that shows the state of the shop: status. */
export function addStatus(program: Command): void {
  withJson(program.command('status'))
    .description('Show the state of the shop. Exit code 3: something needs an admin.')
    .addOption(
      new Option(
        '--watch [seconds]',
        `show it again every ${WATCH_SECONDS} seconds, or at this interval, until the command is stopped`,
      ).argParser(integerFrom(1)),
    )
    .action(showStatus);
}

/** The state of the shop and of its schema. */
type ShownStatus = Status & { readonly pendingMigrations: number };

function showStatus({ json, watch }: StatusOptions): Promise<void> {
  if (watch !== undefined) return watchStatus(json, watch === true ? WATCH_SECONDS : watch);
  return withDatabase(async ({ database }) => {
    const status = await statusOf(database);
    answer(json, status, () => textOf(status));
    const { dead, openRefunds, withoutOrderLastDay } = status;
    const found = dead.count + openRefunds.count + withoutOrderLastDay + status.pendingMigrations;
    if (found > 0) foundSomething();
  });
}

/** An unavailable database is reported, and the next look tries again. */
function watchStatus(json: JsonOption['json'], seconds: number): Promise<void> {
  const stopped = stopSignal();
  const { isTTY } = process.stdout;
  return withDatabase(({ database }) =>
    untilStopped(stopped, seconds * 1000, async () => {
      try {
        const status = await statusOf(database);
        say(json ? JSON.stringify(status) : frameOf(textOf(status), isTTY));
      } catch (error) {
        const fault = asFault(error, 'reading');
        if (!isFault(fault)) throw error;
        process.stderr.write(`${fault.message}\n`);
      }
    }),
  );
}

/** One look at the status: a terminal shows it in place of the last one, other readers as a block of lines. */
export function frameOf(text: string, isTerminal: boolean): string {
  // Home, clear to the end of the screen.
  return isTerminal ? `\u001b[H\u001b[J${text}` : `${text}\n`;
}

async function statusOf(database: Database): Promise<ShownStatus> {
  const migrations = await pendingMigrations(database.orm);
  return { ...(await readStatus({ database })), pendingMigrations: migrations.length };
}

function textOf(status: ShownStatus): string {
  return Object.entries(linesOf(status))
    .map(([what, is]) => `${what.padEnd(16)}${is}`)
    .join('\n');
}

function linesOf(status: ShownStatus): Readonly<Record<string, string>> {
  const { database, products, units, pendingMigrations: pending } = status;
  const role = database.isStandby ? 'standby' : 'primary';
  return {
    Database: `PostgreSQL ${database.version}, ${role}, ${database.connections} of ${database.connectionsMax} connections`,
    Connection: `${database.tls ?? 'clear text'}, application name ${database.applicationName}`,
    Clock: status.now.toISOString(),
    Schema: pending === 0 ? 'up to date' : `${pending} migrations are pending`,
    Products: `${products.live} live, ${products.upcoming} upcoming, ${products.paused} paused, ${products.ended} ended`,
    Units: `${units.available} available, ${units.held} held, ${units.sold} sold of ${units.total}`,
    'Active holds': String(status.activeHolds),
    'Pending orders': String(status.pendingOrders),
    'Sweep lag': `${status.sweepLagSeconds.toFixed(1)} s`,
    'Parked payments': waitingText(status.parked),
    'Dead letters': waitingText(status.dead),
    'Without order': `${waitingText(status.withoutOrder)}; of the last 24 hours: ${status.withoutOrderLastDay}`,
    'Open refunds': waitingText(status.openRefunds),
  };
}

function waitingText({ count, oldestSeconds }: Backlog): string {
  return count === 0 ? '0' : `${count}, oldest ${Math.round(oldestSeconds)} s`;
}
