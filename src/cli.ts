import 'reflect-metadata';
import { Command, InvalidArgumentError, Option } from 'commander';
import { openShop } from './open-shop.ts';
import { readSettings } from './config.ts';
import { openDatabase, type OpenDatabase } from './open-database.ts';
import { listDeadEvents } from './payments/dead-letters.ts';
import { replayDeadEvents } from './payments/retry-inbox.ts';
import { Closers } from './platform/closers.ts';
import { silentLog } from './platform/log.ts';
import { migrate, whileAlone } from './platform/migrate.ts';
import { seedDemo } from './seed.ts';
import type { Shop } from './shop.ts';
import { simulatePayment, type Simulation } from './simulate-payment.ts';

/** The operator's commands: words to calls. Each opens what it needs and closes it again. */
const program = new Command('flash-sale').description(
  'Commands of the flash-sale checkout server.',
);

program
  .command('migrate')
  .description('Bring the database’s schema up to date, one server or command at a time.')
  .action(() =>
    withDatabase(async ({ database, url }) => {
      const done = await whileAlone(url, () => migrate(database.orm));
      console.log(done.length === 0 ? 'The schema is up to date.' : `Applied: ${done.join(', ')}`);
    }),
  );

program
  .command('seed')
  .description('Give an empty catalogue the demo sale: products 1, 2 and 3.')
  .action(() =>
    withDatabase(async ({ database, url }) => {
      const seeded = await whileAlone(url, () => seedDemo(database));
      console.log(seeded ? 'Made the demo sale.' : 'The catalogue is not empty; nothing was done.');
    }),
  );

const payments = program.command('payments').description('Payment events that need a person.');

payments
  .command('dead')
  .description('List dead letters: events whose settling failed ten times, with the reason.')
  .option('--json', 'as JSON, for scripts')
  .action(({ json }: { json?: true }) =>
    withShop(async (shop) => {
      const dead = await listDeadEvents(shop);
      if (json) return console.log(JSON.stringify(dead, null, 2));
      if (dead.length === 0) return console.log('No dead letters.');
      console.table(
        dead.map(({ id, orderId, receivedAt, attempts, reason }) => ({
          id,
          orderId,
          receivedAt,
          attempts,
          reason,
        })),
      );
    }),
  );

payments
  .command('replay')
  .description('Settle dead letters once more: one by its id, or all.')
  .argument('[id]', 'the event’s id')
  .option('--all', 'every dead letter')
  .action((id: string | undefined, { all }: { all?: true }) => {
    if ((id === undefined) === (all === undefined)) program.error('Name one event, or give --all.');
    return withShop(async (shop) => {
      const replayed = await replayDeadEvents(shop, id);
      for (const { id: eventId, outcome } of replayed) console.log(`${eventId}  ${outcome}`);
      if (replayed.length > 0) return;
      throw new Error(id === undefined ? 'No dead letters.' : 'No dead letter has this id.');
    });
  });

program
  .command('webhook')
  .description('Play the payment provider against a running server.')
  .option('--order <id>', 'the order to pay: Hold.orderId')
  .option('--token <token>', 'the hold token, instead of --order')
  .option('--product <id>', 'buy one unit of this product first, instead of --order')
  .addOption(new Option('--status <word>', 'what became of the payment').default('success'))
  .option('--amount <decimal>', 'what was paid; with --product or --token the order’s total')
  .option('--currency <code>', 'its ISO 4217 code')
  .option('--payment <id>', 'the payment’s id; else a new one')
  .option('--key <key>', 'the idempotency key; else a new one')
  .option('--duplicate [times]', 'deliver the same event several times at once (2)', wholeNumber)
  .option('--delay <ms>', 'wait before delivering', wholeNumber)
  .option('--wrong-amount', 'pay a cent too much')
  .option('--early', 'pay before the order exists, then create it (needs --product or --token)')
  .option('--late', 'pay after the order has expired (needs --product or --token)')
  .option('--url <url>', 'the server; else http://127.0.0.1:PORT')
  .action(async (options: Simulation) => {
    const { PORT, PAYMENT_WEBHOOK_SECRETS } = readSettings();
    const url = options.url ?? `http://127.0.0.1:${PORT}`;
    await simulatePayment({ ...options, url }, PAYMENT_WEBHOOK_SECRETS?.[0], console.log);
  });

/** A number of times or of milliseconds. */
function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

async function withDatabase(work: (open: OpenDatabase) => Promise<void>): Promise<void> {
  const closers = new Closers();
  try {
    await work(await openDatabase(readSettings(), { log: silentLog, closers, share: true }));
  } finally {
    await closers.close();
  }
}

function withShop(work: (shop: Shop) => Promise<void>): Promise<void> {
  return withDatabase(async ({ database, url }) => {
    const { shop, notices } = openShop({ database, url }, readSettings());
    await notices.start();
    try {
      await work(shop);
    } finally {
      await notices.stop();
    }
  });
}

program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
