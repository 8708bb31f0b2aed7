import { randomUUID } from 'node:crypto';
import { createHold } from '../../src/shop/purchases/create-hold.ts';
import type { HoldAnswer } from '../../src/shop/purchases/batches/queues.ts';
import type { Hold, Order } from '../../src/shop/purchases/find-purchases.ts';
import { placeOrder } from '../../src/shop/payments/place-order.ts';
import { receivePayment } from '../../src/shop/payments/receive-payment.ts';
import type { Receipt, ReceivedPayment } from '../../src/shop/payments/payment-queues.ts';
import { isFault } from '../../src/lib/faults.ts';
import type { Shop } from '../../src/shop/shop.ts';

/** What a buyer may say of a hold. */
export interface Wish {
  readonly quantity?: number;
  readonly customerId?: string;
  readonly idempotencyKey?: string;
}

/** Asks for a hold and gives whatever is answered. */
export function ask(shop: Shop, productId: number, wish: Wish = {}): Promise<HoldAnswer> {
  const { quantity = 1, customerId = null, idempotencyKey = null } = wish;
  return createHold(shop, { productId, quantity, customerId, idempotencyKey });
}

/** The code of a refusal, or what was given instead. */
export function codeOf(answer: object): string {
  return 'code' in answer ? String(answer.code) : 'OK';
}

/** A hold that must be had. */
export async function hold(shop: Shop, productId: number, wish: Wish = {}): Promise<Hold> {
  const answer = await ask(shop, productId, wish);
  if ('code' in answer) throw new Error(`No hold: ${answer.message}`);
  return answer;
}

/** The token of a hold. */
export function tokenOf(shop: Shop, { id }: Hold): string {
  return shop.holdTokens.issue(id);
}

/** An order that must be had. */
export async function order(shop: Shop, made: Hold): Promise<Order> {
  const answer = await placeOrder(shop, tokenOf(shop, made));
  if ('code' in answer) throw new Error(`No order: ${answer.message}`);
  return answer;
}

/** An event that a provider might send; a success of the right amount unless told otherwise. */
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

/** Delivers an event and gives its outcome word, or "conflict". */
export async function deliver(shop: Shop, event: ReceivedPayment): Promise<string> {
  return outcomeOf(await receivePayment(shop, event));
}

/** Delivers as a provider does: again and again while the shop is too busy to take it. */
export async function deliverUntilTaken(shop: Shop, event: ReceivedPayment): Promise<string> {
  for (;;) {
    try {
      return await deliver(shop, event);
    } catch (error) {
      if (!isFault(error)) throw error;
    }
  }
}

/** The outcome word of a receipt. */
export function outcomeOf(receipt: Receipt): string {
  return 'conflict' in receipt
    ? 'conflict'
    : String((JSON.parse(receipt.body) as { outcome: string }).outcome);
}

/** The admin of the tests, as the audit log records it. */
export const ADMIN_CALLER = { actor: 'a test', address: null, requestId: null } as const;
