import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { signPayload } from '../../src/server/webhook/signature.ts';
import { sendRaw } from './graphql-client.ts';

/** Where events of our own contract are delivered. */
export const WEBHOOK = '/api/payments/webhook';

/** An event as a provider writes it. */
export type PaymentEventBody = Record<string, unknown>;

/** How an event is delivered. */
export interface Delivery {
  /** The secret to sign with; none: unsigned. */
  readonly secret?: string;
  /** When the signature says it was made. */
  readonly at?: Date;
  /** Headers over those that are sent anyway. */
  readonly headers?: Record<string, string>;
  readonly path?: string;
}

/** What a delivery was answered. */
export interface DeliveryAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body as it came. */
  readonly text: string;
  // oxlint-disable-next-line no-explicit-any
  readonly body: any;
}

/** A success for an order, of its whole total unless the fields say otherwise. */
export function success(orderId: string, fields: PaymentEventBody = {}): PaymentEventBody {
  return {
    payment_id: `pay_${randomUUID()}`,
    order_id: orderId,
    status: 'success',
    idempotency_key: randomUUID(),
    ...fields,
  };
}

/** Delivers an event, or a body of any kind, as a payment provider does. */
export async function deliver(
  url: string,
  event: PaymentEventBody | string | Buffer,
  { secret, at = new Date(), headers = {}, path = WEBHOOK }: Delivery = {},
): Promise<DeliveryAnswer> {
  const body = typeof event === 'string' || Buffer.isBuffer(event) ? event : JSON.stringify(event);
  const signature =
    secret === undefined ? {} : signPayload(secret, { id: randomUUID(), at, payload: body });
  const answer = await sendRaw(url, {
    path,
    headers: { 'content-type': 'application/json', ...signature, ...headers },
    body,
  });
  return { ...answer, body: answer.text === '' ? null : JSON.parse(answer.text) };
}
