import {
  storedAnswer,
  type StoredAnswer,
} from '../../src/shop/payments/settlement/payment-answer.ts';
import { randomUUID } from 'node:crypto';
import { createHold } from '../../src/shop/purchases/create-hold.ts';
import type { Metadata } from '../../src/shop/purchases/metadata.rules.ts';
import type { HoldAnswer } from '../../src/shop/purchases/batches/queues.ts';
import type { Hold, Order } from '../../src/shop/purchases/reads/find-purchases.ts';
import { createOrder } from '../../src/shop/payments/create-order.ts';
import { receivePayment } from '../../src/shop/payments/inbox/receive-payment.ts';
import type { Receipt, ReceivedPayment } from '../../src/shop/payments/inbox/payment-queues.ts';
import { isFault } from '../../src/lib/faults.ts';
import type { LiveShop } from '../../src/live/live-shop.ts';
import type { Shop } from '../../src/shop/shop.ts';
import type { NewProduct } from '../../src/shop/stock/create-product.ts';
import { makeProduct } from './shop.ts';

/** The optional arguments of a hold. */
export interface HoldOptions {
  readonly quantity?: number;
  readonly customerId?: string;
  readonly idempotencyKey?: string;
  readonly metadata?: Metadata;
}

/** Requests a hold and returns the hold or the refusal. */
export function ask(shop: Shop, productId: number, options: HoldOptions = {}): Promise<HoldAnswer> {
  const { quantity = 1, customerId = null, idempotencyKey = null, metadata = {} } = options;
  return createHold(shop, { productId, quantity, customerId, metadata, idempotencyKey });
}

/** The code of a refusal, or "OK". */
export function codeOf(answer: object): string {
  return 'code' in answer ? String(answer.code) : 'OK';
}

/** Requests a hold. @throws where it is refused */
export async function hold(
  shop: Shop,
  productId: number,
  options: HoldOptions = {},
): Promise<Hold> {
  const answer = await ask(shop, productId, options);
  if ('code' in answer) throw new Error(`No hold: ${answer.message}`);
  return answer;
}

/** The token of a hold. */
export function tokenOf(shop: Shop, { id }: Hold): string {
  return shop.holdTokens.issue(id);
}

/** Creates an order. @throws where it is refused */
export async function order(shop: Shop, made: Hold): Promise<Order> {
  const answer = await createOrder(shop, tokenOf(shop, made));
  if ('code' in answer) throw new Error(`No order: ${answer.message}`);
  return answer;
}

/** A payment event; without fields, a success that pays the total. */
export function payment(orderId: string, fields: Partial<ReceivedPayment> = {}): ReceivedPayment {
  return {
    provider: 'payments',
    idempotencyKey: randomUUID(),
    paymentId: randomUUID(),
    orderId,
    reportedStatus: 'success',
    amount: null,
    unreadableAmount: null,
    currency: null,
    ignoredBecause: null,
    payload: '{}',
    headers: {},
    ...fields,
  };
}

/** Orders like a buyer: repeats the call while the shop answers with a fault. */
export async function orderUntilTaken(shop: Shop, made: Hold): Promise<Order> {
  for (;;) {
    try {
      return await order(shop, made);
    } catch (error) {
      if (!isFault(error)) throw error;
    }
  }
}

/** Delivers an event and returns its outcome, or "conflict". */
export async function deliver(shop: Shop, event: ReceivedPayment): Promise<string> {
  return outcomeOf(await receivePayment(shop, event));
}

/** Delivers like a provider: repeats the delivery while the shop answers with a fault. */
export async function deliverUntilTaken(shop: Shop, event: ReceivedPayment): Promise<string> {
  for (;;) {
    try {
      return await deliver(shop, event);
    } catch (error) {
      if (!isFault(error)) throw error;
    }
  }
}

/** The outcome of a receipt, or "conflict". */
export function outcomeOf(receipt: Receipt): string {
  return receipt.kind === 'conflict' ? 'conflict' : receipt.answer.outcome;
}

/** The answer of a receipt as the provider gets it; undefined for a conflict. */
export function answerBytesOf(receipt: Receipt): StoredAnswer | undefined {
  if (receipt.kind === 'conflict') return undefined;
  return receipt.kind === 'settled' ? storedAnswer(receipt.answer) : receipt.answer;
}

/** The admin of the tests, as the audit log records it. */
export const ADMIN_CALLER = { actor: 'a test', address: null, requestId: null } as const;

/** A product of ten units in the middle of a sale: 2 are paid, 1 is ordered, 3 are held, 4 are available. */
export interface MidSale {
  readonly productId: number;
  /** The order of customer "ada" for two units, paid by `event`. */
  readonly paid: Order;
  readonly event: ReceivedPayment;
  /** An unpaid order for one unit, without a customer. */
  readonly pending: Order;
  /** The hold of customer "ben" for three units. */
  readonly held: Hold;
}

/** Opens a sale in the middle of it. `terms` change the product, `fields` the payment event. */
export async function midSale(
  shop: LiveShop,
  {
    terms = {},
    fields = {},
  }: { terms?: Partial<NewProduct>; fields?: Partial<ReceivedPayment> } = {},
): Promise<MidSale> {
  const productId = await makeProduct(shop, { totalStock: 10, ...terms });
  const paid = await order(shop, await hold(shop, productId, { quantity: 2, customerId: 'ada' }));
  const event = payment(paid.id, fields);
  await deliver(shop, event);
  const pending = await order(shop, await hold(shop, productId));
  const held = await hold(shop, productId, { quantity: 3, customerId: 'ben' });
  return { productId, paid, event, pending, held };
}
