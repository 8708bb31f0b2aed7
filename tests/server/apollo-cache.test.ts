import { isDeepStrictEqual } from 'node:util';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import { newestProductsLink } from '../../docs/examples/apollo-client/newest-products.ts';
import { AS_ADMIN, ask, CREATE_HOLD } from '../support/graphql-client.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, moveClock, until } from '../support/shop.ts';

const PRODUCT = gql`
  fragment P on Product {
    id
    name
    price {
      amount
    }
    maxPerHold
    saleStatus
    saleEndsAt
    stockVersion
    availableStock
    heldStock
    updatedAt
  }
`;
const QUERY = gql`
  query ($id: ID!) {
    product(id: $id) {
      ...P
    }
  }
  ${PRODUCT}
`;
const STREAM = gql`
  subscription ($ids: [ID!]!) {
    stockChanged(productIds: $ids) {
      ...P
    }
  }
  ${PRODUCT}
`;
const UPDATE = `mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { __typename } }`;

interface Shown {
  readonly name: string;
  readonly saleStatus: string;
  readonly stockVersion: number;
  readonly updatedAt: string;
}

let one: TestServer;
let two: TestServer;

beforeAll(async () => {
  one = await startTestServer();
  two = await startTestServer({ DATABASE_URL: one.databaseUrl });
});

afterEach(() => moveClock(one.database, 0));

afterAll(async () => {
  await two.stop();
  await one.stop();
});

/**
 * A page with a normalised cache: it queries one server and follows the other. An answer can be
 * kept back, so that pushes overtake it.
 */
function openPage(queried: TestServer, followed: TestServer, first: ApolloLink) {
  const keptBack: (() => void)[] = [];
  let keepsBack = false;
  const slowFetch: typeof fetch = async (...request) => {
    const answer = await fetch(...request);
    const text = await answer.text();
    if (keepsBack) await new Promise<void>((resolve) => keptBack.push(resolve));
    return new Response(text, { status: answer.status, headers: answer.headers });
  };
  const socket: Client = createClient({ url: followed.socketUrl, webSocketImpl: WebSocket });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    queryDeduplication: false,
    link: ApolloLink.from([
      first,
      ApolloLink.split(
        ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
        new GraphQLWsLink(socket),
        new HttpLink({ uri: `${queried.url}/graphql`, fetch: slowFetch }),
      ),
    ]),
  });
  const cached = (id: string) =>
    client.cache.readFragment<Shown>({ id: `Product:${id}`, fragment: PRODUCT });
  return {
    cached,
    query: (id: string) =>
      client.query({ query: QUERY, variables: { id }, fetchPolicy: 'network-only' }),
    /** How many answers are kept back. */
    keptBack: () => keptBack.length,
    keepBack: () => void (keepsBack = true),
    release() {
      keepsBack = false;
      for (const resolve of keptBack.splice(0)) resolve();
    },
    async follow(id: string) {
      client.subscribe({ query: STREAM, variables: { ids: [id] } }).subscribe({});
      await until('the current state', () => cached(id));
    },
    async [Symbol.asyncDispose]() {
      client.stop();
      await socket.dispose();
    },
  };
}

const lastWritten = () => new ApolloLink((operation, forward) => forward(operation));

const update = (server: TestServer, input: object) => ask(server.url, UPDATE, { input }, AS_ADMIN);

const hold = (server: TestServer, productId: string) =>
  ask(server.url, CREATE_HOLD, { input: { productId } });

/** What a server answers: the truth within a second of another server's change. */
async function truthOf(id: string): Promise<object> {
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: new HttpLink({ uri: `${one.url}/graphql` }),
  });
  await client.query({ query: QUERY, variables: { id } });
  return client.cache.readFragment<object>({ id: `Product:${id}`, fragment: PRODUCT })!;
}

type Act = (id: string) => Promise<unknown>;

const CHANGES: [string, Act, Partial<Shown>][] = [
  ['a change of stock', (id) => hold(two, id), { stockVersion: 2 }],
  ['a change of name', (id) => update(two, { id, name: 'Renamed' }), { name: 'Renamed' }],
  [
    'a change of both',
    (id) => Promise.all([hold(one, id), update(two, { id, name: 'Renamed' })]),
    { name: 'Renamed', stockVersion: 2 },
  ],
  ['the end of the sale', () => moveClock(one.database, 7200_000), { saleStatus: 'ENDED' }],
];

/** The page's answer is read before the change, and arrives after the push of the change. */
async function overtake(change: Act, shown: Partial<Shown>, first: ApolloLink) {
  const saleEndsAt = new Date(Date.now() + 3600_000);
  const id = String(await makeProduct(one.shop, { saleEndsAt }));
  await using page = openPage(one, two, first);
  await page.follow(id);
  page.keepBack();
  const answered = page.query(id);
  await until('the answer', () => page.keptBack() === 1);

  await change(id);
  await until('the push', () => {
    const product = page.cached(id)!;
    return Object.entries(shown).every(([field, value]) => product[field as keyof Shown] === value);
  });
  page.release();
  await answered;
  return { id, cached: page.cached(id)! };
}

test.each(CHANGES)(
  'an answer older than the push of %s does not replace it in the cache',
  async (_what, change, shown) => {
    const { id, cached } = await overtake(change, shown, newestProductsLink());

    expect(cached).toMatchObject(shown);
    await until('the truth', async () => isDeepStrictEqual(cached, await truthOf(id)));
  },
);

test.each(CHANGES)(
  'without the comparison, an answer older than the push of %s replaces it',
  async (_what, change, shown) => {
    const { cached } = await overtake(change, shown, lastWritten());

    expect(cached).not.toMatchObject(shown);
  },
);

test('for any order of arrival from two servers, two caches end on the current state', async () => {
  const id = String(await makeProduct(one.shop, { totalStock: 500 }));
  await using here = openPage(one, two, newestProductsLink());
  await using there = openPage(two, one, newestProductsLink());
  await Promise.all([here.follow(id), there.follow(id)]);
  const answers: Promise<unknown>[] = [];

  for (let round = 1; round <= 20; round += 1) {
    // In every other round the answers of the last one arrive after newer pushes.
    for (const page of [here, there]) {
      if (round % 2 === 0) page.release();
      else page.keepBack();
      answers.push(page.query(id));
    }
    await Promise.all([
      update(round % 3 === 0 ? one : two, { id, name: `Round ${round}`, maxPerHold: round }),
      hold(one, id),
      hold(two, id),
    ]);
  }
  for (const page of [here, there]) page.release();
  await Promise.all(answers);
  await until('both caches to show the truth', async () => {
    const truth = await truthOf(id);
    return [here, there].every((page) => isDeepStrictEqual(page.cached(id), truth));
  });

  expect(here.cached(id)).toMatchObject({ name: 'Round 20', stockVersion: 41 });
});
