import 'reflect-metadata';
import { Command, CommanderError } from 'commander';
import { addCatalogue } from './commands/catalogue.ts';
import { EXIT } from './commands/output.ts';
import { addPayments } from './commands/payments.ts';
import { addPreparing } from './commands/prepare.ts';
import { addRefunds } from './commands/refunds.ts';
import { addSales } from './commands/sales.ts';
import { addUpkeep } from './commands/upkeep.ts';
import { addWebhook } from './commands/webhook.ts';
import { asFault, isFault } from './platform/faults.ts';

/** The operator's commands: words to calls. Each opens what it needs and closes it again. */
const program = new Command('flash-sale')
  .description('Commands of the flash-sale checkout server.')
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

// A reader that has seen enough, as in `… | head`, is no failure.
process.stdout.on('error', () => {});

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return;
  }
  process.stderr.write(`${plainly(asFault(error))}\n`);
  process.exitCode = EXIT.failed;
});

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
