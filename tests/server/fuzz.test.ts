import { getOperationAST, Kind, parse } from 'graphql';
import { z } from 'zod';
import { buildShopSchema } from '../../src/server/graphql/schema/schema.ts';
import { silentLog, type Logger } from '../../src/lib/log.ts';
import { fuzzRequests, type FuzzRequest } from '../support/fuzz-requests.ts';
import { knownWords, learn, type KnownWords } from '../support/fuzz-words.ts';
import { AS_ADMIN, ask, CREATE_HOLD } from '../support/graphql-client.ts';
import {
  PRODUCTION_SETTINGS,
  complaintsOf,
  inParallel,
  differencesBetween,
  openHostileSockets,
  post,
  type HostileAnswer,
} from '../support/hostile-endpoints.ts';
import { makePayingBuyer, type PayingBuyer } from '../support/paying-buyer.ts';
import { ADMIN_TOKEN, startTestServer, type TestServer } from '../support/server.ts';
import { findingsOf, makeProduct, until } from '../support/shop.ts';

/**
 * Requests written at random from the schema, right ones and broken ones, each sent to both endpoints
 * of one server: every answer is one of the contract.
 */

/** How many, and which: FUZZ_DOCUMENTS=100000 FUZZ_SEED=3 for a long run by hand. */
const DOCUMENTS = Number(process.env['FUZZ_DOCUMENTS'] ?? 2000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 2);

const FUZZ_MS = 240_000 + DOCUMENTS * 30;

/** Requests sent over the same sockets. A socket has one address, whose failed tokens are counted. */
const BATCH = 400;

const WEBHOOK_SECRET = `whsec_${Buffer.from('a webhook secret of this test only').toString('base64')}`;

const schema = buildShopSchema();
const failures: object[] = [];
const log: Logger = { ...silentLog, error: (facts) => void failures.push(facts) };

let server: TestServer;
let products: readonly number[];
let payer: PayingBuyer;
const complaints: string[] = [];
/** How often each operation of the schema was answered with something. */
const reached = new Map<string, number>();

beforeAll(async () => {
  server = await startTestServer({
    log,
    ...PRODUCTION_SETTINGS,
    PAYMENT_WEBHOOK_SECRETS: WEBHOOK_SECRET,
  });
  products = [
    await makeProduct(server.shop, { totalStock: 1_000_000 }),
    await makeProduct(server.shop, { totalStock: 5, price: '1500', currency: 'JPY' }),
    await makeProduct(server.shop, { totalStock: 1000, maxPerCustomer: 2 }),
  ];
  const bought = { productId: String(products[0]), secret: WEBHOOK_SECRET };
  payer = await makePayingBuyer(server.url, bought);
  await fuzz(await knownWords(server.url, bought));
}, FUZZ_MS);

afterAll(() => server.stop());

test('random requests get answers of the contract, the same ones over HTTP and websocket', () => {
  // The shortest first: it shows the fault most clearly.
  expect(complaints.toSorted((one, other) => one.length - other.length).slice(0, 10)).toEqual([]);
  expect(failures.slice(0, 10)).toEqual([]);
});

test('random requests reach every operation of the schema, and many succeed', () => {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const operations = roots.flatMap((root) => Object.keys(root!.getFields()));
  const served = [...reached.values()].reduce((sum, times) => sum + times, 0);

  expect(operations.filter((name) => !reached.has(name))).toEqual([]);
  expect(served).toBeGreaterThan(DOCUMENTS / 4);
});

test('after random requests no stream is left, every unit is accounted for and a hold succeeds', async () => {
  const { url, shop } = server;
  await until('the last stream to end', async () =>
    /^flashsale_subscribers 0$/m.test(await (await fetch(`${url}/metrics`)).text()),
  );
  const reconciled = await ask(url, 'mutation { reconcile { balanced findings } }', {}, AS_ADMIN);
  const held = await ask(url, CREATE_HOLD, {
    input: { productId: String(await makeProduct(shop)) },
  });

  expect(reconciled).toEqual({ balanced: true, findings: [] });
  for (const id of products) expect(await findingsOf(shop, id)).toEqual([]);
  expect(held).toMatchObject({ __typename: 'Hold', status: 'ACTIVE' });
});

/** Sends all of them, each by POST and by socket, and keeps what is wrong with the answers. */
async function fuzz(words: KnownWords): Promise<void> {
  const requests = fuzzRequests(schema, words, SEED);
  for (let left = DOCUMENTS; left > 0; left -= BATCH) {
    using sockets = openHostileSockets(server.socketUrl, 8);
    const batch = Array.from({ length: Math.min(left, BATCH) }, () => requests.next().value);
    await inParallel(
      batch,
      sockets.list.map((socket) => async (request: FuzzRequest) => {
        const { isAdmin, ...payload } = request;
        const headers = isAdmin ? AS_ADMIN : {};
        const what = `seed ${SEED}: ${JSON.stringify(payload)}${isAdmin ? ' as the admin' : ''}`;
        const overHttp = await received(`${what} by POST`, post(server.url, payload, headers));
        const overSocket = await received(`${what} by socket`, socket.subscribe(payload));
        complaints.push(
          ...complaintsAbout(overHttp, { status: statusFor(overHttp), isAdmin }),
          ...complaintsAbout(overSocket, { status: 200, isAdmin: false }),
          ...differencesBetween(overHttp, overSocket),
        );
        for (const { data } of [overHttp, overSocket]) if (data) count(request, data);
        learn(words, overHttp.text);
      }),
    );
  }
}

/** An answer, or that there was none that can be read. */
const received = (
  what: string,
  answering: Promise<Omit<HostileAnswer, 'what'>>,
): Promise<HostileAnswer> =>
  answering.then(
    (answer) => ({ what, ...answer }),
    (error: unknown) => ({ what, status: 0, text: String(error), errors: [] }),
  );

/** What is wrong with an answer, in sentences that name its request. */
function complaintsAbout(
  answer: HostileAnswer,
  wanted: { readonly status: number; readonly isAdmin: boolean },
): string[] {
  const { what, status, text } = answer;
  const { signature, idempotencyKey, customerId, paymentId } = payer;
  const secrets = [signature, idempotencyKey, ADMIN_TOKEN];
  return [
    ...complaintsOf(answer, wanted.isAdmin ? secrets : [...secrets, customerId, paymentId]),
    ...(isWellFormed(text) ? [] : [`${what}: not as GraphQL has it, ${text.slice(0, 400)}`]),
    ...(status === wanted.status ? [] : [`${what}: ${status} for ${text.slice(0, 400)}`]),
  ];
}

/** The HTTP status that the contract has for such an answer. */
function statusFor({ errors, data }: HostileAnswer): number {
  const has = (code: string): boolean => errors.some(({ extensions }) => extensions.code === code);
  if (has('OVERLOADED')) return 503;
  if (has('RATE_LIMITED')) return 429;
  return data === undefined ? 400 : 200;
}

const POSITION = z.strictObject({ line: z.int().positive(), column: z.int().positive() });

const ERRORS = z
  .array(
    z.strictObject({
      message: z.string().min(1),
      locations: z.array(POSITION).optional(),
      path: z.array(z.union([z.string(), z.int()])).optional(),
      extensions: z.looseObject({ code: z.string() }),
    }),
  )
  .min(1);

const DATA = z.record(z.string(), z.unknown());

/** The answer to a POST, or the first message of a subscription. */
const ANSWER = z.union([
  z.strictObject({ data: DATA, errors: ERRORS.optional() }),
  z.strictObject({ data: z.null().optional(), errors: ERRORS }),
  ERRORS,
  z.literal('complete'),
]);

function isWellFormed(text: string): boolean {
  try {
    return ANSWER.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

/** Counts the operations that were answered with something. */
function count(
  { query, operationName }: FuzzRequest,
  data: Readonly<Record<string, unknown>>,
): void {
  const operation = getOperationAST(parse(query), operationName);
  for (const selection of operation?.selectionSet.selections ?? []) {
    if (selection.kind !== Kind.FIELD) continue;
    const { name, alias = name } = selection;
    if (data[alias.value] != null) reached.set(name.value, (reached.get(name.value) ?? 0) + 1);
  }
}
