import type { History } from './history.ts';
import { millionths, textOfMillionths, textOfMinor } from './money.ts';
import type { EventRow, OrderRow, RefundRow, Rows } from './rows.ts';
import { groupBy, type Violation } from './violation.ts';

/** What came in and where it is, in one currency, in millionths. */
export interface CurrencyLedger {
  readonly currency: string;
  readonly received: bigint;
  /** In orders that are paid. */
  readonly kept: bigint;
  /** In refunds, open or resolved: late, double and wrong payments, and cancelled orders. */
  readonly refunded: bigint;
}

/** Amounts of credited payments, and where each one is. */
export function ledgerOf(rows: Rows): CurrencyLedger[] {
  const terms = termsOf(rows);
  const lines: { currency: string; side: 'received' | 'kept' | 'refunded'; amount: bigint }[] = [];
  for (const event of rows.events.filter(({ credited }) => credited)) {
    const { amount, currency } = moneyOf(event, terms.get(event.orderId));
    lines.push({ currency, side: 'received', amount: millionths(amount) });
  }
  for (const order of rows.orders.filter(({ status }) => status === 'PAID')) {
    const amount = millionths(totalOf(order));
    lines.push({ currency: order.currency, side: 'kept', amount });
  }
  for (const { amount, currency } of rows.refunds)
    lines.push({
      currency: currency ?? NO_CURRENCY,
      side: 'refunded',
      amount: millionths(amount ?? '0'),
    });
  return [...groupBy(lines, ({ currency }) => currency)].map(([currency, ofCurrency]) => {
    const sum = (wanted: string): bigint =>
      ofCurrency.reduce(
        (total, { side, amount }) => (side === wanted ? total + amount : total),
        0n,
      );
    return { currency, received: sum('received'), kept: sum('kept'), refunded: sum('refunded') };
  });
}

/** ISO 4217's code for "no currency", where nothing names one. */
const NO_CURRENCY = 'XXX';

/** What a hold or an order costs. */
type Terms = Pick<OrderRow, 'quantity' | 'unitPriceMinor' | 'currency'>;

function termsOf({ holds }: Rows): Map<string, Terms> {
  return new Map(holds.map((hold) => [hold.orderId, hold]));
}

/** Decimal text of what a hold or an order costs. */
export function totalOf({ quantity, unitPriceMinor, currency }: Terms): string {
  return textOfMinor(quantity * unitPriceMinor, currency);
}

/** The money that an event brought: its own amount, else what was owed. */
function moneyOf({ amount, currency }: EventRow, terms: Terms | undefined) {
  const owed = terms?.currency ?? NO_CURRENCY;
  if (amount !== null) return { amount, currency: currency ?? owed };
  return { amount: terms === undefined ? '0' : totalOf(terms), currency: owed };
}

/**
 * Every payment is in one place: it paid an order, or a refund exists for it, and the sums of all
 * payments agree. A payment is credited once.
 */
export function checkMoney(history: History, rows: Rows): Violation[] {
  const deliveries = groupBy(
    history.filter(({ request }) => request.kind === 'deliver'),
    ({ request }) => (request.kind === 'deliver' ? request.event.paymentId : ''),
  );
  const found = (message: string, paymentId?: string): Violation => ({
    rule: 'money',
    message,
    calls: deliveries.get(paymentId ?? '') ?? [],
  });
  return [
    ...sumFaults(rows).map((message) => found(message)),
    ...paymentFaults(rows).map(({ message, paymentId }) => found(message, paymentId)),
  ];
}

function sumFaults(rows: Rows): string[] {
  return ledgerOf(rows)
    .filter(({ received, kept, refunded }) => received !== kept + refunded)
    .map(({ currency, received, kept, refunded }) => {
      const [all, paid, back] = [received, kept, refunded].map(textOfMillionths);
      return `${currency}: ${all} came in, but ${paid} is in paid orders and ${back} in refunds.`;
    });
}

/** A fault of one payment. */
interface PaymentFault {
  readonly message: string;
  readonly paymentId: string;
}

function paymentFaults(rows: Rows): PaymentFault[] {
  const orders = new Map(rows.orders.map((order) => [order.id, order]));
  const refunds = groupBy(rows.refunds, ({ paymentId }) => paymentId);
  const terms = termsOf(rows);
  const successes = rows.events.filter(({ reportedStatus }) => reportedStatus === 'success');
  const ofPayments = [...groupBy(successes, ({ paymentId }) => paymentId)].flatMap(
    ([paymentId, events]) => {
      const [event, other] = events.filter(({ credited }) => credited);
      if (event === undefined || other !== undefined)
        return [{ paymentId, message: `Payment ${paymentId} is not credited exactly once.` }];
      const what = placeFault(event, {
        order: orders.get(event.orderId),
        refunds: refunds.get(paymentId) ?? [],
        terms: terms.get(event.orderId),
      });
      return what === undefined ? [] : [{ paymentId, message: `Payment ${paymentId} ${what}.` }];
    },
  );
  const credited = new Set(
    rows.events.filter((event) => event.credited).map(({ paymentId }) => paymentId),
  );
  const unpaid = rows.orders
    .filter(({ status, paymentId }) => status === 'PAID' && !credited.has(paymentId ?? ''))
    .map(({ id, paymentId }) => ({
      message: `Order ${id} is paid, but no event credits its payment.`,
      paymentId: paymentId ?? '',
    }));
  return [...ofPayments, ...unpaid];
}

/** What is wrong with the place of a credited payment: a paid order, or one refund of the same amount. */
function placeFault(
  event: EventRow,
  place: {
    readonly order: OrderRow | undefined;
    readonly refunds: readonly RefundRow[];
    readonly terms: Terms | undefined;
  },
): string | undefined {
  const { order, refunds, terms } = place;
  const isKept = order?.status === 'PAID' && order.paymentId === event.paymentId;
  const [refund, second] = refunds;
  if (second !== undefined) return 'has two refunds';
  if (isKept) return refund && 'paid an order and has a refund';
  if (refund === undefined) return 'paid no order and has no refund';
  const { amount, currency } = moneyOf(event, terms);
  const isEqual = millionths(refund.amount ?? '0') === millionths(amount);
  if (isEqual && (refund.currency ?? NO_CURRENCY) === currency) return undefined;
  return `brought ${amount} ${currency}, its refund is ${refund.amount} ${refund.currency}`;
}
