import { Command, CommanderError } from 'commander';
import { addCatalogue } from './catalogue/catalogue.ts';
import { addSaleControl } from './catalogue/sale-control.ts';
import { EXIT, InvalidInput } from './output.ts';
import { addEvents } from './events.ts';
import { addPayments } from './payments/payments.ts';
import { addPreparing } from './prepare.ts';
import { addRefunds } from './payments/refunds.ts';
import { addRehearsal } from './rehearse.ts';
import { addSales } from './purchases/sales.ts';
import { addStatus } from './status.ts';
import { addUpkeep } from './upkeep.ts';
import { addWebhook } from './simulator/webhook.ts';
import { asFault } from '../postgres/faults.ts';
import { isFault } from '../lib/faults.ts';
import { VERSION } from '../lib/version.ts';

/** Runs the command of the process arguments and sets the exit code. */
export async function runCommandLine(): Promise<void> {
  // A reader that closes the pipe early, as in `… | head`, is not a failure.
  process.stdout.on('error', () => {});
  try {
    await createProgram().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
      return;
    }
    process.stderr.write(`${plainly(asFault(error))}\n`);
    process.exitCode = error instanceof InvalidInput ? EXIT.usage : EXIT.failed;
  }
}

/** All commands. Each opens and closes its own resources. */
function createProgram(): Command {
  const program = new Command('flash-sale')
    .description('Commands of the flash-sale checkout server.')
    .version(VERSION)
    .addHelpText(
      'after',
      '\nExit codes: 0 success · 1 failure · 2 usage error · 3 success, and a person must check the result.',
    )
    // Usage errors get an exit code of their own.
    .exitOverride();
  for (const add of [
    addStatus,
    addUpkeep,
    addCatalogue,
    addSaleControl,
    addSales,
    addEvents,
    addPayments,
    addRefunds,
    addPreparing,
    addWebhook,
    addRehearsal,
  ])
    add(program);
  return program;
}

/** SQLSTATEs: undefined table, column, function. */
const NOT_MIGRATED = ['42P01', '42703', '42883'];

/** The error message in one line; for settings, one line for each error. */
function plainly(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as Error & { readonly code?: unknown };
  if (NOT_MIGRATED.includes(String(code))) {
    return 'The database schema is out of date: run npm run cli -- migrate first.';
  }
  if (!isFault(error) || !(error.cause instanceof Error)) return error.message;
  const { message, code: cause } = error.cause as Error & { readonly code?: string };
  return `${error.message} (${(message || cause || '').split('\n')[0]})`;
}
