import type { Command } from 'commander';
import { redactEnded, countEnded } from '../shop/admin/redact-ended.ts';
import { adminReconcile } from '../shop/admin/admin-reconcile.ts';
import {
  reconcileProvider,
  type ProviderRange,
  type ProviderReconciliation,
} from '../shop/reconciliation/reconcile-provider.ts';
import { isRefusal } from '../shop/refusal.ts';
import { withDatabase, withProviders, withShop } from './opened.ts';
import { COMMAND_LINE, days, instant, withJson, type JsonOption } from './options.ts';
import { answer, foundSomething, tableOf, withBar } from './output.ts';

/** Maintenance commands: reconcile, retention. */
export function addUpkeep(program: Command): void {
  withJson(program.command('reconcile'))
    .description(
      'Check that stock movements, rows and counters agree, and orders with payments; with --provider, that the payments of a provider agree with the recorded ones. Exit code 3: discrepancies found.',
    )
    .option('--fix', 'repair wrong counters; nothing else is changed')
    .option('--provider <name>', 'compare with the payments of this provider, for example stripe')
    .option('--from <time>', 'with --provider: start of the time, ISO 8601', instant)
    .option('--to <time>', 'with --provider: end of the time, ISO 8601', instant)
    .action(reconcile);

  withJson(program.command('retention'))
    .description(
      'Redact customer ids and payment bodies in rows that ended long ago. No row is deleted.',
    )
    .requiredOption('--older-than <age>', 'minimum time since the end, for example 90d', days)
    .option('--yes', 'redact; without it the rows are only counted')
    .action(retention);
}

interface ReconcileOptions extends JsonOption {
  readonly fix?: boolean;
  readonly provider?: string;
  readonly from?: Date;
  readonly to?: Date;
}

function reconcile({ json, fix = false, provider, from, to }: ReconcileOptions): Promise<void> {
  if (provider === undefined) {
    if (from !== undefined || to !== undefined) throw new Error('--from and --to need --provider.');
    return reconcileShop({ json, fix });
  }
  if (fix) throw new Error('--fix repairs the shop; it cannot be used with --provider.');
  if (from === undefined || to === undefined) throw new Error('--provider needs --from and --to.');
  return reconcilePayments(json, { provider, from, to });
}

function reconcilePayments(json: JsonOption['json'], range: ProviderRange): Promise<void> {
  return withProviders(async (shop) => {
    const done = await reconcileProvider(shop, range);
    if (isRefusal(done)) throw new Error(done.message);
    const { provider, providerTotal, recordedTotal, findings } = done;
    const total = (money: ProviderReconciliation['providerTotal']) =>
      money.map(({ amount, currency }) => `${amount} ${currency}`).join(', ') || 'nothing';
    answer(json, done, () =>
      [
        `${provider} took ${total(providerTotal)}; recorded: ${total(recordedTotal)}.`,
        ...findings,
        findings.length === 0 ? 'No discrepancies.' : 'Discrepancies found.',
      ].join('\n'),
    );
    if (findings.length > 0) foundSomething();
  });
}

function reconcileShop({ json, fix }: JsonOption & { readonly fix: boolean }): Promise<void> {
  return withShop(async (shop) => {
    const done = await withBar((progress) => adminReconcile(shop, COMMAND_LINE, { fix, progress }));
    answer(json, done, () =>
      [
        ...done.findings,
        ...(fix ? [`Repaired counters of ${done.repaired} products.`] : []),
        done.balanced ? 'No discrepancies.' : 'Discrepancies found.',
      ].join('\n'),
    );
    if (!done.balanced) foundSomething();
  });
}

interface RetentionOptions extends JsonOption {
  readonly olderThan: number;
  readonly yes?: true;
}

function retention({ json, olderThan: olderThanDays, yes }: RetentionOptions): Promise<void> {
  return withDatabase(async (shop) => {
    const rows = yes
      ? await withBar((progress) => redactEnded(shop, COMMAND_LINE, { olderThanDays, progress }))
      : await countEnded(shop, olderThanDays);
    answer(json, { olderThanDays, blanked: yes === true, rows }, () =>
      [
        tableOf(rows.map((one) => ({ ...one }))),
        '',
        yes ? 'Redacted.' : 'Nothing was changed. With --yes these rows are redacted permanently.',
      ].join('\n'),
    );
  });
}
