import {
  isOfPurchase,
  isWithoutEffect,
  type Call,
  type EventContent,
  type History,
  type PurchaseCall,
} from './history.ts';
import { sha256 } from './keys.ts';
import { totalOf } from './ledger.ts';
import { NOTHING, type PurchaseFacts, type State } from './model.ts';
import type { EventRow, HoldRow, OrderRow, RefundRow, Rows } from './rows.ts';
import { explain, summaryOf } from './search.ts';
import { groupBy, type Violation } from './violation.ts';

/** The rows of one purchase. */
interface PurchaseRows {
  readonly hold: HoldRow | undefined;
  readonly order: OrderRow | undefined;
  readonly events: readonly EventRow[];
  readonly refunds: readonly RefundRow[];
}

/**
 * For each purchase, the sequential model explains the recorded answers and the final rows. Purchases
 * share units and payments; those are checked by product and by payment.
 */
export function checkPurchases(history: History, rows: Rows): Violation[] {
  const read = readerOf(rows);
  const credits = creditedBy(rows);
  return [...groupBy(history.filter(isOfPurchase), ({ request }) => request.purchase)].flatMap(
    ([purchase, calls]) => {
      const own = read(calls);
      const final = summaryOf(stateOf(own));
      const explanation = explain(calls, factsOf(own, credits), final);
      if (explanation.kind === 'explained') return [];
      const reached =
        explanation.kind === 'unexplained'
          ? `after ${JSON.stringify(explanation.order)} the model has ${summaryOf(explanation.state)}`
          : explanation.kind;
      const message = `Purchase ${purchase}: no order of its calls explains answers and rows: ${reached}; the rows are ${final}.`;
      return [{ rule: 'model', message, calls } satisfies Violation];
    },
  );
}

/** Finds the rows of a purchase by the key of its hold, or by the order id that its events name. */
function readerOf(rows: Rows): (calls: readonly PurchaseCall[]) => PurchaseRows {
  const holds = new Map(rows.holds.map((hold) => [hold.keyHash, hold]));
  const orders = new Map(rows.orders.map((order) => [order.id, order]));
  const events = groupBy(rows.events, ({ orderId }) => orderId);
  const refunds = groupBy(rows.refunds, ({ orderId }) => orderId);
  return (calls) => {
    const keys = calls.flatMap(({ request }) =>
      request.kind === 'createHold' ? [sha256(request.key)] : [],
    );
    const hold = holds.get(keys[0] ?? '');
    const named = calls.flatMap(({ request }) =>
      request.kind === 'deliver' ? [request.orderId] : [],
    );
    const orderId = hold?.orderId ?? named[0] ?? '';
    return {
      hold,
      order: orders.get(orderId),
      events: events.get(orderId) ?? [],
      refunds: refunds.get(orderId) ?? [],
    };
  };
}

/** The order whose event credited each payment. */
function creditedBy({ events }: Rows): ReadonlyMap<string, string> {
  const credited = events.filter((event) => event.credited);
  return new Map(credited.map(({ paymentId, orderId }) => [paymentId, orderId]));
}

function factsOf(own: PurchaseRows, credits: ReadonlyMap<string, string>): PurchaseFacts {
  const { hold, order, events } = own;
  const elsewhere = events
    .filter(({ paymentId, orderId }) => (credits.get(paymentId) ?? orderId) !== orderId)
    .map(({ paymentId }) => paymentId);
  return {
    hold: hold === undefined ? null : hold,
    total: hold === undefined ? null : totalOf(hold),
    currency: hold?.currency ?? null,
    expiresAt: hold?.expiresAt ?? Infinity,
    paymentExpiresAt: order?.paymentExpiresAt ?? Infinity,
    creditedElsewhere: new Set(elsewhere),
    receipts: events.map(({ key }) => key),
  };
}

/** The final state of a purchase, as its rows have it. */
function stateOf({ hold, order, events, refunds }: PurchaseRows): State {
  return {
    hold: (hold?.status ?? NOTHING.hold) as State['hold'],
    order: (order?.status ?? NOTHING.order) as State['order'],
    cancelledBy: (order?.cancelledBy ?? null) as State['cancelledBy'],
    paidBy: order?.paymentId ?? null,
    events: Object.fromEntries(
      events.map((event) => [
        event.key,
        {
          content: contentOf(event),
          status: event.status as State['events'][string]['status'],
          answer: '',
        },
      ]),
    ),
    refunds: Object.fromEntries(refunds.map(({ paymentId, reason }) => [paymentId, reason])),
  };
}

function contentOf({ key, paymentId, reportedStatus, amount, currency }: EventRow): EventContent {
  return { key, paymentId, reportedStatus, amount, currency };
}

/** Answers that no caller may get: an error of the server, or one that the plan does not provoke. */
export function checkAnswers(history: History): Violation[] {
  return history
    .filter((call) => !isWithoutEffect(call) && isUnexpected(call))
    .map((call) => ({ rule: 'answers', message: 'This answer is not expected.', calls: [call] }));
}

const EXPECTED_REFUSALS =
  /^(INSUFFICIENT_STOCK|PURCHASE_LIMIT_EXCEEDED|IDEMPOTENCY_KEY_REUSED|HOLD_(NOT_FOUND|EXPIRED|RELEASED|CONVERTED)|ORDER_NOT_FOUND|ORDER_FINAL \w+|STOCK_BELOW_COMMITTED|idempotency_key_reused)$/;

function isUnexpected({ request, answer }: Call): boolean {
  if (answer.kind === 'refused') return !EXPECTED_REFUSALS.test(answer.code);
  if (answer.kind === 'unknown') return answer.reason.startsWith('error ');
  return request.kind === 'reconcile' && answer.says !== 'balanced';
}
