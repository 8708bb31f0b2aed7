import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { buildShopSchema } from '../../src/server/graphql/schema/schema.ts';
import type { Logger } from '../../src/lib/log.ts';
import {
  AS_ADMIN,
  ask,
  CREATE_HOLD,
  CREATE_ORDER,
  HOLD_QUERY,
  sendRaw,
  type ApiError,
} from '../support/graphql-client.ts';
import { hostileDocuments, type HostileDocument } from '../support/hostile-documents.ts';
import {
  uniqueAddress,
  PRODUCTION_SETTINGS,
  complaintsOf,
  workers,
  inParallel,
  differencesBetween,
  openHostileSockets,
  post,
  type HostileAnswer,
} from '../support/hostile-endpoints.ts';
import {
  hostileEvents,
  hostileRequests,
  pollutedBodies,
  SOCKET_NOISE,
  wrongBearers,
  type HostileRequest,
} from '../support/hostile-requests.ts';
import {
  harmlessCalls,
  hostileCalls,
  isAdminCall,
  type HostileCall,
  type NamedProducts,
} from '../support/hostile-values.ts';
import { makePayingBuyer } from '../support/paying-buyer.ts';
import { deliver, success, WEBHOOK } from '../support/provider.ts';
import { ADMIN_TOKEN, startTestServer, type TestServer } from '../support/server.ts';
import { findingsOf, makeProduct, stockOf } from '../support/shop.ts';

/**
 * Thousands of hostile requests, the same ones each time, at both GraphQL endpoints and the webhook of
 * a server as it is in production. No request causes a fault, or an answer with a stack, a statement, a
 * code outside the contract or data of another buyer.
 */

const WEBHOOK_SECRET = `whsec_${Buffer.from('a webhook secret of this test only').toString('base64')}`;

const ATTACK_MS = 240_000;

/** A few kilobytes for each request would be more; all that was sent is ten times as much. */
const HEAP_GROWTH_MAX = 24 * 1024 * 1024;

const failures: string[] = [];
const lines: string[] = [];
const keepLine = (facts: object, message: string): void => {
  lines.push(`${message} ${inspect(facts, { depth: null })}`);
};
const log: Logger = {
  debug: keepLine,
  info: keepLine,
  warn: keepLine,
  error(facts, message) {
    keepLine(facts, message);
    failures.push(lines.at(-1)!);
  },
};

let server: TestServer;
/** What the attack may buy and change. */
let products: NamedProducts;
/** Data of a buyer outside the attack: no answer may contain it. */
let secrets: readonly string[];
let ownerToken: string;
let saleId: string;
let sold: Sold;
let heapBefore: number;
const outcomes = new Map<string, Outcome>();

beforeAll(async () => {
  server = await startTestServer({
    log,
    ...PRODUCTION_SETTINGS,
    PAYMENT_WEBHOOK_SECRETS: WEBHOOK_SECRET,
  });
  products = {
    toBuy: String(await makeProduct(server.shop, { totalStock: 1000 })),
    toChange: String(await makeProduct(server.shop)),
  };
  const quiet = String(await makeProduct(server.shop, { name: 'Quiet Widget' }));
  const payer = await makePayingBuyer(server.url, { productId: quiet, secret: WEBHOOK_SECRET });
  ownerToken = payer.token;
  secrets = [
    payer.signature,
    payer.idempotencyKey,
    payer.customerId,
    payer.holdId,
    payer.orderId,
    payer.paymentId,
  ];
  saleId = String(await makeProduct(server.shop, { totalStock: 100_000 }));
  // What is kept on purpose is kept by then: documents and statements.
  await attackWithDocuments();
  heapBefore = heapAfterCollection();
  const sale = startSale(2);
  for (const [name, attack] of Object.entries(PARTS)) outcomes.set(name, await attack());
  sold = await sale.stop();
}, ATTACK_MS);

afterAll(() => server.stop());

/** The admin may read who bought. No answer contains a secret that authorizes a purchase. */
const secretsFrom = (isAdmin: boolean): readonly string[] =>
  isAdmin ? [...secrets.slice(0, 2), ADMIN_TOKEN] : [...secrets, ADMIN_TOKEN];

/** The result of one part of the attack. */
interface Outcome {
  readonly sent: number;
  readonly complaints: readonly string[];
}

function outcomeOf(answers: readonly HostileAnswer[], isAdmin = false): Outcome {
  const forbidden = secretsFrom(isAdmin);
  return {
    sent: answers.length,
    complaints: answers.flatMap((answer) => complaintsOf(answer, forbidden)),
  };
}

/** Everything there is, part by part. */
const PARTS: Readonly<Record<string, () => Promise<Outcome>>> = {
  documents: attackWithDocuments,
  values: attackWithValues,
  'the admin operations': attackTheAdminOperations,
  pollution: attackWithPollution,
  requests: attackWithRequests,
  events: attackWithEvents,
  noise: attackWithNoise,
};

test.each(Object.keys(PARTS))('an attack with %s breaks nothing and learns nothing', (name) => {
  const { sent, complaints } = outcomes.get(name)!;

  expect(complaints.slice(0, 20)).toEqual([]);
  expect(sent).toBeGreaterThan(20);
});

test('an attack is thousands of requests, and none causes a fault in the log', () => {
  const sent = [...outcomes.values()].reduce((sum, outcome) => sum + outcome.sent, 0);

  expect(sent).toBeGreaterThan(5000);
  expect(failures).toEqual([]);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('the sale continues during an attack', async () => {
  const { bought, otherwise } = sold;

  expect(otherwise).toEqual([]);
  expect(bought).toBeGreaterThan(20);
  expect(await stockOf(server.shop, Number(saleId))).toMatchObject({ sold: bought, held: 0 });
});

test('after an attack every unit is accounted for, and other purchases are unchanged', async () => {
  const owned = await ask(server.url, HOLD_QUERY, { token: ownerToken });
  const reconciled = await ask(server.url, RECONCILE, {}, AS_ADMIN);

  expect(owned).toMatchObject({ order: { status: 'PAID' }, product: { name: 'Quiet Widget' } });
  expect(reconciled).toEqual({ balanced: true, findings: [] });
  for (const id of [saleId, ...Object.values(products)])
    expect(await findingsOf(server.shop, Number(id))).toEqual([]);
});

test('no log line of an attack and a sale contains a token or a secret', () => {
  const all = lines.join('\n');
  const hidden = [...secrets.slice(0, 2), ADMIN_TOKEN, WEBHOOK_SECRET, ...sold.signatures];

  expect(sold.signatures.length).toBeGreaterThan(20);
  expect(lines.length).toBeGreaterThan(20);
  expect(hidden.filter((secret) => all.includes(secret))).toEqual([]);
});

test('memory does not grow during an attack', () => {
  expect(heapAfterCollection() - heapBefore).toBeLessThan(HEAP_GROWTH_MAX);
});

const RECONCILE = 'mutation { reconcile { balanced findings } }';

/** The same document at both endpoints. Both must report the same errors. */
async function attackWithDocuments(): Promise<Outcome> {
  using sockets = openHostileSockets(server.socketUrl, 8);
  const pairs = await inParallel(
    hostileDocuments(),
    sockets.list.map((socket) => async ([what, query]: HostileDocument) => {
      const overHttp = { what: `${what}, by POST`, ...(await post(server.url, { query })) };
      const overSocket = { what: `${what}, by socket`, ...(await socket.subscribe({ query })) };
      return { overHttp, overSocket, unlike: differencesBetween(overHttp, overSocket) };
    }),
  );
  const { sent, complaints } = outcomeOf(
    pairs.flatMap(({ overHttp, overSocket }) => [overHttp, overSocket]),
  );
  return { sent, complaints: [...complaints, ...pairs.flatMap(({ unlike }) => unlike)] };
}

/** Every argument of every operation, with the token that the operation requires. */
async function attackWithValues(): Promise<Outcome> {
  using sockets = openHostileSockets(server.socketUrl, 8);
  const schema = buildShopSchema();
  const calls = hostileCalls(schema, products);
  const answers = await inParallel(
    calls,
    sockets.list.map((socket) => async ({ what, kind, query, variables }: HostileCall) => {
      if (kind === 'subscription')
        return { what, ...(await socket.subscribe({ query, variables })), isAdmin: false };
      const isAdmin = isAdminCall({ query });
      const headers = isAdmin ? AS_ADMIN : {};
      return { what, ...(await post(server.url, { query, variables }, headers)), isAdmin };
    }),
  );
  const [asAdmin, asAnyone] = [true, false].map((isAdmin) =>
    outcomeOf(
      answers.filter((answer) => answer.isAdmin === isAdmin),
      isAdmin,
    ),
  );
  const changed = await textsThatChanged(answers);
  return {
    sent: answers.length,
    complaints: [...asAdmin!.complaints, ...asAnyone!.complaints, ...changed],
  };
}

/** What was taken must be kept to the letter. */
async function textsThatChanged(
  answers: readonly (HostileAnswer & { readonly data?: unknown })[],
): Promise<string[]> {
  return answers.flatMap(({ what, data }) => {
    const product = (data as { createProduct?: { name: string } } | undefined)?.createProduct;
    const wanted = /^createProduct\(input\.name: (".{0,37}")\)$/.exec(what)?.[1];
    if (product == null || wanted === undefined) return [];
    return product.name === JSON.parse(wanted) ? [] : [`${what} is kept as ${product.name}`];
  });
}

/** Without the admin token there is no access: neither with a wrong token nor with a buyer's. */
async function attackTheAdminOperations(): Promise<Outcome> {
  const bearers = wrongBearers(ADMIN_TOKEN, [ownerToken, WEBHOOK_SECRET]);
  const calls = harmlessCalls(buildShopSchema(), products).filter(isAdminCall);
  const tries = calls.flatMap((call) => bearers.map((authorization) => ({ call, authorization })));
  const answers = await inParallel(
    tries,
    workers(8, async ({ call: { what, query, variables }, authorization }) => ({
      what: `${what} with ${authorization.slice(0, 30)}`,
      ...(await post(server.url, { query, variables }, { authorization })),
    })),
  );
  const { sent, complaints } = outcomeOf(answers);
  const letIn = answers
    .filter(({ errors }) => !errors.some(({ extensions: { code } }) => DENIALS.includes(code)))
    .map(({ what, text }) => `${what} was let in: ${text.slice(0, 80)}`);
  return { sent, complaints: [...complaints, ...letIn] };
}

const DENIALS = ['UNAUTHENTICATED', 'RATE_LIMITED'];

async function attackWithPollution(): Promise<Outcome> {
  const answers = await inParallel(
    pollutedBodies(products.toBuy),
    workers(4, async (body) => ({ what: body.slice(0, 80), ...(await post(server.url, body)) })),
  );
  return outcomeOf(answers);
}

async function attackWithRequests(): Promise<Outcome> {
  const answers = await inParallel(
    hostileRequests(),
    workers(8, async ([what, request]: HostileRequest): Promise<HostileAnswer> => {
      const headers = { ...uniqueAddress(), ...request.headers };
      const { status, text } = await sendRaw(server.url, { ...request, headers });
      return { what, status, text, errors: errorsIn(text) };
    }),
  );
  return outcomeOf(answers);
}

/** Signed ones, which get further than any other, and unsigned ones, which get nowhere. */
async function attackWithEvents(): Promise<Outcome> {
  const answers = await inParallel(
    hostileEvents('01a205f5-51be-76e1-8c91-9237b105f7ee'),
    workers(8, async (event: string) => {
      const signed = await deliver(server.url, event, { secret: WEBHOOK_SECRET });
      const unsigned = await sendRaw(server.url, {
        path: WEBHOOK,
        headers: {
          'content-type': 'application/json',
          'webhook-signature': `v1,${encodeURIComponent(event.slice(1, 30))}`,
        },
        body: event,
      });
      return { event, signed, unsigned };
    }),
  );
  const answered = answers.flatMap(({ event, signed, unsigned }): HostileAnswer[] => [
    { what: `the event ${event.slice(0, 200)}`, ...signed, errors: [] },
    { what: `the unsigned event ${event.slice(0, 200)}`, ...unsigned, errors: [] },
  ]);
  const { sent, complaints } = outcomeOf(answered);
  const taken = answers.filter(({ unsigned }) => unsigned.status !== 401);
  // 503: all are for one order, whose lock can time out on a busy machine.
  const odd = answers.filter(({ signed }) => ![200, 202, 400, 422, 503].includes(signed.status));
  return {
    sent,
    complaints: [
      ...complaints,
      ...taken.map(({ event }) => `taken without a signature: ${event}`),
      ...odd.map(({ event, signed }) => `${signed.status} for ${event.slice(0, 200)}`),
    ],
  };
}

/** An invalid message closes the socket with a code of the protocol, or gets an answer. */
async function attackWithNoise(): Promise<Outcome> {
  using sockets = openHostileSockets(server.socketUrl, 8);
  const answers = await inParallel(
    SOCKET_NOISE,
    sockets.list.map((socket) => async (message: string | Buffer) => ({
      what: `the message ${message.toString().slice(0, 60)}`,
      ...(await socket.send(message)),
    })),
  );
  return outcomeOf(answers);
}

/** The errors of a GraphQL body. */
function errorsIn(text: string): readonly ApiError[] {
  try {
    return (JSON.parse(text) as { errors?: readonly ApiError[] }).errors ?? [];
  } catch {
    return [];
  }
}

/** How often honest buyers bought, and the other answers they received. */
interface Sold {
  readonly bought: number;
  /** What of each token opens its hold. */
  readonly signatures: readonly string[];
  readonly otherwise: readonly unknown[];
}

/** Honest buyers who hold, order and pay repeatedly until they are stopped. */
function startSale(buyers: number) {
  const { url } = server;
  const otherwise: unknown[] = [];
  const signatures: string[] = [];
  let bought = 0;
  let isOver = false;
  const buy = async (): Promise<void> => {
    const held = await ask(url, CREATE_HOLD, { input: { productId: saleId } });
    if (held.__typename !== 'Hold') return void otherwise.push(held);
    signatures.push(held.token.split('.')[1]);
    const ordered = await ask(url, CREATE_ORDER, { token: held.token });
    if (ordered.__typename !== 'Order') return void otherwise.push(ordered);
    const paid = await deliver(url, success(held.orderId), { secret: WEBHOOK_SECRET });
    if (paid.body.order_status === 'paid') bought += 1;
    else otherwise.push(paid.body);
  };
  const buying = Array.from({ length: buyers }, async () => {
    while (!isOver) await buy();
  });
  return {
    async stop(): Promise<Sold> {
      isOver = true;
      await Promise.all(buying);
      return { bought, signatures, otherwise };
    },
  };
}

/** Bytes on the heap that something still holds. */
function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}
