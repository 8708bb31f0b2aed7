import { randomUUID } from 'node:crypto';
import { ask, CREATE_HOLD, CREATE_ORDER } from './graphql-client.ts';
import { deliver, success } from './provider.ts';

/** A buyer with a paid order, and all secrets of that purchase. */
export interface PayingBuyer {
  readonly token: string;
  /** The secret part of the token. */
  readonly signature: string;
  readonly idempotencyKey: string;
  readonly customerId: string;
  readonly holdId: string;
  readonly orderId: string;
  readonly paymentId: string;
}

/** Buys one unit of a product over the API, and pays for it with a signed event. */
export async function makePayingBuyer(
  url: string,
  { productId, secret }: { readonly productId: string; readonly secret: string },
): Promise<PayingBuyer> {
  const customerId = `secret customer ${randomUUID()}`;
  const idempotencyKey = randomUUID();
  const input = { productId, customerId, idempotencyKey };
  const { id: holdId, token, orderId } = await ask(url, CREATE_HOLD, { input });
  await ask(url, CREATE_ORDER, { token });
  const event = success(orderId);
  await deliver(url, event, { secret });
  const paymentId = String(event['payment_id']);
  return {
    token,
    signature: token.split('.')[1]!,
    idempotencyKey,
    customerId,
    holdId,
    orderId,
    paymentId,
  };
}
