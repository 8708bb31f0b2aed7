import fc from 'fast-check';
import {
  ask,
  CANCEL_ORDER,
  CREATE_HOLD,
  CREATE_ORDER,
  RELEASE_HOLD,
} from '../support/graphql-client.ts';
import {
  PRODUCTION_SETTINGS,
  codesOf,
  workers,
  inParallel,
  post,
  HostileSocket,
} from '../support/hostile-endpoints.ts';
import { BASE64URL, forgedTokens, type IssuedToken } from '../support/forged-tokens.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct } from '../support/shop.ts';

/**
 * Guessed tokens, and slightly changed tokens: none gives access to a hold, an order or a stream, and
 * none has an effect.
 */

const HOLDS = 4;
const GUESSING_MS = 120_000;

let server: TestServer;
let genuine: readonly IssuedToken[];

beforeAll(async () => {
  server = await startTestServer(PRODUCTION_SETTINGS);
  const productId = String(await makeProduct(server.shop));
  genuine = await Promise.all(
    Array.from({ length: HOLDS }, async (_, place) => {
      const { token, id, orderId } = await ask(server.url, CREATE_HOLD, { input: { productId } });
      // One of them was ordered already, so that there is an order to guess at.
      if (place === 0) await ask(server.url, CREATE_ORDER, { token });
      return { token, holdId: id, orderId };
    }),
  );
});

afterEach(async () => {
  const [counts] = await server.database.rows<{ active: number; orders: number }>(
    `select (select count(*)::int from holds where status = 'ACTIVE') as active,
      (select count(*)::int from orders where status = 'PENDING') as orders`,
    [],
  );
  expect(counts).toEqual({ active: HOLDS - 1, orders: 1 });
});

afterAll(() => server.stop());

/** Five at a time, as many as one query may ask of holds and orders. */
const LOOK = `query (${[0, 1, 2, 3, 4].map((n) => `$t${n}: String!`).join(' ')}) {
  ${[0, 1, 2, 3, 4].map((n) => `h${n}: hold(token: $t${n}) { id token } o${n}: order(holdToken: $t${n}) { id }`).join(' ')} }`;

/** The tokens of these that opened a hold or an order. */
async function thatShow(tokens: readonly string[]): Promise<string[]> {
  const fives = Array.from({ length: Math.ceil(tokens.length / 5) }, (_, place) =>
    tokens.slice(place * 5, place * 5 + 5),
  );
  const shown = await inParallel(
    fives,
    workers(8, async (five: string[]) => {
      const variables = Object.fromEntries([0, 1, 2, 3, 4].map((n) => [`t${n}`, five[n] ?? 'x']));
      const { data } = await post(server.url, { query: LOOK, variables });
      return five.filter((_, n) => data?.[`h${n}`] != null || data?.[`o${n}`] != null);
    }),
  );
  return shown.flat();
}

/** The tokens of these that an act took for right. */
async function thatAct(tokens: readonly string[]): Promise<string[]> {
  const tries = tokens.flatMap((token) =>
    [RELEASE_HOLD, CREATE_ORDER, CANCEL_ORDER].map((query) => ({ token, query })),
  );
  const acted = await inParallel(
    tries,
    workers(8, async ({ token, query }) => {
      const { data, errors } = await post(server.url, { query, variables: { token } });
      const answer = Object.values((data ?? {}) as Record<string, { code?: string } | null>)[0];
      const isRefused =
        codesOf({ errors }).length > 0 || /^(HOLD|ORDER)_NOT_FOUND$/.test(answer?.code ?? '');
      return isRefused ? [] : [token];
    }),
  );
  return acted.flat();
}

const STREAMS = [
  'subscription ($token: String!) { holdChanged(token: $token) { id token } }',
  'subscription ($token: String!) { orderChanged(holdToken: $token) { id } }',
];

/** The tokens of these that opened a stream. */
async function thatStream(tokens: readonly string[]): Promise<string[]> {
  const sockets = Array.from({ length: 8 }, () => new HostileSocket(server.socketUrl));
  const tries = tokens.flatMap((token) => STREAMS.map((query) => ({ token, query })));
  const opened = await inParallel(
    tries,
    sockets.map((socket) => async ({ token, query }: { token: string; query: string }) => {
      const { errors } = await socket.subscribe({ query, variables: { token } });
      return errors.length > 0 ? [] : [token];
    }),
  );
  for (const socket of sockets) socket[Symbol.dispose]();
  return opened.flat();
}

const everyTenth = (tokens: readonly string[]): string[] =>
  tokens.filter((_, place) => place % 10 === 0);

test('the right token gives access', async () => {
  expect(await thatShow(genuine.map(({ token }) => token))).toHaveLength(HOLDS);
  expect(await thatStream([genuine[0]!.token])).toHaveLength(2);
});

test(
  '10,000 random tokens match no hold',
  async () => {
    const letters = fc.constantFrom(...BASE64URL.split(''));
    const signature = fc.string({ unit: letters, minLength: 43, maxLength: 43 });
    const holdId = fc.oneof(
      fc.uuid({ version: 7 }),
      fc.constantFrom(...genuine.map((one) => one.holdId)),
    );
    const tokens = fc
      .sample(fc.tuple(holdId, signature), { seed: 20261127, numRuns: 10_000 })
      .map((parts) => parts.join('.'));

    expect(await thatShow(tokens)).toEqual([]);
    expect(await thatAct(everyTenth(tokens))).toEqual([]);
    expect(await thatStream(everyTenth(tokens))).toEqual([]);
  },
  GUESSING_MS,
);

test(
  'more than 1,000 nearly correct tokens match no hold',
  async () => {
    const tokens = forgedTokens(genuine);

    expect(tokens.length).toBeGreaterThan(1000);
    expect(await thatShow(tokens)).toEqual([]);
    expect(await thatAct(tokens)).toEqual([]);
    expect(await thatStream(tokens)).toEqual([]);
  },
  GUESSING_MS,
);
