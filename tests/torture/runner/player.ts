import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Request } from '../checker/history.ts';
import type { Operation, RecordingClient, Result } from './client.ts';
import * as operations from './operations.ts';
import type { PurchaseTask, Step, Task } from './plan.ts';

/** Tries of a call whose answer is unknown, or that was not accepted. */
const TRIES_MAX = 5;

/** The wait before the second try, in milliseconds; each further wait is longer by as much. */
const RETRY_MS = 150;

/** Past a deadline by this much, in milliseconds, so that no rounding matters. */
const PAST_MS = 20;

/** The state of the purchase for a buyer, from the answers. */
interface Knowledge {
  token?: string;
  orderId?: string;
  expiresAt?: number;
  paymentExpiresAt?: number;
}

/** Plays tasks: sends their calls, and repeats a call whose answer is unknown, with the same key. */
export class Player {
  readonly #client: RecordingClient;
  /** Ids of the products of the plan. */
  readonly #products: readonly number[];

  constructor(client: RecordingClient, products: readonly number[]) {
    this.#client = client;
    this.#products = products;
  }

  async play(task: Task): Promise<void> {
    switch (task.kind) {
      case 'purchase':
        return this.#purchase(task);
      case 'adjustStock': {
        const { delta, key } = task;
        const productId = this.#products[task.product]!;
        const request = { kind: 'adjustStock', productId, delta, key } as const;
        const operation = operations.adjustStock(productId, delta, key);
        await Promise.all(task.servers.map((server) => this.#execute(server, request, operation)));
        return;
      }
      case 'resolveRefund':
        return this.#resolveRefund(task.server, task.note);
      case 'reconcile':
        await this.#client.execute(task.server, { kind: 'reconcile' }, operations.RECONCILE);
    }
  }

  async #purchase(task: PurchaseTask): Promise<void> {
    const known: Knowledge = task.strayOrderId === null ? {} : { orderId: task.strayOrderId };
    for (const [index, group] of task.groups.entries()) {
      await Promise.all(group.map((step) => this.#step(task, step, known)));
      // Without its token a purchase is over.
      if (index === 0 && known.orderId === undefined) return;
    }
  }

  async #step(task: PurchaseTask, step: Step, known: Knowledge): Promise<void> {
    const purchase = task.number;
    switch (step.kind) {
      case 'createHold':
        return this.#createHold(task, step, known);
      case 'awaitHoldDeadline':
        return waitUntil(known.expiresAt);
      case 'awaitOrderDeadline':
        return waitUntil(known.paymentExpiresAt);
      case 'deliver': {
        const { orderId } = known as Required<Knowledge>;
        const { event, server } = step;
        const request = { kind: 'deliver', purchase, orderId, event } as const;
        await this.#repeat(server, (at) => this.#client.deliver(at, request, { orderId, event }));
        return;
      }
      case 'replayEvent':
        return this.#replay(purchase, step, known);
      case 'adminCancelOrder': {
        const { kind, restock, server } = step;
        const operation = operations.adminCancelOrder(known.orderId!, restock);
        await this.#execute(server, { kind, purchase, restock }, operation);
        return;
      }
      case 'readHold':
      case 'releaseHold':
      case 'createOrder':
      case 'readOrder':
      case 'cancelOrder': {
        const { kind, server } = step;
        const operation = operations.ofToken(kind, known.token!);
        const result = await this.#execute(server, { kind, purchase }, operation);
        const deadline = result?.['paymentExpiresAt'];
        if (typeof deadline === 'string') known.paymentExpiresAt = Date.parse(deadline);
      }
    }
  }

  async #createHold(
    { number: purchase, product, customerId, key }: PurchaseTask,
    { server, quantity }: Extract<Step, { kind: 'createHold' }>,
    known: Knowledge,
  ): Promise<void> {
    const productId = this.#products[product]!;
    const input = { productId, quantity, customerId, key };
    const request = { kind: 'createHold', purchase, ...input } as const;
    const result = await this.#execute(server, request, operations.createHold(input));
    if (result === null) return;
    known.token = String(result['token']);
    known.orderId = String(result['orderId']);
    known.expiresAt = Date.parse(String(result['expiresAt']));
  }

  /** An event has an id that only the list of events shows. */
  async #replay(
    purchase: number,
    { server, eventKey }: Extract<Step, { kind: 'replayEvent' }>,
    { orderId }: Knowledge,
  ): Promise<void> {
    const list = await this.#client.ask(server, operations.EVENTS, { orderId });
    const found = nodesOf(list).find((event) => event['idempotencyKey'] === eventKey);
    if (found === undefined) return;
    const request = { kind: 'replayEvent', purchase, eventKey } as const;
    await this.#execute(server, request, operations.replayEvent(String(found['id'])));
  }

  async #resolveRefund(server: number, note: string): Promise<void> {
    const list = await this.#client.ask(server, operations.OPEN_REFUNDS, {});
    const refundId = nodesOf(list).at(-1)?.['id'];
    if (typeof refundId !== 'string') return;
    const request = { kind: 'resolveRefund', refundId, note } as const;
    await this.#execute(server, request, operations.resolveRefund(refundId, note));
  }

  /** The root field of the first success; null where there was none. */
  async #execute(server: number, request: Request, operation: Operation): Promise<Result> {
    let last: Result = null;
    await this.#repeat(server, async (at) => {
      const { answer, result } = await this.#client.execute(at, request, operation);
      last = result;
      return answer;
    });
    return last;
  }

  /** Repeats a call at the next server until its answer is known. */
  async #repeat(first: number, call: (server: number) => Promise<Answer>): Promise<void> {
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      if (attempt > 0) await delay(attempt * RETRY_MS);
      const answer = await call((first + attempt) % this.#client.servers);
      const isOver = answer.kind === 'ok' || (answer.kind === 'refused' && !mayRepeat(answer.code));
      if (isOver) return;
    }
  }
}

const mayRepeat = (code: string): boolean => code === 'BUSY' || code === 'NOT_CONNECTED';

/** Waits for an instant of the database's clock, which is that of this machine. */
async function waitUntil(instant: number | undefined): Promise<void> {
  if (instant === undefined) return;
  await delay(Math.max(0, instant + PAST_MS - Date.now()));
}

function nodesOf(result: Result): readonly Readonly<Record<string, unknown>>[] {
  return (result?.['nodes'] ?? []) as readonly Readonly<Record<string, unknown>>[];
}
