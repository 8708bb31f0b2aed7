import { setTimeout as delay } from 'node:timers/promises';
import { findOrder, type Order } from '../purchases/reads/find-purchases.ts';
import { orderFinal, totalOf } from '../purchases/order.rules.ts';
import { isPast } from '../purchases/status.rules.ts';
import { badUserInput, orderNotFound, paymentUnavailable, type OrderFinal } from '../refusal.ts';
import type { Shop } from '../shop.ts';
import {
  claimToStart,
  recordFailedStart,
  recordStarted,
  toStart,
  type SessionRow,
} from './providers/session-rows.ts';
import {
  callProvider,
  type PaymentProvider,
  type PaymentProviders,
} from './providers/payment-provider.ts';
import type { PaymentSession, StartAnswer } from './providers/payment-session.ts';
import { returnUrlComplaint } from './providers/payment-session.rules.ts';

/** The arguments of startPayment. */
export interface StartRequest {
  readonly holdToken: string;
  /** Null for the first one that can start payments. */
  readonly provider: string | null;
  readonly returnUrl: string | null;
}

/** Milliseconds between two looks at a session that another server starts. */
const LOOK_AGAIN_MS = 100;

/**
 * Longest wait for a session that another server starts, in milliseconds: longer than its lease, so that
 * this server takes over from one that was killed.
 */
const WAIT_MS_MAX = 15_000;

/**
 * Starts the payment of an order, or returns the one already started at this provider. What is decided is
 * committed before the provider is asked. It is asked outside transactions and locks, by one server at a
 * time, and always with the same idempotency key.
 *
 * @throws BusyFault when a connection was not available in time
 */
export async function startPayment(shop: Shop, request: StartRequest): Promise<StartAnswer> {
  const { holdToken, returnUrl } = request;
  const complaint =
    returnUrl === null ? undefined : returnUrlComplaint(returnUrl, shop.isReturnOrigin);
  if (complaint !== undefined) return badUserInput(`${complaint}.`);
  const order = await findOrder(shop, holdToken);
  if (order === null) return orderNotFound;
  const final = finalOf(order);
  if (final !== undefined) return final;
  const provider = providerToStart(shop.paymentProviders, request.provider);
  if (provider === undefined) return paymentUnavailable('is not configured', false);
  return startShared(shop, { provider, orderId: order.id, returnUrl });
}

/** One start of this process; parallel calls for the same order and provider share it. */
interface Start {
  readonly provider: StartingProvider;
  readonly orderId: string;
  readonly returnUrl: string | null;
}

/** A provider that can start payments. */
type StartingProvider = PaymentProvider & Required<Pick<PaymentProvider, 'start'>>;

function startShared(shop: Shop, start: Start): Promise<StartAnswer> {
  const key = `${start.orderId} ${start.provider.name}`;
  const running = shop.paymentStarts.get(key);
  if (running !== undefined) return running;
  const started = startAlone(shop, start).finally(() => shop.paymentStarts.delete(key));
  shop.paymentStarts.set(key, started);
  return started;
}

async function startAlone(shop: Shop, start: Start): Promise<StartAnswer> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < WAIT_MS_MAX) {
    const order = await shop.reads.order.load(start.orderId);
    if (order === null) return orderNotFound;
    const final = finalOf(order);
    if (final !== undefined) return final;
    const { session, isClaimed } = await claimToStart(shop, {
      orderId: order.id,
      provider: start.provider.name,
      returnUrl: start.returnUrl,
    });
    if (session?.status === 'STARTED') return answerOf(session, order);
    if (!isClaimed) await delay(LOOK_AGAIN_MS);
    else if (!(await ask(shop, start.provider, { session, order })))
      return paymentUnavailable('did not start the payment', true);
  }
  return paymentUnavailable('did not answer in time', true);
}

/** Asks the provider and records the answer; false if nothing was started, or the outcome is unknown. */
async function ask(
  shop: Shop,
  provider: StartingProvider,
  { session, order }: { readonly session: SessionRow; readonly order: Order },
): Promise<boolean> {
  const { log } = shop;
  try {
    const request = toStart(session, order);
    const started = await callProvider((signal) => provider.start(request, signal));
    await recordStarted(shop, { id: session.id, started, leaseMs: 0 });
    log.info({ provider: provider.name, orderId: order.id }, 'Payment started');
    return true;
  } catch (error) {
    const reason = await recordFailedStart(shop, session.id, error);
    log.warn({ provider: provider.name, orderId: order.id, reason }, 'Could not start a payment');
    return false;
  }
}

/** Undefined while the order can be paid. An order past its deadline is about to expire. */
function finalOf(order: Order): OrderFinal<Order> | undefined {
  if (order.status !== 'PENDING') return orderFinal(order, order.status);
  return isPast(order.paymentExpiresAt, order.readAt) ? orderFinal(order, 'EXPIRED') : undefined;
}

function providerToStart(
  providers: PaymentProviders,
  name: string | null,
): StartingProvider | undefined {
  const canStart = (one: PaymentProvider): one is StartingProvider => one.start !== undefined;
  const able = [...providers.values()].filter(canStart);
  return name === null ? able[0] : able.find((one) => one.name === name);
}

function answerOf(session: SessionRow, order: Order): PaymentSession {
  return {
    provider: session.provider,
    id: session.paymentId!,
    clientSecret: session.clientSecret,
    url: session.url,
    amount: totalOf(order),
    expiresAt: order.paymentExpiresAt,
  };
}
