import type { Command } from 'commander';
import { migrate, withStartupLock } from '../postgres/migrate/migrate.ts';
import { requireMigratable } from '../prepare-database.ts';
import { seedDemo } from '../shop/stock/seed-demo.ts';
import { withDatabase } from './opened.ts';
import { withJson, type JsonOption } from './options.ts';
import { answer } from './output.ts';

/** Commands that prepare a database: migrate, seed. */
export function addPreparing(program: Command): void {
  withJson(program.command('migrate'))
    .description('Apply pending migrations. Servers and commands run this one at a time.')
    .action(({ json }: JsonOption) =>
      withDatabase(async ({ database }) => {
        await requireMigratable(database);
        const applied = await withStartupLock(database, toStderr, (lock) =>
          migrate(database, lock),
        );
        answer(json, { applied }, () =>
          applied.length === 0 ? 'The schema is up to date.' : `Applied: ${applied.join(', ')}`,
        );
      }),
    );

  withJson(program.command('seed'))
    .description('Create the demo products 1, 2 and 3 in an empty catalogue.')
    .action(({ json }: JsonOption) =>
      withDatabase(async ({ database }) => {
        const seeded = await withStartupLock(database, toStderr, () => seedDemo(database));
        answer(json, { seeded }, () =>
          seeded ? 'Seeded demo catalogue.' : 'The catalogue is not empty; nothing was changed.',
        );
      }),
    );
}

/** Standard error, because with --json standard output is one JSON value. */
function toStderr(message: string): void {
  process.stderr.write(`${message}\n`);
}
