import { randomUUID } from 'node:crypto';
import { decimalText, type Money } from '../../../lib/money.ts';
import { now } from '../../../postgres/clock.ts';
import type { FoundSession } from '../../../shop/payments/find-session.ts';
import type { Shop } from '../../../shop/shop.ts';
import { signPayload } from '../../webhook/signature.ts';
import type { DemoAccount } from './demo-account.ts';

/** Where events are sent, and how they are signed. */
export interface DemoTarget {
  readonly serverUrl: string;
  /** Undefined: unsigned, as a development server accepts them without secrets. */
  readonly secret: string | undefined;
  /** Records the successful payments. */
  readonly account: DemoAccount;
}

/** One event of the demo provider. */
export interface DemoEvent {
  readonly paymentId: string;
  readonly status: 'success' | 'failed';
  readonly amount: Money;
}

/** What a buyer can do on the page, with the events that follow. */
export const DEMO_ACTIONS = {
  pay: ({ paymentId, amount }: FoundSession) => [{ paymentId, status: 'success', amount }],
  decline: ({ paymentId, amount }: FoundSession) => [{ paymentId, status: 'failed', amount }],
  twice: ({ paymentId, amount }: FoundSession) => [
    { paymentId, status: 'success', amount },
    { paymentId: `${paymentId}_2`, status: 'success', amount },
  ],
  late: ({ paymentId, amount }: FoundSession) => [{ paymentId, status: 'success', amount }],
  wrong: ({ paymentId, amount: { minor, currency } }: FoundSession) => [
    { paymentId, status: 'success', amount: { minor: minor + 1n, currency } },
  ],
} as const satisfies Record<string, (session: FoundSession) => readonly DemoEvent[]>;

/** The name of an action. */
export type DemoAction = keyof typeof DEMO_ACTIONS;

/** What the webhook answered. */
export interface DemoAnswer {
  readonly ok: boolean;
  /** The HTTP status and the message. */
  readonly text: string;
}

/** Longest delivery of an event, in milliseconds. */
const SEND_MS_MAX = 10_000;

/** Sends one event to the webhook over HTTP. @throws Error if the webhook cannot be reached */
export async function sendDemoEvent(
  { database }: Pick<Shop, 'database'>,
  { serverUrl, secret, account }: DemoTarget,
  { orderId, event }: { readonly orderId: string; readonly event: DemoEvent },
): Promise<DemoAnswer> {
  const payload = JSON.stringify({
    idempotency_key: randomUUID(),
    payment_id: event.paymentId,
    order_id: orderId,
    status: event.status,
    amount: decimalText(event.amount),
    currency: event.amount.currency,
  });
  // The server checks the age of the signature by the database's clock.
  const at = await now(database);
  // The money is taken first, as at any provider; its event may be lost.
  if (event.status === 'success')
    account.add(orderId, { id: event.paymentId, money: event.amount }, at);
  const signing = { id: `msg_${randomUUID()}`, at, payload };
  const response = await fetch(`${serverUrl}/api/payments/webhook`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(secret !== undefined && signPayload(secret, signing)),
    },
    body: payload,
    signal: AbortSignal.timeout(SEND_MS_MAX),
  });
  const { outcome = '', message } = (await response.json()) as Record<string, string>;
  return { ok: response.ok, text: `${response.status} ${outcome}: ${message}` };
}
