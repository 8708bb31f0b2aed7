import { invariant } from '../../../lib/faults.ts';
import { breaksUnique } from '../../../postgres/faults.ts';
import type { Transaction } from '../../../postgres/transaction.ts';
import { orderEvents } from '../../events/record-events.ts';
import { payOrders } from '../../purchases/batches/order-statements.ts';
import type { Shop } from '../../shop.ts';
import { lockStock, type LockedStock } from '../../stock/locked-stock.ts';
import { unitMove } from '../../stock/unit-move.ts';
import type { PaymentEvent } from '../inbox/payment-event.entity.ts';
import type { ReceivedPayment } from '../inbox/payment-queues.ts';
import { openRefund } from './write-refunds.ts';
import { storedAnswer } from './payment-answer.ts';
import type { Settlement } from './settlement.rules.ts';

/** An event of the inbox that waits for its order. */
export type WaitingEvent = Pick<
  PaymentEvent,
  | 'id'
  | 'provider'
  | 'idempotencyKey'
  | 'paymentId'
  | 'orderId'
  | 'reportedStatus'
  | 'amount'
  | 'unreadableAmount'
  | 'currency'
  | 'receivedAt'
>;

/** An event that is not in the inbox yet. */
export interface NewEvent extends ReceivedPayment {
  readonly id: string;
  readonly receivedAt: Date;
}

/** An event, and what was decided for it. */
type SettledEvent = {
  readonly settlement: Settlement;
  /** The database's clock when it was decided. */
  readonly decidedAt: Date;
} & (
  | { readonly kind: 'waiting'; readonly event: WaitingEvent }
  | {
      readonly kind: 'new';
      readonly event: NewEvent;
      /** How often the event arrived again in the same batch. */
      readonly duplicates: number;
    }
);

/** What one transaction writes: settled events of the orders of one product. */
export interface SettlementWrite {
  readonly settled: readonly SettledEvent[];
  /** Stored events that arrived again, by id, and how often. */
  readonly repeated: readonly { readonly id: string; readonly times: number }[];
  /** The product of the orders; null where the events have no order. */
  readonly productId: number | null;
  /** The stock row, if the caller has locked it; otherwise it is locked for a sale. */
  readonly stock: LockedStock | undefined;
  /** Whether to commit in the same round trip. No settlement may then open a refund. */
  readonly commits: boolean;
}

/**
 * The part of the statement that writes events. New events are inserted in the order of their keys, so
 * that two servers with the same keys cannot deadlock. The arrays make the planner look events up by
 * their key, for a table of any size.
 *
 * @param events SQL of the parameter with the settled events, as JSON
 * @param repeated SQL of the parameter with the duplicates, as JSON
 */
const eventWrites = (events: string, repeated: string): string => `
    event as materialized (
      select * from json_to_recordset(${events}::json) as event(is_new boolean, is_sale boolean, id uuid,
        provider text, idempotency_key text, payment_id text, order_id uuid, reported_status text,
        amount numeric, unreadable_amount text, currency text, status text, counted boolean, reason text,
        duplicates int, received_at timestamptz, next_try_at timestamptz, settled_at timestamptz,
        payload text, headers jsonb, answer_status int, answer_body text)),
    inserted_events as (
      insert into payment_events (id, provider, idempotency_key, payment_id, order_id, reported_status,
        amount, unreadable_amount, currency, status, counted, reason, attempts, duplicates, received_at,
        next_try_at, settled_at, payload, headers, answer_status, answer_body)
      select id, provider, idempotency_key, payment_id, order_id, reported_status, amount,
        unreadable_amount, currency, status, counted, reason, 0, duplicates, received_at, next_try_at,
        settled_at, payload, headers, answer_status, answer_body
      from event where is_new
      order by provider, idempotency_key),
    updated_events as (
      update payment_events e set status = event.status, counted = event.counted, reason = event.reason,
        next_try_at = event.next_try_at, settled_at = event.settled_at,
        answer_status = event.answer_status, answer_body = event.answer_body
      from event where not event.is_new and e.id = event.id
        and e.id = any(array(select id from event where not is_new))),
    repeated as materialized (
      select * from json_to_recordset(${repeated}::json) as repeated(id uuid, times int)),
    repeated_events as (
      update payment_events e set duplicates = e.duplicates + repeated.times
      from repeated where e.id = repeated.id and e.id = any(array(select id from repeated)))`;

/** Writes the events and pays orders. Their units move in the same statement. */
const sale = (from: 'held' | 'available'): string =>
  unitMove({
    before: `${eventWrites('$3', '$4')},
    paid as (${payOrders(from, 'select order_id, provider, payment_id from event where is_sale')}),`,
    changed: 'select quantity from paid',
    events: orderEvents('ORDER_PAID', 'paid'),
    buckets: { [from]: -1, sold: 1 },
    cause: 'SALE',
  });

const SALES = { PAY: sale('held'), RETAKE: sale('available') } as const;

const WITHOUT_SALE = `with ${eventWrites('$1', '$2')} select`;

/**
 * Writes settlements: the events with their answers, the paid orders with their units, and refunds.
 * Every settlement is written here. The caller has locked the order ids and the orders. After a sale
 * only the commit may follow, because the stock row is locked.
 *
 * @throws an error of `isRivalEvent` when another transaction recorded the event or credited the payment
 */
export async function writeSettlements(
  shop: Shop,
  tx: Transaction,
  write: SettlementWrite,
): Promise<void> {
  const { settled, productId } = write;
  const sales = settled.filter(isSale);
  const stock = sales.length === 0 ? undefined : await stockOf(shop, tx, write);
  if (productId !== null && settled.length > 0) {
    const orderIds = new Set(settled.map(({ event }) => event.orderId!));
    tx.afterCommit(() => shop.announcePurchases([...orderIds]));
  }
  await (stock === undefined ? writeEvents(tx, write) : writeSales(stock, write, sales));
  for (const { event, settlement } of settled) {
    if (settlement.refund !== null) await openRefund(tx, event, settlement.refund);
  }
}

const paramsOf = ({ settled, repeated }: SettlementWrite): readonly string[] => [
  JSON.stringify(settled.map(eventRow)),
  JSON.stringify(repeated),
];

async function writeEvents(tx: Transaction, write: SettlementWrite): Promise<void> {
  const params = paramsOf(write);
  await (write.commits ? tx.lastRows(WITHOUT_SALE, params) : tx.rows(WITHOUT_SALE, params));
}

async function writeSales(
  stock: LockedStock,
  write: SettlementWrite,
  sales: readonly SettledEvent[],
): Promise<void> {
  const statement = SALES[saleKind(sales)];
  const params = paramsOf(write);
  const sold = await (write.commits
    ? stock.moveLast(statement, params)
    : stock.move(statement, params));
  invariant(sold.length === sales.length, 'each locked payable order is paid once');
}

async function stockOf(
  shop: Shop,
  tx: Transaction,
  { stock, productId }: SettlementWrite,
): Promise<LockedStock> {
  const locked = stock ?? (productId === null ? undefined : await lockStock(shop, tx, productId));
  invariant(locked !== undefined, 'an order that is paid has a product');
  return locked;
}

const isSale = ({ settlement: { kind } }: SettledEvent): boolean =>
  kind === 'PAY' || kind === 'RETAKE';

/** One statement takes units from one bucket: a transaction writes PAY or RETAKE, never both. */
function saleKind(sales: readonly SettledEvent[]): keyof typeof SALES {
  const kinds = new Set(sales.map(({ settlement: { kind } }) => kind));
  invariant(kinds.size === 1, 'the sales of one write have one kind');
  return kinds.has('PAY') ? 'PAY' : 'RETAKE';
}

/** Milliseconds from the receipt of a parked event to its first check. */
const FIRST_TRY_AFTER_MS = 1000;

/** A settled event by the columns of its row. */
function eventRow(settledEvent: SettledEvent): object {
  const { event, settlement, decidedAt } = settledEvent;
  const isParked = settlement.status === 'PARKED';
  const { httpStatus, body } = storedAnswer(settlement.answer);
  return {
    id: event.id,
    provider: event.provider,
    payment_id: event.paymentId,
    order_id: event.orderId,
    is_sale: isSale(settledEvent),
    status: settlement.status,
    counted: settlement.credited,
    reason: settlement.reason,
    next_try_at: isParked ? new Date(event.receivedAt.getTime() + FIRST_TRY_AFTER_MS) : null,
    settled_at: isParked ? null : decidedAt,
    answer_status: httpStatus,
    answer_body: body,
    ...receivedColumns(settledEvent),
  };
}

/** The columns that are written once, when the event is received. */
function receivedColumns(settledEvent: SettledEvent): object {
  if (settledEvent.kind === 'waiting') return { is_new: false };
  const { event, duplicates } = settledEvent;
  return {
    is_new: true,
    idempotency_key: event.idempotencyKey,
    reported_status: event.reportedStatus,
    amount: event.amount,
    unreadable_amount: event.unreadableAmount,
    currency: event.currency,
    duplicates,
    received_at: event.receivedAt,
    payload: event.payload,
    headers: event.headers,
  };
}

/** Whether another server recorded the same event, or credited the same payment, at this moment. */
export function isRivalEvent(error: unknown): boolean {
  return breaksUnique(error, 'payment_events_key') || breaksUnique(error, 'payment_events_counted');
}

/** Tries against rivals that report the same event or payment at this moment for other orders. */
const RIVAL_TRIES_MAX = 5;

/**
 * Runs a settlement again when another transaction recorded the same event, or credited the same
 * payment, first. The order's lock does not separate the two if they name different orders. The next
 * try reads the other row.
 */
export async function retryOnUniqueViolation<T>(settlement: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await settlement();
    } catch (error) {
      if (!isRivalEvent(error) || attempt === RIVAL_TRIES_MAX) throw error;
    }
  }
}
