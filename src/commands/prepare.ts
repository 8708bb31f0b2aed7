import type { Command } from 'commander';
import { migrate, withStartupLock } from '../postgres/migrate.ts';
import { requireMigratable } from '../prepare-database.ts';
import { seedDemo } from '../shop/stock/seed-demo.ts';
import { withDatabase } from './opened.ts';
import { withJson, type JsonOption } from './options.ts';
import { answer } from './output.ts';

/** Commands that make a database ready: migrate, seed. */
export function addPreparing(program: Command): void {
  withJson(program.command('migrate'))
    .description('Bring the database’s schema up to date, one server or command at a time.')
    .action(({ json }: JsonOption) =>
      withDatabase(async ({ database }) => {
        await requireMigratable(database);
        const applied = await withStartupLock(database, toStderr, () => migrate(database));
        answer(json, { applied }, () =>
          applied.length === 0 ? 'The schema is up to date.' : `Applied: ${applied.join(', ')}`,
        );
      }),
    );

  withJson(program.command('seed'))
    .description('Give an empty catalogue the demo sale: products 1, 2 and 3.')
    .action(({ json }: JsonOption) =>
      withDatabase(async ({ database }) => {
        const seeded = await withStartupLock(database, toStderr, () => seedDemo(database));
        answer(json, { seeded }, () =>
          seeded ? 'Made the demo sale.' : 'The catalogue is not empty; nothing was done.',
        );
      }),
    );
}

/** Not to the output: with --json that is one value. */
function toStderr(message: string): void {
  process.stderr.write(`${message}\n`);
}
