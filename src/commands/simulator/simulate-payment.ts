import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { oneUnitMore } from '../../lib/money.ts';
import { signPayload } from '../../server/webhook/signature.ts';

/** The behaviour of the simulated provider. */
export interface Simulation {
  readonly order?: string;
  readonly token?: string;
  readonly product?: string;
  readonly status: string;
  readonly amount?: string;
  readonly currency?: string;
  readonly payment?: string;
  readonly key?: string;
  /** True without a number: twice. */
  readonly duplicate?: number | true;
  /** Milliseconds. */
  readonly delay?: number;
  readonly wrongAmount?: true;
  readonly early?: true;
  readonly late?: true;
  readonly url?: string;
}

type Say = (line: string) => void;

/** The order to pay, and its amount. */
interface Bill {
  readonly orderId: string;
  readonly token: string | undefined;
  readonly amount: string | undefined;
  readonly currency: string | undefined;
}

/**
 * Simulates the payment provider against a running server, over HTTP: on time, early, late, twice, or
 * with the wrong amount. A frontend can test every end of a checkout with it.
 *
 * @param secret signs the deliveries; undefined: unsigned, as a development server accepts them
 */
export async function simulatePayment(
  options: Simulation & { readonly url: string },
  secret: string | undefined,
  say: Say,
): Promise<void> {
  const server = new Client(options.url);
  const bill = await billOf(options, server);
  await waitForMoment(options, bill, { server, say });

  const payload = JSON.stringify(eventOf(options, bill));
  const { duplicate = 1 } = options;
  const times = duplicate === true ? 2 : duplicate;
  // The server checks the age of the signature, so the timestamp comes from the server's clock.
  const signing = { id: `msg_${randomUUID()}`, at: await server.time(), payload };
  const headers = secret === undefined ? {} : signPayload(secret, signing);
  const deliver = () => server.deliver(payload, headers);
  for (const answer of await Promise.all(Array.from({ length: times }, deliver))) say(answer);

  if (options.early) say(`Order ${bill.orderId} is ${await server.createOrder(bill.token!)}.`);
}

/** Brings the order to the state in which the payment arrives: not yet created, pending, or ended. */
async function waitForMoment(
  options: Simulation,
  { orderId, token }: Bill,
  { server, say }: { readonly server: Client; readonly say: Say },
): Promise<void> {
  if (token === undefined && (options.early || options.late)) {
    throw new Error('--early and --late need --product or --token.');
  }
  if (token !== undefined && !options.early) {
    say(`Order ${orderId} is ${await server.createOrder(token)}.`);
  }
  if (options.late) await orderEnded(server, token!, say);
  if (options.delay !== undefined) await delay(options.delay);
}

function eventOf(options: Simulation, { orderId, ...bill }: Bill): object {
  const amount = options.amount ?? bill.amount;
  return {
    idempotency_key: options.key ?? randomUUID(),
    payment_id: options.payment ?? `pay_${randomUUID()}`,
    order_id: orderId,
    status: options.status,
    amount: options.wrongAmount ? oneUnitMore(amount ?? '0') : amount,
    currency: options.currency ?? bill.currency,
  };
}

async function billOf({ order, token, product }: Simulation, server: Client): Promise<Bill> {
  if ([order, token, product].filter((way) => way !== undefined).length !== 1) {
    throw new Error('Name one of --order, --token and --product.');
  }
  if (order !== undefined)
    return { orderId: order, token: undefined, amount: undefined, currency: undefined };
  const hold = token === undefined ? await server.createHold(product!) : await server.hold(token);
  return { orderId: hold.orderId, token: hold.token, ...hold.totalAmount };
}

async function orderEnded(server: Client, token: string, say: Say): Promise<void> {
  for (;;) {
    const { status, remainingMs } = await server.order(token);
    if (status !== 'PENDING') return;
    say(`Waiting ${Math.ceil(remainingMs / 1000)} s until the order expires.`);
    await delay(remainingMs + 500);
  }
}

interface Hold {
  readonly token: string;
  readonly orderId: string;
  readonly totalAmount: { readonly amount: string; readonly currency: string };
}

/** The client of a buyer and of a provider: GraphQL and the webhook. */
class Client {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  createHold(productId: string): Promise<Hold> {
    return this.#ask<Hold>(
      `mutation ($of: ID!) { answer: createHold(input: { productId: $of }) { ${HOLD} ${REFUSAL} } }`,
      productId,
    );
  }

  hold(token: string): Promise<Hold> {
    return this.#ask<Hold>(
      `query ($of: String!) { answer: hold(token: $of) { token orderId totalAmount { amount currency } } }`,
      token,
    );
  }

  async createOrder(token: string): Promise<string> {
    const { status } = await this.#ask<{ status: string }>(
      `mutation ($of: String!) { answer: createOrder(holdToken: $of) { ... on Order { status } ${REFUSAL} } }`,
      token,
    );
    return status;
  }

  order(token: string): Promise<{ status: string; remainingMs: number }> {
    return this.#ask(
      'query ($of: String!) { answer: order(holdToken: $of) { status remainingMs } }',
      token,
    );
  }

  async time(): Promise<Date> {
    return new Date(await this.#ask<string>('{ answer: serverTime }'));
  }

  async deliver(payload: string, signature: Record<string, string>): Promise<string> {
    const response = await fetch(`${this.#url}/api/payments/webhook`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signature },
      body: payload,
    });
    const replayed = response.headers.has('idempotent-replayed')
      ? ' (Idempotent-Replayed: true)'
      : '';
    return `${response.status}${replayed} ${await response.text()}`;
  }

  async #ask<Answer>(query: string, of?: string): Promise<Answer> {
    const response = await fetch(`${this.#url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables: { of } }),
    });
    const { data, errors } = (await response.json()) as Answered<Answer>;
    const answer = data?.answer;
    if (answer == null) throw new Error(errors?.[0]?.message ?? 'No hold has this token.');
    if (typeof answer === 'object' && 'message' in answer) throw new Error(String(answer.message));
    return answer;
  }
}

interface Answered<Answer> {
  readonly data?: { readonly answer: Answer | null };
  readonly errors?: readonly { readonly message: string }[];
}

const HOLD = '... on Hold { token orderId totalAmount { amount currency } }';
const REFUSAL = '... on CheckoutError { message }';
