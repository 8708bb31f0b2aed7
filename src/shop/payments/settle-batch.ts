import { newId } from '../../lib/ids.ts';
import { invariant } from '../../lib/invariant.ts';
import { decimalText } from '../../lib/money.ts';
import { readClock } from '../../postgres/clock.ts';
import { transact } from '../../postgres/transaction.ts';
import type { Order } from '../purchases/order.entity.ts';
import { totalOf } from '../purchases/order.rules.ts';
import { lockOrders, orderOf } from '../purchases/batches/purchase-rows.ts';
import type { Shop } from '../shop.ts';
import { lockStock } from '../stock/locked-stock.ts';
import { eventStatusOf, reasonOf, type PaymentAnswer } from './payment-answer.ts';
import {
  CREDITED_PAYMENTS,
  EARLIER_EVENTS,
  SETTLE_EVENTS,
  type EarlierEvent,
} from './settle-batch.statements.ts';
import { unusual, type Receipt, type ReceivedPayment, type Unusual } from './payment-queues.ts';
import { answerFor, isSameEvent, sameContent } from './settle-event.ts';
import { settle, type Verdict } from './settlement.rules.ts';

/**
 * Receives a batch of payment events of one product's orders in one transaction of two round trips:
 * recorded, applied and answered. Events of the common case are settled here: a success of the right
 * amount or a failure for a pending order, a payment that was credited before, and duplicates. Any
 * other event is returned as unusual and has no effect yet. The rules are those of \`settle\`.
 */
export function settleBatch(
  shop: Shop,
  productId: number,
  events: readonly ReceivedPayment[],
): Promise<readonly (Receipt | Unusual)[]> {
  return transact(shop.database, async (tx) => {
    const orderIds = [...new Set(events.map(({ orderId }) => orderId!))];
    const [, earlier, credited, rows, stock, now] = await Promise.all([
      shop.lockOrders(tx, orderIds),
      tx.rows<EarlierEvent>(EARLIER_EVENTS, keysOf(events)),
      tx.rows<Payment>(CREDITED_PAYMENTS, paymentsOf(events)),
      lockOrders(tx, orderIds),
      lockStock(shop, tx, productId),
      readClock(tx),
    ]);
    const batch = new Batch(shop, {
      earlier: new Map(earlier.map((event) => [keyOf(event), event])),
      credited: new Set(credited.map(paymentKeyOf)),
      orders: new Map(rows.map((row) => [row.id, orderOf(row, now)])),
    });
    const receipts = events.map((event) => batch.receive(event));
    if (batch.isEmpty || stock === undefined) return receipts.map((receipt) => receipt());
    tx.afterCommit(() => shop.announcePurchases(batch.changedOrders));
    const sold = await stock.moveLast(SETTLE_EVENTS, [
      JSON.stringify(batch.newEvents),
      now,
      JSON.stringify(batch.repeated),
      JSON.stringify(batch.paid),
    ]);
    invariant(sold.length === batch.paid.length, 'each locked pending order is paid once');
    return receipts.map((receipt) => receipt());
  });
}

interface Payment {
  readonly provider: string;
  readonly paymentId: string | null;
}

/** What a batch rests on, read under its locks. */
interface BatchFacts {
  readonly earlier: ReadonlyMap<string, EarlierEvent>;
  readonly credited: ReadonlySet<string>;
  readonly orders: ReadonlyMap<string, Order>;
}

/** An event that this batch records, and how often it came in the batch beyond the first time. */
interface NewEvent {
  readonly received: ReceivedPayment;
  readonly answer: PaymentAnswer;
  duplicates: number;
}

/** Decides the events of one batch in the order of their arrival and gathers what is to be written. */
class Batch {
  readonly #shop: Shop;
  readonly #facts: BatchFacts;
  readonly #first = new Map<string, NewEvent | undefined>();
  readonly #credited: Set<string>;
  readonly #paidOrders = new Set<string>();
  readonly #timesRepeated = new Map<string, number>();
  readonly #rows: object[] = [];
  readonly #events: NewEvent[] = [];
  readonly paid: object[] = [];

  constructor(shop: Shop, facts: BatchFacts) {
    this.#shop = shop;
    this.#facts = facts;
    this.#credited = new Set(facts.credited);
  }

  get isEmpty(): boolean {
    return this.#events.length === 0 && this.#timesRepeated.size === 0;
  }

  get newEvents(): object[] {
    return this.#rows.map((row, index) => ({
      ...row,
      duplicates: this.#events[index]!.duplicates,
    }));
  }

  get repeated(): object[] {
    return [...this.#timesRepeated].map(([id, times]) => ({ id, times }));
  }

  get changedOrders(): string[] {
    return [...new Set(this.#events.map(({ received }) => received.orderId!))];
  }

  /** The receipt is a function, because it is valid only once the batch is written. */
  receive(received: ReceivedPayment): () => Receipt | Unusual {
    const key = keyOf(received);
    const earlier = this.#facts.earlier.get(key);
    if (earlier !== undefined) return this.#repeatEarlier(earlier, received);
    if (this.#first.has(key)) return this.#repeatFirst(this.#first.get(key), received);
    const event = this.#settle(received);
    this.#first.set(key, event);
    if (event === undefined) return () => unusual;
    return () => ({ ...event.answer, replayed: false });
  }

  #repeatEarlier(earlier: EarlierEvent, received: ReceivedPayment): () => Receipt {
    if (!isSameEvent(earlier, received)) return () => ({ conflict: true });
    this.#timesRepeated.set(earlier.id, (this.#timesRepeated.get(earlier.id) ?? 0) + 1);
    const { answerStatus: status, answerBody: body } = earlier;
    return () => ({ status, body, replayed: true });
  }

  #repeatFirst(first: NewEvent | undefined, received: ReceivedPayment): () => Receipt | Unusual {
    if (first === undefined) return () => unusual;
    if (!sameContent(first.received, received)) return () => ({ conflict: true });
    first.duplicates += 1;
    return () => ({ ...first.answer, replayed: true });
  }

  /** Undefined for an unusual event: it is settled by itself, after this batch. */
  #settle(received: ReceivedPayment): NewEvent | undefined {
    const { orderId, provider, paymentId } = received;
    const order = this.#pendingOrder(orderId!);
    const payment = paymentKeyOf(received);
    const isCreditedHere = this.#credited.has(payment) && !this.#facts.credited.has(payment);
    if (order === undefined || isCreditedHere) return undefined;
    const verdict = settle(received, {
      order: { ...order, total: decimalText(totalOf(order)) },
      counted: this.#facts.credited.has(payment),
      waitOver: false,
      unitsAvailable: false,
      requireAmount: this.#shop.requireAmount,
    });
    if (!isUsual(verdict)) return undefined;
    if (verdict.kind === 'PAY') {
      this.#paidOrders.add(order.id);
      this.#credited.add(payment);
      this.paid.push({ order_id: order.id, provider, payment_id: paymentId });
    }
    return this.#record(received, verdict, order);
  }

  /** The order while it is pending, what this batch has paid already left out. */
  #pendingOrder(orderId: string): Order | undefined {
    const order = this.#facts.orders.get(orderId);
    return order?.status === 'PENDING' && !this.#paidOrders.has(orderId) ? order : undefined;
  }

  #record(received: ReceivedPayment, verdict: Verdict, order: Order): NewEvent {
    const answer = answerFor(received, { verdict, order });
    const event: NewEvent = { received, answer, duplicates: 0 };
    this.#events.push(event);
    this.#rows.push({
      id: newId(),
      provider: received.provider,
      idempotency_key: received.idempotencyKey,
      payment_id: received.paymentId,
      order_id: received.orderId,
      reported_status: received.reportedStatus,
      amount: received.amount,
      currency: received.currency,
      status: eventStatusOf(verdict),
      counted: verdict.kind === 'PAY',
      reason: reasonOf(verdict),
      payload: received.payload,
      headers: received.headers,
      answer_status: answer.status,
      answer_body: answer.body,
      unreadable_amount: received.unreadableAmount,
    });
    return event;
  }
}

/** Verdicts that need neither a refund nor a look at free units. */
function isUsual({ kind }: Verdict): boolean {
  return kind === 'PAY' || kind === 'RECORD' || kind === 'IGNORE';
}

const keyOf = ({
  provider,
  idempotencyKey,
}: Pick<ReceivedPayment, 'provider' | 'idempotencyKey'>) => `${provider} ${idempotencyKey}`;

const paymentKeyOf = ({ provider, paymentId }: Payment) => `${provider} ${paymentId}`;

function keysOf(events: readonly ReceivedPayment[]): readonly unknown[] {
  return [events.map(({ provider }) => provider), events.map((event) => event.idempotencyKey)];
}

function paymentsOf(events: readonly ReceivedPayment[]): readonly unknown[] {
  return [events.map(({ provider }) => provider), events.map(({ paymentId }) => paymentId)];
}
