import type { Command } from 'commander';
import { replayPaymentEvent } from '../../shop/admin/replay-event.ts';
import {
  listDeadEvents,
  listPaymentEvents,
  type PaymentEvent,
  type PaymentEventListQuery,
} from '../../shop/payments/list-payments.ts';
import { PAYMENT_EVENT_STATUSES } from '../../shop/payments/inbox/payment-event.rules.ts';
import { BusyFault } from '../../lib/faults.ts';
import { receivedText } from '../../lib/money.ts';
import { isRefusal } from '../../shop/refusal.ts';
import type { Shop } from '../../shop/shop.ts';
import { withDatabase, withShop } from '../opened.ts';
import {
  COMMAND_LINE,
  statusOf,
  uuid,
  withJson,
  withPage,
  withStatus,
  type JsonOption,
  type ListOptions,
} from '../options.ts';
import { answer, answerPage, foundSomething, tableOf, type Shown } from '../output.ts';

interface PaymentFilter extends ListOptions<string> {
  readonly status?: string;
  readonly order?: string;
  readonly withoutOrder?: true;
}

/** Commands on payment events: payments list, dead and replay. */
export function addPayments(program: Command): void {
  const payments = program.command('payments').description('Show and replay payment events.');

  withStatus(withPage(payments.command('list', { isDefault: true }), uuid), PAYMENT_EVENT_STATUSES)
    .option('--order <id>', 'filter by order', uuid)
    .option('--without-order', 'only successful payments that name no order')
    .description('List payment events.')
    .action(showEvents);

  withJson(payments.command('dead'))
    .description('List dead letters: events whose processing failed ten times, with the reason.')
    .action(showDead);

  withJson(payments.command('replay'))
    .description(
      'Process one parked or dead event again, or all dead ones. Exit code 3: some are not settled.',
    )
    .argument('[id]', 'the event id', uuid)
    .option('--all', 'all dead letters')
    .action((id: string | undefined, options: JsonOption & { readonly all?: true }) => {
      if ((id === undefined) === (options.all === undefined)) {
        program.error('error: Give the id of one event, or --all.');
      }
      return replay(id, options);
    });
}

function showEvents(options: PaymentFilter): Promise<void> {
  const { json, first, after = null, order: orderId = null, withoutOrder = false } = options;
  const status = statusOf<NonNullable<PaymentEventListQuery['status']>>(options.status);
  return withDatabase(async (shop) => {
    const page = await listPaymentEvents(shop, {
      first,
      after,
      status,
      orderId,
      withoutOrder,
    });
    answerPage(json, page, { show: shownEvent, keyOf: ({ id }) => id });
  });
}

/** Leaves out the body, which can be long. */
function shownEvent(event: PaymentEvent): Shown {
  const { id, orderId, paymentId, provider, reportedStatus, amount: received, currency } = event;
  const amount = received && receivedText(received, currency ?? '');
  const { status, attempts, duplicates, receivedAt, settledAt, reason } = event;
  const money = { reportedStatus, amount: amount ?? event.unreadableAmount, currency };
  const life = { status, attempts, duplicates, receivedAt, settledAt, reason };
  return { id, orderId, paymentId, provider, ...money, ...life };
}

function showDead({ json }: JsonOption): Promise<void> {
  return withDatabase(async (shop) => {
    const dead = await listDeadEvents(shop);
    answer(json, dead, () =>
      dead.length === 0 ? 'No dead letters.' : tableOf(dead.map((letter) => ({ ...letter }))),
    );
  });
}

/** The result of one replay. */
interface ReplayResult {
  readonly id: string;
  readonly status: PaymentEvent['status'] | 'BUSY';
  readonly reason: string | null;
}

function replay(id: string | undefined, { json }: JsonOption): Promise<void> {
  return withShop(async (shop) => {
    const ids = id === undefined ? (await listDeadEvents(shop)).map((dead) => dead.id) : [id];
    const replayed: ReplayResult[] = [];
    for (const one of ids) replayed.push(await replayOne(shop, one));
    answer(json, replayed, () =>
      replayed.length === 0 ? 'No dead letters.' : tableOf(replayed.map((one) => ({ ...one }))),
    );
    if (replayed.some(({ status }) => UNSETTLED.includes(status))) foundSomething();
  });
}

const UNSETTLED: readonly string[] = ['PARKED', 'DEAD', 'BUSY'];

/** Returns BUSY for an event whose lock was not available. The other events are still replayed. */
async function replayOne(shop: Shop, id: string): Promise<ReplayResult> {
  try {
    const event = await replayPaymentEvent(shop, COMMAND_LINE, id);
    if (isRefusal(event)) throw new Error(event.message);
    return { id, status: event.status, reason: event.reason };
  } catch (error) {
    if (!(error instanceof BusyFault)) throw error;
    return { id, status: 'BUSY', reason: error.message };
  }
}
