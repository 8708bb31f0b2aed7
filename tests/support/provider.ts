import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { signPayload } from '../../src/server/webhook/signature.ts';
import { sendRaw } from './graphql-client.ts';

/** The path for events of our own contract. */
export const WEBHOOK = '/api/payments/webhook';

/** The body of a provider's event. */
export type PaymentEventBody = Record<string, unknown>;

/** The options of a delivery. */
export interface Delivery {
  /** The secret of the signature; without one the event is unsigned. */
  readonly secret?: string;
  /** The time of the signature. */
  readonly at?: Date;
  /** Headers that replace or extend the default ones. */
  readonly headers?: Record<string, string>;
  readonly path?: string;
}

/** The answer to a delivery. */
export interface DeliveryAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The unparsed body. */
  readonly text: string;
  // oxlint-disable-next-line no-explicit-any
  readonly body: any;
}

/** A success for an order; without an amount it pays the total. */
export function success(orderId: string, fields: PaymentEventBody = {}): PaymentEventBody {
  return {
    payment_id: `pay_${randomUUID()}`,
    order_id: orderId,
    status: 'success',
    idempotency_key: randomUUID(),
    ...fields,
  };
}

/** Delivers an event, or any other body, like a payment provider. */
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
