import { Command, CommanderError } from 'commander';
import { addCatalogue } from './catalogue.ts';
import { EXIT } from './output.ts';
import { addPayments } from './payments.ts';
import { addPreparing } from './prepare.ts';
import { addRefunds } from './refunds.ts';
import { addSales } from './sales.ts';
import { addUpkeep } from './upkeep.ts';
import { addWebhook } from './webhook.ts';
import { asFault } from '../postgres/faults.ts';
import { isFault } from '../lib/faults.ts';
import { VERSION } from '../lib/version.ts';

/** Runs the command that the process was started with; the exit code is set at its end. */
export async function runCommandLine(): Promise<void> {
  // A reader that has seen enough, as in `… | head`, is no failure.
  process.stdout.on('error', () => {});
  try {
    await createProgram().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
      return;
    }
    process.stderr.write(`${plainly(asFault(error))}\n`);
    process.exitCode = EXIT.failed;
  }
}

/** The admin's commands. Each opens what it needs and closes it again. */
function createProgram(): Command {
  const program = new Command('flash-sale')
    .description('Commands of the flash-sale checkout server.')
    .version(VERSION)
    .addHelpText(
      'after',
      '\nExit codes: 0 done · 1 failed · 2 not understood · 3 done, and a person must look.',
    )
    // A command line that is not understood is told apart from work that failed.
    .exitOverride();
  for (const add of [
    addUpkeep,
    addCatalogue,
    addSales,
    addPayments,
    addRefunds,
    addPreparing,
    addWebhook,
  ])
    add(program);
  return program;
}

/** SQLSTATE classes of a table, a column or a function that is not there. */
const NOT_MIGRATED = ['42P01', '42703', '42883'];

/** What went wrong, in one line (settings: in one for each complaint). */
function plainly(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as Error & { readonly code?: unknown };
  if (NOT_MIGRATED.includes(String(code))) {
    return 'The database lacks tables of this build: run npm run cli -- migrate first.';
  }
  if (!isFault(error) || !(error.cause instanceof Error)) return error.message;
  const { message, code: cause } = error.cause as Error & { readonly code?: string };
  return `${error.message} (${(message || cause || '').split('\n')[0]})`;
}
