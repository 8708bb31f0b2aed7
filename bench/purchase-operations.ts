import { createHmac, randomUUID } from 'node:crypto';
import type { Post } from '../src/rehearsal/connection.ts';
import { Buyers, type Operation } from './load.ts';
import { createHold } from './operations.ts';
import type { BenchServer } from './server.ts';

/** What a buyer keeps of a hold for the calls that follow. */
export interface Purchase {
  readonly token: string;
  readonly orderId: string;
}

/** The word for served of every operation here, so that they can be calls of one chain. */
export const SERVED = 'served';

/** An operation that takes a purchase out of the list for each request: a run sends as many as there are. */
export type PurchaseOperation = (purchases: Purchase[]) => Operation;

const MARK = 'the token of this hold';

/** A call with a hold token, which is served by an answer that starts with this text. */
function callWithToken(query: string, rightStart: string): (token: () => string) => Operation {
  const [before, after] = JSON.stringify({ query, variables: { token: MARK } }).split(MARK);
  return (token) => ({
    body: () => `${before}${token()}${after}`,
    outcome: (status, body) => (status === 200 && body.startsWith(rightStart) ? SERVED : 'wrong'),
    served: SERVED,
  });
}

/** The next purchase's token; each is used once. */
const tokensOf = (purchases: Purchase[]) => (): string => purchases.pop()!.token;

const ORDER = 'id status totalAmount { amount currency } paymentExpiresAt remainingMs';
const REFUSED = '... on CheckoutError { code message retryable }';

const mutationOf = (field: string, argument: string, type: string, selection: string) => {
  const call = callWithToken(
    `mutation Call($token: String!) { ${field}(${argument}: $token) { __typename ... on ${type} { ${selection} } ${REFUSED} } }`,
    `{"data":{"${field}":{"__typename":"${type}"`,
  );
  return (purchases: Purchase[]): Operation => call(tokensOf(purchases));
};

/** Each request converts one hold. */
export const createOrder: PurchaseOperation = mutationOf(
  'createOrder',
  'holdToken',
  'Order',
  ORDER,
);

/** Each request cancels one pending order. */
export const cancelOrder: PurchaseOperation = mutationOf(
  'cancelOrder',
  'holdToken',
  'Order',
  ORDER,
);

/** Each request releases one active hold. */
export const releaseHold: PurchaseOperation = mutationOf(
  'releaseHold',
  'token',
  'Hold',
  'id status',
);

const ORDER_QUERY = callWithToken(
  `query Status($token: String!) { order(holdToken: $token) { ${ORDER} } }`,
  '{"data":{"order":{"id":',
);

/** The status query of a buyer after createOrder; it reads the orders in turn. */
export function orderQuery(purchases: readonly Purchase[]): Operation {
  let next = 0;
  return ORDER_QUERY(() => purchases[(next += 1) % purchases.length]!.token);
}

const KEY = Buffer.from('a secret for the benchmark only');

/** The secret of the webhook, for the settings of a server. */
export const WEBHOOK_SECRET = `whsec_${KEY.toString('base64')}`;

/**
 * A success of the right amount, with a signature of Standard Webhooks. Node's HMAC takes 5 µs, the
 * package's ten times that: the load generator shares the cores with the server.
 */
function signedPayment({ orderId }: Purchase): Post {
  const id = randomUUID();
  const body = JSON.stringify({
    order_id: orderId,
    payment_id: randomUUID(),
    idempotency_key: id,
    status: 'success',
    amount: '29.99',
  });
  const at = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', KEY).update(`${id}.${at}.${body}`).digest('base64');
  return {
    path: '/api/payments/webhook',
    headers: `webhook-id: ${id}\r\nwebhook-timestamp: ${at}\r\nwebhook-signature: v1,${signature}\r\n`,
    body,
  };
}

/** Each request pays one pending order. */
export function webhook(purchases: Purchase[]): Operation {
  return {
    body: () => signedPayment(purchases.pop()!),
    outcome: (status, body) => (status === 200 && body.includes('"applied"') ? SERVED : 'wrong'),
    served: SERVED,
  };
}

/** createHold with the common word for served. */
export function hold(productId: string): Operation {
  const operation = createHold(productId);
  const outcome = (status: number, body: string): string =>
    operation.outcome(status, body) === operation.served ? SERVED : 'wrong';
  return { ...operation, outcome, served: SERVED };
}

/** Each buyer holds a unit, orders it and pays: three calls, one after the other. */
export function wholePurchase(productId: string): Operation {
  return {
    ...hold(productId),
    next(body) {
      const purchase = purchaseOf(body);
      return { ...createOrder([purchase]), next: () => webhook([purchase]) };
    },
  };
}

function purchaseOf(body: string): Purchase {
  const [, token, orderId] = /"token":"([^"]+)","orderId":"([^"]+)"/.exec(body)!;
  return { token: token!, orderId: orderId! };
}

/** Connections that prepare holds and orders, outside of the measured time. */
const PREPARING = 100;

/** Creates `count` holds of a product. */
export async function prepareHolds(
  server: BenchServer,
  productId: string,
  count: number,
): Promise<Purchase[]> {
  const purchases: Purchase[] = [];
  const operation = hold(productId);
  const keep = (status: number, body: string): string => {
    const outcome = operation.outcome(status, body);
    if (outcome === SERVED) purchases.push(purchaseOf(body));
    return outcome;
  };
  await runOnce(server, { ...operation, outcome: keep }, count);
  return purchases;
}

/** Creates `count` pending orders of a product. */
export async function prepareOrders(
  server: BenchServer,
  productId: string,
  count: number,
): Promise<Purchase[]> {
  const purchases = await prepareHolds(server, productId, count);
  await runOnce(server, createOrder([...purchases]), count);
  return purchases;
}

async function runOnce(server: BenchServer, operation: Operation, requests: number): Promise<void> {
  const buyers = await Buyers.connect(server.url, PREPARING);
  try {
    await buyers.run(operation, { requests });
  } finally {
    buyers.close();
  }
}
