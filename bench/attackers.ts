import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { buildSchema } from 'graphql';
import { sendRaw, type RawRequest } from '../tests/support/graphql-client.ts';
import { HEAVY } from '../tests/support/heavy-documents.ts';
import { hostileDocuments } from '../tests/support/hostile-documents.ts';
import { uniqueAddress, HostileSocket, type Payload } from '../tests/support/hostile-endpoints.ts';
import {
  hostileEvents,
  hostileRequests,
  pollutedBodies,
  SOCKET_NOISE,
  wrongBearers,
} from '../tests/support/hostile-requests.ts';
import {
  harmlessCalls,
  hostileCalls,
  isAdminCall,
  type NamedProducts,
} from '../tests/support/hostile-values.ts';
import { WEBHOOK } from '../tests/support/provider.ts';
import { signPayload } from '../src/server/webhook/signature.ts';

/**
 * The attackers, in a process of their own (started by bench/attack.ts): the hostile corpus of the
 * tests, over HTTP, websocket and the webhook. In production they have their own machines. Here they
 * run at low priority, and use only CPU time that the sale and the server do not use.
 */

/** The server under attack, and the secrets and ids that the attackers have. */
export interface Target {
  readonly url: string;
  readonly adminToken: string;
  readonly webhookSecret: string;
  /** The hold token of one buyer. */
  readonly holdToken: string;
  readonly products: NamedProducts;
}

/** A command from the benchmark to the attackers. */
export type AttackOrder =
  | { readonly do: 'aim'; readonly at: Target }
  /** Send the whole corpus once, evenly over this time. */
  | { readonly do: 'attack'; readonly overMs: number }
  /** Send only heavy documents. */
  | ({ readonly do: 'sendHeavy' } & HeavyLoad);

/** Heavy documents only: each connection sends the next when the last is answered, for this time. */
export interface HeavyLoad {
  readonly connections: number;
  readonly by: 'POST' | 'websocket';
  readonly overMs: number;
}

/** The result of one command. */
export interface AttackReport {
  readonly sent: number;
  readonly tookMs: number;
  /** How often each HTTP status, or code of a closed socket, was the answer; 200 for an open socket. */
  readonly answers: Readonly<Record<string, number>>;
}

/** How many requests are in flight at once, at most. */
const CONCURRENCY = 16;

/** The id of an order that does not exist. */
const UNKNOWN_ORDER_ID = '01a205f5-51be-76e1-8c91-9237b105f7ee';

/** Sends one request of the corpus, and gives the status of its answer. */
type SendRequest = (socket: HostileSocket) => Promise<number>;

/** Every request of the corpus, in an order that mixes the kinds. */
function requestsTo(target: Target): SendRequest[] {
  const { adminToken, webhookSecret, holdToken, products } = target;
  const schema = buildSchema(readFileSync(join(import.meta.dirname, '../schema.graphql'), 'utf8'));
  const raw =
    ({ headers = {}, ...request }: RawRequest): SendRequest =>
    async () =>
      (await sendRaw(target.url, { ...request, headers: { ...uniqueAddress(), ...headers } }))
        .status;
  const post = (body: Payload | string, headers: RawRequest['headers'] = {}): SendRequest =>
    raw({
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const subscribe =
    (payload: Payload): SendRequest =>
    async (socket) =>
      (await socket.subscribe(payload)).status;
  const sendMessage =
    (message: string | Buffer): SendRequest =>
    async (socket) =>
      (await socket.send(message)).status;
  const deliver =
    (body: string, isSigned: boolean): SendRequest =>
    (socket) => {
      const id = crypto.randomUUID();
      const signature = isSigned
        ? signPayload(webhookSecret, { id, at: new Date(), payload: body })
        : { 'webhook-signature': `v1,${encodeURIComponent(body.slice(1, 30))}` };
      const headers = { 'content-type': 'application/json', ...signature };
      return raw({ path: WEBHOOK, headers, body })(socket);
    };
  const adminCalls = harmlessCalls(schema, products).filter(isAdminCall);
  return shuffled([
    ...hostileDocuments().flatMap(([, query]) => [post({ query }), subscribe({ query })]),
    // Admin calls come without the admin token: a caller who has it need not attack.
    ...hostileCalls(schema, products).map(({ kind, query, variables }) =>
      kind === 'subscription' ? subscribe({ query, variables }) : post({ query, variables }),
    ),
    ...wrongBearers(adminToken, [holdToken, webhookSecret]).flatMap((authorization) =>
      adminCalls.map(({ query, variables }) => post({ query, variables }, { authorization })),
    ),
    ...pollutedBodies(products.toBuy).map((body) => post(body)),
    ...hostileRequests().map(([, request]) => raw(request)),
    ...hostileEvents(UNKNOWN_ORDER_ID).flatMap((event) => [
      deliver(event, true),
      deliver(event, false),
    ]),
    ...SOCKET_NOISE.map(sendMessage),
  ]);
}

/** The same items in a fixed, mixed order: steps of a prime length visit each index once. */
function shuffled<T>(all: readonly T[]): T[] {
  const step = 7919;
  return all.map((_, place) => all[(place * step) % all.length]!);
}

/** Sends every request once, spread evenly over the time. */
async function attack(requests: readonly SendRequest[], overMs: number): Promise<AttackReport> {
  const answers: Record<string, number> = {};
  const startedAt = performance.now();
  let next = 0;
  const worker = async (socket: HostileSocket): Promise<void> => {
    while (next < requests.length) {
      const place = next++;
      const early = startedAt + (place * overMs) / requests.length - performance.now();
      if (early > 0) await delay(early);
      const status = await requests[place]!(socket);
      answers[status] = (answers[status] ?? 0) + 1;
    }
  };
  const sockets = Array.from({ length: CONCURRENCY }, () => new HostileSocket(socketUrl));
  await Promise.all(sockets.map(worker));
  for (const socket of sockets) socket[Symbol.dispose]();
  return { sent: requests.length, tookMs: performance.now() - startedAt, answers };
}

let heavySent = 0;

/** Sends heavy documents, no two of them the same: half within the limits, half past them. */
async function sendHeavy({ connections, by, overMs }: HeavyLoad): Promise<AttackReport> {
  const answers: Record<string, number> = {};
  const startedAt = performance.now();
  let sent = 0;
  const worker = async (socket: HostileSocket): Promise<void> => {
    while (performance.now() - startedAt < overMs) {
      heavySent += 1;
      const [, query] = HEAVY[heavySent % HEAVY.length]!;
      const document = query({
        count: heavySent % 2 === 0 ? 10 : 150,
        alias: `b${heavySent}`,
        id: '1',
      });
      const { status } = await (by === 'POST'
        ? sendRaw(target!.url, {
            headers: { 'content-type': 'application/json', ...uniqueAddress() },
            body: JSON.stringify({ query: document }),
          })
        : socket.subscribe({
            query: document.replace(/^\{ (\w+): product\(id: "1"\)/, SUBSCRIBED),
          }));
      sent += 1;
      answers[status] = (answers[status] ?? 0) + 1;
    }
  };
  const sockets = Array.from({ length: connections }, () => new HostileSocket(socketUrl));
  await Promise.all(sockets.map(worker));
  for (const socket of sockets) socket[Symbol.dispose]();
  return { sent, tookMs: performance.now() - startedAt, answers };
}

/** Turns a product's document into a subscription of the same weight. */
const SUBSCRIBED = 'subscription { $1: stockChanged(productIds: ["1"])';

let target: Target | undefined;
let requests: readonly SendRequest[] = [];
let socketUrl = '';

async function carryOut(order: AttackOrder): Promise<AttackReport | undefined> {
  if (order.do === 'attack') return attack(requests, order.overMs);
  if (order.do === 'sendHeavy') return sendHeavy(order);
  target = order.at;
  requests = requestsTo(order.at);
  socketUrl = `${order.at.url.replace('http', 'ws')}/graphql`;
  return undefined;
}

setPriority(constants.priority.PRIORITY_LOW);
process.on('message', (order: AttackOrder) => {
  void carryOut(order).then(
    (report) => process.send!({ report }),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});

// The benchmark that started this process has exited.
process.on('disconnect', () => process.exit());
