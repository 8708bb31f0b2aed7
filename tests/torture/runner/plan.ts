import { SeededRandom } from '../../../src/lib/seeded-random.ts';
import type { EventContent } from '../checker/history.ts';
import { CURRENCY_DIGITS, textOfMinor } from '../checker/money.ts';

/** The parameters of a run. */
export interface PlanOptions {
  readonly seed: number;
  /** Calls to make; more are made until the last fault is healed. */
  readonly operations: number;
  /** Server processes on the one database. */
  readonly servers: number;
  /** Faults that are injected, spread over the calls. */
  readonly faults: number;
}

/** A product of a run. */
export interface ProductPlan {
  readonly priceMinor: number;
  readonly currency: string;
  readonly maxPerCustomer: number | null;
  /** Units at the start, as a share of the planned calls. */
  readonly stockShare: number;
}

/** The first is scarce and fought over; one has a limit for each customer. */
export const PRODUCTS: readonly ProductPlan[] = [
  { priceMinor: 2999, currency: 'USD', maxPerCustomer: null, stockShare: 0.006 },
  { priceMinor: 1050, currency: 'EUR', maxPerCustomer: 4, stockShare: 0.05 },
  { priceMinor: 500, currency: 'JPY', maxPerCustomer: null, stockShare: 0.08 },
];

/** Most units of one hold. */
const QUANTITY_MAX = 3;

/** One step of a purchase. `server` is the first server that is asked; a retry asks the next one. */
export type Step =
  | { readonly kind: 'createHold'; readonly server: number; readonly quantity: number }
  | {
      readonly kind: 'readHold' | 'releaseHold' | 'createOrder' | 'readOrder' | 'cancelOrder';
      readonly server: number;
    }
  | { readonly kind: 'adminCancelOrder'; readonly server: number; readonly restock: boolean }
  | { readonly kind: 'deliver'; readonly server: number; readonly event: EventContent }
  | { readonly kind: 'replayEvent'; readonly server: number; readonly eventKey: string }
  | { readonly kind: 'awaitHoldDeadline' | 'awaitOrderDeadline' };

/** One buyer's purchase, with its provider and its admin. */
export interface PurchaseTask {
  readonly kind: 'purchase';
  readonly number: number;
  readonly product: number;
  readonly customerId: string | null;
  readonly key: string;
  /** An order that never exists, for a purchase without a hold; null otherwise. */
  readonly strayOrderId: string | null;
  /** Groups follow each other; the steps of one group run at the same time. */
  readonly groups: readonly (readonly Step[])[];
}

/** What one worker does before it takes the next task. */
export type Task =
  | PurchaseTask
  | {
      readonly kind: 'adjustStock';
      readonly product: number;
      readonly delta: number;
      readonly key: string;
      readonly servers: readonly number[];
    }
  | { readonly kind: 'resolveRefund'; readonly server: number; readonly note: string }
  | { readonly kind: 'reconcile'; readonly server: number };

/** The task with this number. It depends on the seed alone, never on an answer. */
export function taskOf({ seed, servers }: PlanOptions, number: number): Task {
  const random = new SeededRandom(seed * 1_000_003 + number);
  const server = random.below(servers);
  const draw = random.below(100);
  if (draw < 84) return new PurchasePlanner(random, { seed, servers, number }).plan();
  if (draw < 92)
    return {
      kind: 'adjustStock',
      product: random.below(PRODUCTS.length),
      delta: random.chance(0.75) ? 1 + random.below(12) : -1 - random.below(8),
      key: `adjustment-key-${seed}-${number}`,
      servers: random.some([1, 2], () => random.below(servers)),
    };
  if (draw < 99) return { kind: 'resolveRefund', server, note: `Paid back by task ${number}` };
  return { kind: 'reconcile', server };
}

/** Names of steps after the hold, as often as each is drawn. */
const STEPS: readonly (Step['kind'] | 'conflict')[] = [
  ...Array<'createOrder'>(6).fill('createOrder'),
  ...Array<'deliver'>(8).fill('deliver'),
  ...Array<'readHold'>(2).fill('readHold'),
  ...Array<'readOrder'>(3).fill('readOrder'),
  'createHold',
  'releaseHold',
  'cancelOrder',
  'adminCancelOrder',
  'replayEvent',
  'conflict',
  'awaitHoldDeadline',
  'awaitOrderDeadline',
];

/** Draws one purchase. */
class PurchasePlanner {
  readonly #random: SeededRandom;
  readonly #names: { readonly seed: number; readonly servers: number; readonly number: number };
  readonly #product: number;
  readonly #quantity: number;
  readonly #events: readonly EventContent[];

  constructor(
    random: SeededRandom,
    names: { readonly seed: number; readonly servers: number; readonly number: number },
  ) {
    this.#random = random;
    this.#names = names;
    this.#product = random.below(PRODUCTS.length);
    this.#quantity = 1 + random.below(QUANTITY_MAX);
    this.#events = random.some([1, 3], (nth) => this.#event(nth));
  }

  plan(): PurchaseTask {
    const { seed, number } = this.#names;
    const random = this.#random;
    const isStray = random.chance(0.03);
    const hasCustomer = PRODUCTS[this.#product]!.maxPerCustomer !== null || random.chance(0.3);
    return {
      kind: 'purchase',
      number,
      product: this.#product,
      customerId: hasCustomer ? this.#customer() : null,
      key: `purchase-${seed}-${number}-key`,
      strayOrderId: isStray ? this.#uuid() : null,
      groups: isStray
        ? random.some([1, 3], () => [this.#step('deliver')])
        : [this.#first(), ...this.#later()],
    };
  }

  /** Few customers buy at the same time, so that some reach their limit. */
  #customer(): string {
    return `customer-${Math.floor(this.#names.number / 100)}-${this.#random.below(12)}`;
  }

  /** The hold; sometimes the same call at two servers. */
  #first(): Step[] {
    return this.#random.some([1, this.#random.chance(0.2) ? 2 : 1], () => this.#step('createHold'));
  }

  /** The rest, in groups; most purchases get an order early. */
  #later(): Step[][] {
    const random = this.#random;
    const steps = random.some([2, 9], () => this.#step(random.pick(STEPS)));
    const all = random.chance(0.6) ? [this.#step('createOrder'), ...steps] : steps;
    const groups: Step[][] = [];
    for (const step of all) {
      const last = groups.at(-1);
      const joins = last !== undefined && !isWait(step) && !last.some(isWait);
      if (joins && random.chance(0.3)) last.push(step);
      else groups.push([step]);
    }
    return groups;
  }

  #step(kind: Step['kind'] | 'conflict'): Step {
    const random = this.#random;
    const server = random.below(this.#names.servers);
    const event = random.pick(this.#events);
    switch (kind) {
      case 'createHold': {
        const quantity = random.chance(0.05) ? this.#quantity + 1 : this.#quantity;
        return { kind, server, quantity };
      }
      case 'adminCancelOrder':
        return { kind, server, restock: random.chance(0.5) };
      case 'deliver':
        return { kind, server, event };
      case 'conflict':
        return { kind: 'deliver', server, event: { ...event, amount: '12345' } };
      case 'replayEvent':
        return { kind, server, eventKey: event.key };
      case 'awaitHoldDeadline':
      case 'awaitOrderDeadline':
        return { kind };
      case 'readHold':
      case 'releaseHold':
      case 'createOrder':
      case 'readOrder':
      case 'cancelOrder':
        return { kind, server };
    }
  }

  /** Mostly the right amount of an own payment; sometimes the payment of the purchase before. */
  #event(nth: number): EventContent {
    const { seed, number } = this.#names;
    const random = this.#random;
    const { currency } = PRODUCTS[this.#product]!;
    const isOthers = random.chance(0.04);
    return {
      key: `event-${seed}-${number}-${nth}`,
      paymentId: `payment-${seed}-${isOthers ? number - 1 : number}-${random.chance(0.2) ? 0 : nth}`,
      reportedStatus: random.chance(0.75)
        ? 'success'
        : random.pick(['failed', 'failed', 'pending']),
      amount: random.chance(0.25) ? null : this.#amount(),
      currency: random.chance(0.3) ? null : random.chance(0.95) ? currency : this.#otherCurrency(),
    };
  }

  #amount(): string {
    const { priceMinor, currency } = PRODUCTS[this.#product]!;
    const right = priceMinor * this.#quantity;
    const offBy = this.#random.chance(0.8) ? 0 : this.#random.pick([-1, 1, 100]);
    return textOfMinor(right + offBy, currency);
  }

  #otherCurrency(): string {
    return this.#random.pick(Object.keys(CURRENCY_DIGITS));
  }

  #uuid(): string {
    const digits = Array.from({ length: 32 }, () => this.#random.below(16).toString(16)).join('');
    return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
  }
}

const isWait = ({ kind }: Step): boolean =>
  kind === 'awaitHoldDeadline' || kind === 'awaitOrderDeadline';

/** What can fail. */
export const FAULT_KINDS = ['kill', 'cut', 'unplug', 'freeze', 'lock', 'restart'] as const;

/**
 * A fault:
 * - kill: a server is killed and started again.
 * - cut: all sessions of the servers are terminated.
 * - unplug: the servers get no answer of the database for some time, and then lose all connections.
 * - freeze: a server stops for some time, in the middle of its work, and continues.
 * - lock: another session holds a stock row for longer than the lock timeout.
 * - restart: the database is stopped and started again.
 */
export interface FaultPlan {
  readonly kind: (typeof FAULT_KINDS)[number];
  /** Calls after which it is injected. */
  readonly after: number;
  readonly server: number;
  readonly product: number;
  /** How long it lasts, in milliseconds. */
  readonly ms: number;
}

/** The faults of a run, evenly spread; each kind occurs once before any is repeated. */
export function faultsOf({ seed, operations, servers, faults }: PlanOptions): FaultPlan[] {
  const random = new SeededRandom(seed);
  const first = random.below(FAULT_KINDS.length);
  return Array.from({ length: faults }, (_, nth) => ({
    kind: FAULT_KINDS[(first + nth) % FAULT_KINDS.length]!,
    after: Math.floor((operations * (nth + 0.5 + random.below(100) / 200)) / (faults + 0.5)),
    server: random.below(servers),
    product: random.below(PRODUCTS.length),
    ms: 300 + random.below(4700),
  }));
}
