import { Option, type Command } from 'commander';
import { readSettings } from '../config/settings.ts';
import { localUrlOf } from '../server/http/bind.ts';
import { simulatePayment, type Simulation } from './simulate-payment.ts';
import { wholeNumber } from './options.ts';
import { say } from './output.ts';

/** The command that plays the payment provider. */
export function addWebhook(program: Command): void {
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
    .option('--url <url>', 'the server; else the one at HOST and PORT')
    .action(async (options: Simulation) => {
      const { HOST, PORT, PAYMENT_WEBHOOK_SECRETS } = readSettings();
      const url = options.url ?? localUrlOf({ host: HOST, port: PORT });
      await simulatePayment({ ...options, url }, PAYMENT_WEBHOOK_SECRETS?.[0], say);
    });
}
