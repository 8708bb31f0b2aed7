import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { buildSchema } from 'graphql';
import { sendRaw, type RawRequest } from '../tests/support/graphql-client.ts';
import { HEAVY } from '../tests/support/heavy-documents.ts';
import { hostileDocuments } from '../tests/support/hostile-documents.ts';
import { anAddress, SocketDoor, type Payload } from '../tests/support/hostile-doors.ts';
import {
  hostileEvents,
  hostileRequests,
  pollutedBodies,
  SOCKET_NOISE,
  wrongBearers,
} from '../tests/support/hostile-requests.ts';
import {
  bearableCalls,
  hostileCalls,
  isOperators,
  type NamedProducts,
} from '../tests/support/hostile-values.ts';
import { WEBHOOK } from '../tests/support/provider.ts';
import { signPayload } from '../src/server/webhook/signature.ts';

/*
 * The attackers, in a process of their own (started by bench/attack.ts): the hostile corpus of the tests,
 * over both GraphQL doors and the webhook. In production they have machines of their own; here they
 * are left what processor the sale and the server do not want.
 */

/** What they attack, and what they know. */
export interface Target {
  readonly url: string;
  readonly adminToken: string;
  readonly webhookSecret: string;
  /** A buyer's. */
  readonly holdToken: string;
  readonly products: NamedProducts;
}

/** What they are told to do. */
export type AttackOrder =
  | { readonly do: 'aim'; readonly at: Target }
  /** To send all there is once, evenly over this time. */
  | { readonly do: 'attack'; readonly overMs: number }
  /** To send heavy documents on so many connections for this time, each when the last is answered. */
  | ({ readonly do: 'burden' } & Burden);

/** So many connections that send nothing but heavy documents. */
export interface Burden {
  readonly connections: number;
  readonly by: 'POST' | 'websocket';
  readonly overMs: number;
}

/** What became of an attack. */
export interface AttackReport {
  readonly sent: number;
  readonly tookMs: number;
  /** How often each HTTP status, or code of a closed socket, was the answer; 200 on a socket that lives. */
  readonly answers: Readonly<Record<string, number>>;
}

/** So many requests are under way at once at most. */
const HANDS = 16;

/** An order that nobody made. */
const NOBODYS = '01a205f5-51be-76e1-8c91-9237b105f7ee';

/** Sends one request of the corpus, and gives the status of its answer. */
type Shot = (door: SocketDoor) => Promise<number>;

/** Everything there is, in an order in which no kind comes in a row. */
function shotsAt(target: Target): Shot[] {
  const { adminToken, webhookSecret, holdToken, products } = target;
  const schema = buildSchema(readFileSync(join(import.meta.dirname, '../schema.graphql'), 'utf8'));
  const raw =
    ({ headers = {}, ...request }: RawRequest): Shot =>
    async () =>
      (await sendRaw(target.url, { ...request, headers: { ...anAddress(), ...headers } })).status;
  const posted = (body: Payload | string, headers: RawRequest['headers'] = {}): Shot =>
    raw({
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const subscribed =
    (payload: Payload): Shot =>
    async (door) =>
      (await door.subscribe(payload)).status;
  const said =
    (message: string | Buffer): Shot =>
    async (door) =>
      (await door.say(message)).status;
  const delivered =
    (body: string, isSigned: boolean): Shot =>
    (door) => {
      const id = crypto.randomUUID();
      const signature = isSigned
        ? signPayload(webhookSecret, { id, at: new Date(), payload: body })
        : { 'webhook-signature': `v1,${encodeURIComponent(body.slice(1, 30))}` };
      const headers = { 'content-type': 'application/json', ...signature };
      return raw({ path: WEBHOOK, headers, body })(door);
    };
  const operators = bearableCalls(schema, products).filter(isOperators);
  return mixed([
    ...hostileDocuments().flatMap(([, query]) => [posted({ query }), subscribed({ query })]),
    // The operator's among them, too: whoever has the token need not attack.
    ...hostileCalls(schema, products).map(({ kind, query, variables }) =>
      kind === 'subscription' ? subscribed({ query, variables }) : posted({ query, variables }),
    ),
    ...wrongBearers(adminToken, [holdToken, webhookSecret]).flatMap((authorization) =>
      operators.map(({ query, variables }) => posted({ query, variables }, { authorization })),
    ),
    ...pollutedBodies(products.toBuy).map((body) => posted(body)),
    ...hostileRequests().map(([, request]) => raw(request)),
    ...hostileEvents(NOBODYS).flatMap((event) => [delivered(event, true), delivered(event, false)]),
    ...SOCKET_NOISE.map(said),
  ]);
}

/** Steps of a prime number through the list come to each place once. */
function mixed<T>(all: readonly T[]): T[] {
  const step = 7919;
  return all.map((_, place) => all[(place * step) % all.length]!);
}

/** Sends every shot once. */
async function attack(shots: readonly Shot[], overMs: number): Promise<AttackReport> {
  const answers: Record<string, number> = {};
  const startedAt = performance.now();
  let next = 0;
  const hand = async (door: SocketDoor): Promise<void> => {
    while (next < shots.length) {
      const place = next++;
      const early = startedAt + (place * overMs) / shots.length - performance.now();
      if (early > 0) await delay(early);
      const status = await shots[place]!(door);
      answers[status] = (answers[status] ?? 0) + 1;
    }
  };
  const doors = Array.from({ length: HANDS }, () => new SocketDoor(socketUrl));
  await Promise.all(doors.map(hand));
  for (const door of doors) door[Symbol.dispose]();
  return { sent: shots.length, tookMs: performance.now() - startedAt, answers };
}

let burdens = 0;

/** Sends heavy documents, no two of them the same: half within the limits, half past them. */
async function burden({ connections, by, overMs }: Burden): Promise<AttackReport> {
  const answers: Record<string, number> = {};
  const startedAt = performance.now();
  let sent = 0;
  const hand = async (door: SocketDoor): Promise<void> => {
    while (performance.now() - startedAt < overMs) {
      burdens += 1;
      const [, query] = HEAVY[burdens % HEAVY.length]!;
      const document = query({
        count: burdens % 2 === 0 ? 10 : 150,
        alias: `b${burdens}`,
        id: '1',
      });
      const { status } = await (by === 'POST'
        ? sendRaw(target!.url, {
            headers: { 'content-type': 'application/json', ...anAddress() },
            body: JSON.stringify({ query: document }),
          })
        : door.subscribe({ query: document.replace(/^\{ (\w+): product\(id: "1"\)/, SUBSCRIBED) }));
      sent += 1;
      answers[status] = (answers[status] ?? 0) + 1;
    }
  };
  const doors = Array.from({ length: connections }, () => new SocketDoor(socketUrl));
  await Promise.all(doors.map(hand));
  for (const door of doors) door[Symbol.dispose]();
  return { sent, tookMs: performance.now() - startedAt, answers };
}

/** Turns a product's document into a subscription of the same weight. */
const SUBSCRIBED = 'subscription { $1: stockChanged(productIds: ["1"])';

let target: Target | undefined;
let shots: readonly Shot[] = [];
let socketUrl = '';

async function applySettlement(order: AttackOrder): Promise<AttackReport | undefined> {
  if (order.do === 'attack') return attack(shots, order.overMs);
  if (order.do === 'burden') return burden(order);
  target = order.at;
  shots = shotsAt(order.at);
  socketUrl = `${order.at.url.replace('http', 'ws')}/graphql`;
  return undefined;
}

setPriority(constants.priority.PRIORITY_LOW);
process.on('message', (order: AttackOrder) => {
  void applySettlement(order).then(
    (told) => process.send!({ told }),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});

// Whoever wanted the attack is gone.
process.on('disconnect', () => process.exit());
