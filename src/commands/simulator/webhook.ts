import { Option, type Command } from 'commander';
import { readSettings } from '../../config/settings.ts';
import { localUrlOf } from '../../server/http/port/bind.ts';
import { simulatePayment, type Simulation } from './simulate-payment.ts';
import { wholeNumber } from '../options.ts';
import { say } from '../output.ts';

/** The command that simulates the payment provider. */
export function addWebhook(program: Command): void {
  program
    .command('webhook')
    .description('Simulate the payment provider: send signed payment events to a running server.')
    .option('--order <id>', 'the order to pay: Hold.orderId')
    .option('--token <token>', 'the hold token, instead of --order')
    .option('--product <id>', 'buy one unit of this product first, instead of --order')
    .addOption(new Option('--status <word>', 'the status to report').default('success'))
    .option(
      '--amount <decimal>',
      'the paid amount; with --product or --token the default is the order total',
    )
    .option('--currency <code>', 'ISO 4217 code of the amount')
    .option('--payment <id>', 'the payment id; default: a new one')
    .option('--key <key>', 'the idempotency key; default: a new one')
    .option(
      '--duplicate [times]',
      'deliver the same event several times in parallel (default 2)',
      wholeNumber,
    )
    .option('--delay <ms>', 'milliseconds to wait before the delivery', wholeNumber)
    .option('--wrong-amount', 'pay one smallest unit too much')
    .option('--early', 'pay before the order exists, then create it (needs --product or --token)')
    .option('--late', 'pay after the order has expired (needs --product or --token)')
    .option('--url <url>', 'the server URL; default: from HOST and PORT')
    .action(async (options: Simulation) => {
      const { host, port, webhookSecrets } = readSettings();
      const url = options.url ?? localUrlOf({ host, port });
      await simulatePayment({ ...options, url }, webhookSecrets?.[0], say);
    });
}
