import { randomUUID } from 'node:crypto';
import { signPayload } from '../src/server/webhook/signature.ts';
import { Connections, machine, median, rateOf, startBenchServer } from './server.ts';

/**
 * The rate of payments: 1,000 signed webhooks for distinct orders of one hot product over
 * 50 connections, against as many empty GraphQL requests on the same server, in interleaved rounds.
 */
const COUNT = 1000;
const CONNECTIONS = 50;
const ROUNDS = 5;

const SECRET = `whsec_${Buffer.from('a secret for the benchmark only').toString('base64')}`;

const server = await startBenchServer({ LOG_LEVEL: 'info', PAYMENT_WEBHOOK_SECRETS: SECRET });
const connections = new Connections(server.url, CONNECTIONS);

const ask = async (query: string, headers = {}): Promise<string> =>
  (await connections.post('/graphql', JSON.stringify({ query }), headers)).body;

async function makeOrders(): Promise<string[]> {
  const product = await ask(
    `mutation { createProduct(input: { name: "Hot", price: "1.00", currency: "USD", totalStock: ${COUNT} }) { id } }`,
    { authorization: `Bearer ${server.adminToken}` },
  );
  const productId = /"id":"(\d+)"/.exec(product)![1]!;
  const orders: string[] = [];
  const make = async (): Promise<void> => {
    const hold = await ask(
      `mutation { createHold(input: { productId: "${productId}" }) { ... on Hold { token orderId } } }`,
    );
    const [, token, orderId] = /"token":"([^"]+)","orderId":"([^"]+)"/.exec(hold)!;
    await ask(`mutation { createOrder(holdToken: "${token}") { __typename } }`);
    orders.push(orderId!);
  };
  await rateOf(
    Array.from({ length: COUNT }, () => make),
    CONNECTIONS,
  );
  return orders;
}

async function pay(orderId: string, at: Date): Promise<void> {
  const event = {
    order_id: orderId,
    payment_id: randomUUID(),
    idempotency_key: randomUUID(),
    status: 'success',
    amount: '1.00',
  };
  const payload = JSON.stringify(event);
  const signature = signPayload(SECRET, { id: event.idempotency_key, at, payload });
  const { status, body } = await connections.post('/api/payments/webhook', payload, signature);
  if (status !== 200 || !body.includes('"applied"')) throw new Error(`${status} ${body}`);
}

const rates = { webhooks: [] as number[], empty: [] as number[] };
for (let round = 1; round <= ROUNDS; round += 1) {
  const orders = await makeOrders();
  rates.empty.push(
    await rateOf(
      Array.from({ length: COUNT }, () => () => ask('{ __typename }')),
      CONNECTIONS,
    ),
  );
  const at = new Date(/"serverTime":"([^"]+)"/.exec(await ask('{ serverTime }'))![1]!);
  rates.webhooks.push(
    await rateOf(
      orders.map((orderId) => () => pay(orderId, at)),
      CONNECTIONS,
    ),
  );
  console.log(
    `round ${round}: ${Math.round(rates.webhooks.at(-1)!)} webhooks/s, ${Math.round(rates.empty.at(-1)!)} empty requests/s`,
  );
}
connections.close();
await server.stop();

const [webhooks, empty] = [median(rates.webhooks), median(rates.empty)];
console.log(
  `${machine()}\nmedian of ${ROUNDS}: ${Math.round(webhooks)} webhooks/s, ${Math.round(empty)} empty requests/s, ratio ${(webhooks / empty).toFixed(3)}`,
);
