import type { Command } from 'commander';
import { resolveRefund } from '../../shop/admin/resolve-refund.ts';
import {
  listRefunds,
  type Refund,
  type RefundListQuery,
} from '../../shop/payments/list-payments.ts';
import { REFUND_STATUSES } from '../../shop/payments/settlement/refund.rules.ts';
import { receivedText } from '../../lib/money.ts';
import { isRefusal } from '../../shop/refusal.ts';
import { withDatabase, withShop } from '../opened.ts';
import {
  COMMAND_LINE,
  statusOf,
  uuid,
  withJson,
  withPage,
  withStatus,
  words,
  type JsonOption,
  type ListOptions,
} from '../options.ts';
import { answer, answerPage, tableOf, type Shown } from '../output.ts';

/** Commands on refunds: refunds list and resolve. */
export function addRefunds(program: Command): void {
  const refunds = program.command('refunds').description('Show and resolve refunds.');

  withStatus(withPage(refunds.command('list', { isDefault: true }), uuid), REFUND_STATUSES)
    .description('List refunds.')
    .action(showRefunds);

  withJson(refunds.command('resolve'))
    .description(
      'Mark a refund as resolved, after the money was returned. A resolved refund is unchanged.',
    )
    .argument('<id>', 'the refund id', uuid)
    .requiredOption(
      '--note <text>',
      'how the money was returned, for example the provider’s reference',
      words,
    )
    .action(resolve);
}

function showRefunds(options: ListOptions<string> & { readonly status?: string }): Promise<void> {
  const { json, first, after = null } = options;
  const status = statusOf<NonNullable<RefundListQuery['status']>>(options.status);
  return withDatabase(async (shop) => {
    const page = await listRefunds(shop, { first, after, status });
    answerPage(json, page, { show: shownRefund, keyOf: ({ id }) => id });
  });
}

function resolve(
  refundId: string,
  { json, note }: JsonOption & { readonly note: string },
): Promise<void> {
  return withShop(async (shop) => {
    const refund = await resolveRefund(shop, COMMAND_LINE, { refundId, note });
    if (isRefusal(refund)) throw new Error(refund.message);
    const shown = shownRefund(refund);
    answer(json, shown, () => tableOf([shown]));
  });
}

function shownRefund(refund: Refund): Shown {
  const { id, orderId, paymentId, amount: received, currency, reason, status } = refund;
  const { createdAt, resolvedAt, note, failureReason } = refund;
  const amount = received && currency ? receivedText(received, currency) : null;
  const life = { reason, status, createdAt, resolvedAt, note, failureReason };
  return { id, orderId, paymentId, amount, currency, ...life };
}
