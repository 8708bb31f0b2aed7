import fc from 'fast-check';
import { sweepDue } from '../../src/shop/purchases/end-due.ts';
import { releaseHold } from '../../src/shop/purchases/release-hold.ts';
import { findOrders, type Hold } from '../../src/shop/purchases/reads/find-purchases.ts';
import { cancelOrder } from '../../src/shop/purchases/cancel-order.ts';
import { findRefunds } from '../../src/shop/payments/list-payments.ts';
import { createOrder } from '../../src/shop/payments/create-order.ts';
import { retryInbox } from '../../src/shop/payments/inbox/retry-inbox.ts';
import { ask, codeOf, deliver, payment, tokenOf } from '../support/buyer.ts';
import { eventFindings } from '../support/events.ts';
import { findingsOf, makeProduct, moveClock, stockOf, useShop } from '../support/shop.ts';

const server = useShop({ holdTtlMs: 120_000, orderPaymentTtlMs: 600_000 });

/** The events of a sale; `who` selects one of the holds. */
type Step =
  | { readonly kind: 'hold'; readonly quantity: number }
  | {
      readonly kind: 'release' | 'order' | 'pay' | 'fail' | 'pay wrongly' | 'cancel';
      readonly who: number;
    }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'sweep' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      quantity: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'release',
        'order',
        'order',
        'pay',
        'pay',
        'fail',
        'pay wrongly',
        'cancel',
      ),
      who: fc.nat(11),
    }) as fc.Arbitrary<Step>,
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1000, 121_000, 601_000),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'sweep' as const }) },
);

/** The simplest model of a sale: no rows, no locks, no database. */
class Model {
  readonly total = 10;
  now = 0;
  readonly purchases: {
    readonly quantity: number;
    state: 'ACTIVE' | 'RELEASED' | 'EXPIRED' | 'PENDING' | 'PAID' | 'CANCELLED' | 'ORDER EXPIRED';
    deadline: number;
    /** Successes before the order. */
    early: number;
    received: number;
    refunds: number;
  }[] = [];

  available(): number {
    const taken = this.purchases.filter(({ state }) =>
      ['ACTIVE', 'PENDING', 'PAID'].includes(state),
    );
    return this.total - taken.reduce((sum, { quantity }) => sum + quantity, 0);
  }

  /** What is due ends: by a sweep, or because someone lacks units. */
  reclaim(): void {
    for (const purchase of this.purchases) {
      if (purchase.deadline > this.now) continue;
      if (purchase.state === 'ACTIVE') purchase.state = 'EXPIRED';
      if (purchase.state === 'PENDING') purchase.state = 'ORDER EXPIRED';
    }
  }

  /** A parked payment whose hold has ended without an order must be refunded. */
  drainInbox(): void {
    for (const purchase of this.purchases) {
      const ended =
        ['RELEASED', 'EXPIRED'].includes(purchase.state) ||
        (purchase.state === 'ACTIVE' && purchase.deadline <= this.now);
      if (!ended) continue;
      purchase.refunds += purchase.early;
      purchase.early = 0;
    }
  }

  hold(quantity: number): boolean {
    if (this.available() < quantity) this.reclaim();
    if (this.available() < quantity) return false;
    this.purchases.push({
      quantity,
      state: 'ACTIVE',
      deadline: this.now + 120_000,
      early: 0,
      received: 0,
      refunds: 0,
    });
    return true;
  }

  pay(who: number): void {
    const purchase = this.purchases[who]!;
    purchase.received += 1;
    const live = purchase.state === 'ACTIVE' && purchase.deadline > this.now;
    if (live) purchase.early += 1;
    else if (purchase.state === 'PENDING') purchase.state = 'PAID';
    else if (['CANCELLED', 'ORDER EXPIRED'].includes(purchase.state)) {
      this.findUnits(purchase);
      if (this.available() >= purchase.quantity) purchase.state = 'PAID';
      else purchase.refunds += 1;
    } else purchase.refunds += 1;
  }

  /** A success for an order that ended looks for its units before its amount is compared. */
  findUnits({ state, quantity }: { readonly state: string; readonly quantity: number }): void {
    const isLate = ['CANCELLED', 'ORDER EXPIRED'].includes(state);
    if (isLate && this.available() < quantity) this.reclaim();
  }

  order(who: number): void {
    const purchase = this.purchases[who]!;
    if (purchase.state !== 'ACTIVE' || purchase.deadline <= this.now) return;
    purchase.state = purchase.early > 0 ? 'PAID' : 'PENDING';
    purchase.deadline = this.now + 600_000;
    purchase.refunds += Math.max(purchase.early - 1, 0);
    purchase.early = 0;
  }

  end(who: number, from: 'ACTIVE' | 'PENDING', to: 'RELEASED' | 'CANCELLED'): void {
    const purchase = this.purchases[who]!;
    if (purchase.state !== from || (from === 'ACTIVE' && purchase.deadline <= this.now)) return;
    purchase.state = to;
  }
}

/** One sale played in the model and in the shop, step by step. */
class Play {
  readonly model = new Model();
  readonly holds: Hold[] = [];
  readonly productId: number;

  constructor(productId: number) {
    this.productId = productId;
  }

  async take(step: Step): Promise<void> {
    const { shop } = server;
    if (step.kind === 'hold') {
      const answer = await ask(shop, this.productId, { quantity: step.quantity });
      if ('id' in answer) this.holds.push(answer);
      expect(codeOf(answer)).toBe(this.model.hold(step.quantity) ? 'OK' : 'INSUFFICIENT_STOCK');
    } else if (step.kind === 'wait') {
      this.model.now += step.ms;
      await moveClock(server.database, this.model.now);
    } else if (step.kind === 'sweep') {
      await sweepDue(shop);
      await retryInbox(shop);
      this.model.reclaim();
      this.model.drainInbox();
    } else if (this.holds.length > 0) {
      await this.act(step.kind, step.who % this.holds.length);
    }
  }

  async act(kind: string, who: number): Promise<void> {
    const { shop } = server;
    const { model } = this;
    const made = this.holds[who]!;
    const token = tokenOf(shop, made);
    if (kind === 'release') {
      await releaseHold(shop, token);
      model.end(who, 'ACTIVE', 'RELEASED');
    } else if (kind === 'cancel') {
      await cancelOrder(shop, token);
      model.end(who, 'PENDING', 'CANCELLED');
    } else if (kind === 'order') {
      await createOrder(shop, token);
      model.order(who);
    } else if (kind === 'pay') {
      await deliver(shop, payment(made.orderId));
      model.pay(who);
    } else if (kind === 'fail') {
      await deliver(shop, payment(made.orderId, { reportedStatus: 'failed' }));
    } else {
      await this.payWrongly(who, made);
    }
  }

  /**
   * A wrong amount waits for a possible order like any other, and must be refunded in every other case.
   */
  async payWrongly(who: number, made: Hold): Promise<void> {
    const outcome = await deliver(server.shop, payment(made.orderId, { amount: '0.01' }));
    const purchase = this.model.purchases[who]!;
    purchase.received += 1;
    this.model.findUnits(purchase);
    if (outcome === 'parked') this.wrongEarly.push(who);
    else purchase.refunds += 1;
  }

  readonly wrongEarly: number[] = [];

  /** What model and shop must agree on after every step. */
  async compare(): Promise<void> {
    const { shop } = server;
    const stock = await stockOf(shop, this.productId);
    const units = (...states: string[]) =>
      this.model.purchases
        .filter(({ state }) => states.includes(state))
        .reduce((sum, { quantity }) => sum + quantity, 0);
    expect(stock).toMatchObject({
      available: this.model.available(),
      held: units('ACTIVE', 'PENDING'),
      sold: units('PAID'),
      total: this.model.total,
    });
  }

  /** Every payment is in exactly one place: it paid an order, must be refunded, or is parked. */
  async balanceMoney(): Promise<void> {
    const { shop, database: rows } = server;
    const ids = this.holds.map(({ orderId }) => orderId);
    const paid = (await findOrders(shop, ids)).filter(({ status }) => status === 'PAID').length;
    const refunds = (await findRefunds(shop, ids)).length;
    const waiting = await rows.rows(
      "select from payment_events where order_id = any($1::uuid[]) and status = 'PARKED' and reported_status = 'success'",
      [ids],
    );
    const received = this.model.purchases.reduce((sum, purchase) => sum + purchase.received, 0);
    expect(paid + refunds + waiting.length).toBe(received);
    expect(paid).toBe(this.model.purchases.filter(({ state }) => state === 'PAID').length);
  }
}

test('any sequence of hold, release, order, pay, cancel, wait and sweep ends as in the model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      await moveClock(server.database, 0);
      const play = new Play(await makeProduct(server.shop, { totalStock: 10 }));
      for (const one of steps) {
        await play.take(one);
        await play.compare();
      }
      await play.balanceMoney();
      expect(await findingsOf(server.shop, play.productId)).toEqual([]);
      expect(await eventFindings(server.database)).toEqual([]);
    }),
    { numRuns: 40 },
  );
}, 120_000);
