import { newId } from '../../../lib/ids.ts';
import { readClock } from '../../../postgres/clock.ts';
import { transact } from '../../../postgres/transaction.ts';
import { lockOrders, orderOf } from '../../purchases/batches/purchase-rows.ts';
import type { Order } from '../../purchases/order.entity.ts';
import type { Shop } from '../../shop.ts';
import { lockStock } from '../../stock/locked-stock.ts';
import {
  readCreditedPayments,
  readEarlierEvents,
  type EarlierEvent,
  type EventKey,
  type PaymentKey,
} from './earlier-events.ts';
import { isSameContent, isSameEvent } from './payment-event.rules.ts';
import { unusual, type Receipt, type ReceivedPayment, type Unusual } from './payment-queues.ts';
import { storedAnswer } from '../settlement/payment-answer.ts';
import { orderToSettle } from '../settlement/settlement-facts.ts';
import { settle, type Settlement } from '../settlement/settlement.rules.ts';
import {
  writeSettlements,
  type NewEvent,
  type SettlementWrite,
} from '../settlement/write-settlements.ts';

/**
 * Receives a batch of payment events of one product's orders in one transaction of two round trips:
 * recorded, applied and answered. It settles the common cases: a success of the right amount or a
 * failure for a pending order, a credited payment, and duplicates. Any other event is returned as
 * unusual and has no effect yet. Rules and writer are those of a single event.
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
      readEarlierEvents(tx, events),
      readCreditedPayments(tx, events),
      lockOrders(tx, orderIds),
      lockStock(shop, tx, productId),
      readClock(tx),
    ]);
    const batch = new Batch(shop, {
      earlier: new Map(earlier.map((event) => [keyOf(event), event])),
      credited: new Set(credited.map(paymentKeyOf)),
      orders: new Map(rows.map((row) => [row.id, orderOf(row, now)])),
      now,
    });
    const receipts = events.map((event) => batch.receive(event));
    const { settled, repeated } = batch;
    if (settled.length === 0 && repeated.length === 0) return receipts;
    await writeSettlements(shop, tx, { settled, repeated, productId, stock, commits: true });
    return receipts;
  });
}

/** The facts of a batch, read under its locks. */
interface BatchFacts {
  readonly earlier: ReadonlyMap<string, EarlierEvent>;
  /** Payments that have paid an order or opened a refund. */
  readonly credited: ReadonlySet<string>;
  readonly orders: ReadonlyMap<string, Order>;
  /** The database's clock, read after the locks. */
  readonly now: Date;
}

/** An event that this batch settles. */
interface BatchEvent {
  readonly kind: 'new';
  readonly event: NewEvent;
  readonly settlement: Settlement;
  readonly decidedAt: Date;
  duplicates: number;
}

/** Decides the events of one batch in the order of their arrival, and collects the writes. */
class Batch {
  readonly #shop: Shop;
  readonly #facts: BatchFacts;
  /** The first event of each key in this batch. */
  readonly #first = new Map<string, BatchEvent | Unusual>();
  /** Payments that this batch credits. */
  readonly #credited = new Set<string>();
  readonly #paidOrders = new Set<string>();
  readonly #timesRepeated = new Map<string, number>();

  constructor(shop: Shop, facts: BatchFacts) {
    this.#shop = shop;
    this.#facts = facts;
  }

  get settled(): readonly BatchEvent[] {
    return [...this.#first.values()].filter((event) => event.kind === 'new');
  }

  get repeated(): SettlementWrite['repeated'] {
    return [...this.#timesRepeated].map(([id, times]) => ({ id, times }));
  }

  /** The receipt is valid when the batch is written. */
  receive(received: ReceivedPayment): Receipt | Unusual {
    const key = keyOf(received);
    const earlier = this.#facts.earlier.get(key);
    if (earlier !== undefined) return this.#repeatEarlier(earlier, received);
    const first = this.#first.get(key);
    if (first !== undefined) return repeatFirst(first, received);
    const event = this.#settle(received);
    this.#first.set(key, event);
    return event.kind === 'unusual' ? event : { kind: 'settled', answer: event.settlement.answer };
  }

  #repeatEarlier(earlier: EarlierEvent, received: ReceivedPayment): Receipt {
    if (!isSameEvent(earlier, received)) return { kind: 'conflict' };
    this.#timesRepeated.set(earlier.id, (this.#timesRepeated.get(earlier.id) ?? 0) + 1);
    return { kind: 'repeated', answer: earlier.answer };
  }

  /** An unusual event is settled separately, after this batch. */
  #settle(received: ReceivedPayment): BatchEvent | Unusual {
    const order = this.#pendingOrder(received.orderId!);
    const payment = paymentKeyOf(received);
    if (order === undefined || this.#credited.has(payment)) return unusual;
    const settlement = settle(received, {
      order: orderToSettle(order),
      hold: null,
      credited: this.#facts.credited.has(payment),
      waitOver: false,
      unitsAvailable: false,
      requireAmount: this.#shop.requireAmount,
    });
    if (!isUsual(settlement)) return unusual;
    if (settlement.kind === 'PAY') {
      this.#paidOrders.add(order.id);
      this.#credited.add(payment);
    }
    const { now } = this.#facts;
    const event = { ...received, id: newId(), receivedAt: now };
    return { kind: 'new', event, settlement, decidedAt: now, duplicates: 0 };
  }

  /** The order while it is pending; undefined once this batch pays it. */
  #pendingOrder(orderId: string): Order | undefined {
    const order = this.#facts.orders.get(orderId);
    return order?.status === 'PENDING' && !this.#paidOrders.has(orderId) ? order : undefined;
  }
}

function repeatFirst(first: BatchEvent | Unusual, received: ReceivedPayment): Receipt | Unusual {
  if (first.kind === 'unusual') return first;
  if (!isSameContent(first.event, received)) return { kind: 'conflict' };
  first.duplicates += 1;
  return { kind: 'repeated', answer: storedAnswer(first.settlement.answer) };
}

/** Settlements that need neither a refund nor the available units. */
function isUsual({ kind }: Settlement): boolean {
  return kind === 'PAY' || kind === 'RECORD' || kind === 'IGNORE';
}

const keyOf = ({ provider, idempotencyKey }: EventKey) => `${provider} ${idempotencyKey}`;

const paymentKeyOf = ({ provider, paymentId }: PaymentKey) => `${provider} ${paymentId}`;
