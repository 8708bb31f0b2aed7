import { oneUnitMore } from '../../lib/money.ts';
import type { BuyerPlan } from '../plan.ts';
import type { BuyerEnd, Claim, Ending } from '../report/recording.ts';
import {
  holdBody,
  orderBody,
  orderQueryBody,
  productBody,
  readDelivery,
  type Read,
} from './requests.ts';
import type { SaleRun } from './sale-run.ts';

/** Tries of a call without an answer, or answered "busy". A frontend repeats it with the same key. */
const TRIES_MAX = 8;
const FIRST_PAUSE_MS = 250;
const PAUSE_MS_MAX = 3000;

/** How often a buyer tries again while all units are held. */
const AGAIN_MAX = 3;
const AGAIN_MS = 2000;

/** Refusals before the opening that a buyer accepts. */
const EARLY_MAX = 5;

/** A payment is late by this much. */
const LATE_MS = 1500;

/** An answer, and when its request was sent. */
type Sent = Read & { readonly sentMs: number };

/** A hold as its buyer sees it. */
interface Hold {
  readonly token: string;
  readonly orderId: string;
  readonly amount: string;
  readonly claim: Claim;
}

/** One buyer of a rehearsal: arrives, looks, holds, orders and pays by its plan. */
export class Buyer {
  readonly #sale: SaleRun;
  readonly #plan: BuyerPlan;
  /** The server of the next call. */
  #server: number;
  #decidedMs: number | undefined;
  #reason = '';
  /** Refusals before the opening, and while all units were held. */
  #early = 0;
  #again = 0;

  constructor(sale: SaleRun, plan: BuyerPlan) {
    this.#sale = sale;
    this.#plan = plan;
    this.#server = plan.number;
  }

  /** Does everything of the plan; resolves with the end. @throws AbortError where the rehearsal is stopped */
  async play(): Promise<BuyerEnd> {
    const { number, arrivesAtMs } = this.#plan;
    await this.#sale.pause(arrivesAtMs - this.#sale.now());
    const arrivedAtMs = this.#sale.now();
    const ending = await this.#purchase();
    const decidedMs = (this.#decidedMs ?? this.#sale.now()) - arrivedAtMs;
    return { number, arrivedAtMs, ending, reason: this.#reason, decidedMs };
  }

  async #purchase(): Promise<Ending> {
    const { closesTab, orders, thinkMs } = this.#plan;
    const page = await this.#repeat('product', productBody(this.#sale.productId));
    if (page.outcome !== 'ok') return this.#refused(page);
    if (closesTab) {
      await this.#sale.abandon(this.#plan.number, this.#server, this.#holdRequest());
      return 'page closed';
    }
    const hold = await this.#hold();
    this.#decidedMs = this.#sale.now();
    if (typeof hold === 'string') return hold;
    if (!orders) return 'hold not used';
    await this.#sale.pause(thinkMs[0]);
    const order = await this.#repeat('createOrder', orderBody(hold.token));
    if (order.outcome === 'HOLD_EXPIRED') return this.#ended(order, 'hold expired');
    if (order.outcome !== 'ok') return this.#refused(order);
    const remainingMs = Number(order.content.remainingMs);
    // Of a repeated call: an order that has ended does not extend the claim.
    if (order.content.status === 'PENDING') hold.claim.toMs = order.sentMs + remainingMs;
    return this.#pay(hold, remainingMs);
  }

  async #hold(): Promise<Hold | Ending> {
    for (;;) {
      const answer = await this.#click();
      if (answer.outcome === 'ok') return this.#claimed(answer);
      const pauseMs = this.#pauseAfter(answer);
      if (pauseMs !== undefined) await this.#sale.pause(pauseMs);
      else if (answer.outcome === 'INSUFFICIENT_STOCK') return this.#ended(answer, 'sold out');
      else return this.#refused(answer);
    }
  }

  /** Sends createHold once, or twice at once; the hold if any of the answers has one. */
  async #click(): Promise<Sent> {
    const request = this.#holdRequest();
    const clicks = this.#plan.doubleClicks ? 2 : 1;
    const answers = await Promise.all(
      Array.from({ length: clicks }, () => this.#repeat('createHold', request)),
    );
    const holds = answers.filter(({ outcome }) => outcome === 'ok');
    if (new Set(holds.map(({ content }) => content.token)).size > 1) {
      const { number } = this.#plan;
      this.#sale.contradictions.push(`Buyer ${number} got two holds for one idempotency key.`);
    }
    return holds[0] ?? answers[0]!;
  }

  /** How long this buyer waits before it tries again after a refusal; undefined: it does not. */
  #pauseAfter({ outcome, content }: Sent): number | undefined {
    const { opensInMs, stockStatus } = content;
    if (outcome === 'SALE_NOT_OPEN' && this.#early < EARLY_MAX) {
      this.#early += 1;
      return opensInMs ?? undefined;
    }
    if (stockStatus !== 'ALL_HELD' || !this.#plan.triesAgain || this.#again === AGAIN_MAX)
      return undefined;
    this.#again += 1;
    return AGAIN_MS;
  }

  #holdRequest(): string {
    const { number, quantity } = this.#plan;
    return holdBody({
      productId: this.#sale.productId,
      quantity,
      customerId: `buyer ${number}`,
      idempotencyKey: `${this.#sale.run}-${number}`,
    });
  }

  #claimed({ content, sentMs }: Sent): Hold {
    const { token, orderId, remainingMs, totalAmount } = content;
    const { number: buyer, quantity: units } = this.#plan;
    const toMs = sentMs + Number(remainingMs);
    const claim: Claim = { buyer, units, fromMs: this.#sale.now(), toMs };
    this.#sale.claims.push(claim);
    return { token: token!, orderId: orderId!, amount: totalAmount!.amount, claim };
  }

  async #pay(hold: Hold, remainingMs: number): Promise<Ending> {
    const { pays, thinkMs } = this.#plan;
    if (pays === 'never') return 'order not paid';
    await this.#sale.pause(pays === 'late' ? remainingMs + LATE_MS : thinkMs[1]);
    const amount = pays === 'wrong amount' ? oneUnitMore(hold.amount) : hold.amount;
    // Twice: two payments, and the event of the first one delivered two times.
    const payments = pays === 'twice' ? ['a', 'a', 'b'] : ['a'];
    const answers = await Promise.all(
      payments.map((payment) => this.#deliver(hold, payment, amount)),
    );
    const isPaid = answers.some(
      ({ outcome, content }) => outcome === 'applied' && content.order_status === 'paid',
    );
    if (isPaid) this.#keep(hold.claim);
    await this.#readOrder(hold, isPaid);
    if (isPaid) return 'paid';
    return answers.some(({ outcome }) => outcome === 'refund_required') ? 'refund' : 'no answer';
  }

  /** The page after the payment: it shows the refunds, and a paid order is PAID. */
  async #readOrder({ token }: Hold, isPaid: boolean): Promise<void> {
    const { outcome, content } = await this.#repeat('order', orderQueryBody(token));
    const { refunds } = this.#sale;
    for (const { reason } of content.refunds ?? []) refunds[reason] = (refunds[reason] ?? 0) + 1;
    if (!isPaid || outcome !== 'ok' || content.status === 'PAID') return;
    const { number } = this.#plan;
    this.#sale.contradictions.push(`Buyer ${number} paid, and the order is ${content.status}.`);
  }

  /**
   * Paid units have no end. An answer after the deadline may be of an order that had expired: its units
   * were free until the payment took them a second time.
   */
  #keep(claim: Claim): void {
    const fromMs = this.#sale.now();
    if (claim.toMs !== null && fromMs < claim.toMs) claim.toMs = null;
    else this.#sale.claims.push({ ...claim, fromMs, toMs: null });
  }

  #deliver({ orderId }: Hold, payment: string, amount: string): Promise<Read> {
    const { run, options } = this.#sale;
    const name = `${run}-${this.#plan.number}-${payment}`;
    const event = this.#sale.signed({
      idempotency_key: `event-${name}`,
      payment_id: `payment-${name}`,
      order_id: orderId,
      status: 'success',
      amount,
      currency: options.currency,
    });
    return this.#repeat('payment', event, readDelivery);
  }

  /** Sends a call until its answer is final, at the next server after each try. */
  async #repeat(
    operation: Parameters<SaleRun['call']>[0]['operation'],
    request: Parameters<SaleRun['call']>[1],
    read?: Parameters<SaleRun['call']>[2],
  ): Promise<Sent> {
    for (let attempt = 1; ; attempt += 1) {
      const of = { buyer: this.#plan.number, operation, server: this.#server };
      const answer = await this.#sale.call(of, request, read);
      if (!answer.mayRepeat || attempt === TRIES_MAX) return answer;
      this.#server += 1;
      const { retryAfterMs } = answer.content;
      const growing = Math.min(PAUSE_MS_MAX, FIRST_PAUSE_MS * 2 ** (attempt - 1));
      await this.#sale.pause(typeof retryAfterMs === 'number' ? retryAfterMs : growing);
    }
  }

  #refused(answer: Read): Ending {
    return this.#ended(answer, answer.content.message ? 'refused' : 'no answer');
  }

  #ended({ content }: Read, ending: Ending): Ending {
    this.#reason = content.message ?? '';
    return ending;
  }
}
