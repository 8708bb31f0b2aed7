import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import fc from 'fast-check';
import { GraphQLError, parse, subscribe, type ExecutionResult, type GraphQLSchema } from 'graphql';
import { Context, type Caller } from '../../src/server/graphql/context.ts';
import { BUDGET, Documents } from '../../src/server/graphql/http/documents.ts';
import { formatError, formatErrors } from '../../src/server/graphql/errors.ts';
import { RateLimits } from '../../src/server/http/rate-limits.ts';
import { noopMetrics } from '../../src/server/metrics/meters.ts';
import { buildShopSchema } from '../../src/server/graphql/schema/schema.ts';
import { openGraphqlSocket, type GraphqlSocket } from '../../src/server/graphql/ws/socket.ts';
import { documentErrors } from '../../src/server/graphql/http/limits.ts';
import { WorkBudget } from '../../src/server/graphql/http/work-budget.ts';
import { silentLog } from '../../src/lib/log.ts';
import type { LiveShop } from '../../src/live/live-shop.ts';
import { LiveProducts } from '../../src/live/live-products.ts';
import { hold } from '../support/buyer.ts';
import { createTestDatabase, makeProduct, openTestShop, stockOf, until } from '../support/shop.ts';
import { openRawSocket, type RawSocket } from '../support/socket-client.ts';

const ANYONE: Caller = { requestId: 'the request', address: '', isAdmin: false };
const limits = new RateLimits(undefined, noopMetrics);

let close: () => Promise<void>;
let shop: LiveShop;
let schema: GraphQLSchema;
let url: string;

/** How often the name of a product was resolved: once in each execution that asks for it. */
let executions = 0;

/** A websocket endpoint of its own, on a schema in which some fields fail. */
function openEndpoint(): { readonly endpoint: GraphqlSocket; readonly server: Server } {
  const endpoint = openGraphqlSocket({
    schema,
    callerOf: ({ headers }) => ({ ...ANYONE, isAdmin: headers.origin === 'http://admin' }),
    contextOf: (caller) => new Context(shop, { caller, limits, isStream: true }),
    isAllowedOrigin: () => true,
    socketsMax: 100,
    introspection: true,
    // Hundreds of new documents at once are not what is tested here.
    documents: new Documents({
      schema,
      introspection: true,
      budget: new WorkBudget({ ...BUDGET, share: 1e9, busyShare: 1e9 }),
    }),
    log: silentLog,
  });
  const server = createServer().on('upgrade', (...upgrade) => endpoint.upgrade(...upgrade));
  return { endpoint, server };
}

beforeAll(async () => {
  const database = await createTestDatabase();
  const opened = await openTestShop(database.url);
  ({ shop } = opened);
  schema = buildShopSchema();
  const fields = (schema.getType('Product') as ReturnType<
    GraphQLSchema['getQueryType']
  >)!.getFields();
  fields['description']!.resolve = () => {
    throw new GraphQLError('No words for it.', { extensions: { code: 'BAD_USER_INPUT' } });
  };
  fields['saleEndsAt']!.resolve = () => Promise.reject(new Error('a bug'));
  fields['heldStock']!.resolve = () => Promise.reject(new Error('a bug where null may not be'));
  fields['name']!.resolve = ({ name }: { name: string }) => {
    executions += 1;
    return name;
  };
  const { endpoint, server } = openEndpoint();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  close = async () => {
    await endpoint.stop();
    await new Promise((resolve) => server.close(resolve));
    await opened[Symbol.asyncDispose]();
    await database.drop();
  };
});

afterEach(() => until('the feed to be alone', () => shop.stockFeed.watched().length === 0));

afterAll(() => close());

/** What plain graphql-js makes of a subscription, as the payloads of its messages. */
async function plainly(query: string, variables: Record<string, unknown>) {
  const stream = (await subscribe({
    schema,
    document: parse(query),
    variableValues: variables,
    contextValue: new Context(shop, { caller: ANYONE, limits, isStream: true }),
  })) as AsyncGenerator<ExecutionResult>;
  return {
    async next(): Promise<string> {
      const { errors, ...rest } = (await stream.next()).value as ExecutionResult;
      const formatted =
        errors && formatErrors(errors, ANYONE, { format: formatError, log: silentLog });
      return JSON.stringify({ ...(formatted && { errors: formatted }), ...rest });
    },
    stop: () => stream.return(undefined),
  };
}

type Part =
  | { readonly field: string; readonly isRenamed: boolean; readonly condition: string }
  | { readonly on: string; readonly condition: string; readonly parts: readonly Part[] }
  | { readonly spread: readonly Part[] };

const FIELDS = [
  'id',
  'name',
  'description',
  'price { amount currency }',
  'price { __typename ... on Money { amount } }',
  'totalStock',
  'availableStock',
  'heldStock',
  'soldStock',
  'stockStatus',
  'stockVersion',
  'saleStatus',
  'saleStartsAt',
  'saleEndsAt',
  'maxPerHold',
  'maxPerCustomer',
  'createdAt',
  'updatedAt',
  '__typename',
];

const condition = fc.constantFrom(
  '',
  '',
  '@include(if: $yes)',
  '@skip(if: $yes)',
  '@include(if: $no)',
  '@skip(if: $no)',
);
const { parts } = fc.letrec<{ part: Part; parts: Part[] }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    {
      weight: 6,
      arbitrary: fc.record({
        field: fc.constantFrom(...FIELDS),
        isRenamed: fc.boolean(),
        condition,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        on: fc.constantFrom('', 'on Product'),
        condition,
        parts: tie('parts'),
      }),
    },
    { weight: 1, arbitrary: fc.record({ spread: tie('parts') }) },
  ),
  parts: fc.array(tie('part'), { minLength: 1, maxLength: 6 }),
}));

/** The document of a selection: within the limits of the endpoint, with its fragments at the end. */
function documentOf(selection: readonly Part[]): string {
  const fragments: string[] = [];
  // Every document has these.
  let aliases = 3;
  let conditions = 2;
  const conditional = (text: string): string => (text && (conditions += 1) <= 20 ? ` ${text}` : '');
  const print = (all: readonly Part[]): string => all.map(printOne).join(' ');
  const printOne = (part: Part): string => {
    if ('spread' in part) {
      const body = print(part.spread);
      fragments.push(`fragment F${fragments.length} on Product { ${body} }`);
      return `...F${fragments.length - 1}`;
    }
    if ('parts' in part)
      return `... ${part.on}${conditional(part.condition)} { ${print(part.parts)} }`;
    const [name, ...sub] = part.field.split(' ');
    const alias = part.isRenamed && (aliases += 1) <= 15 ? `a${aliases}: ` : '';
    return `${alias}${name}${conditional(part.condition)} ${sub.join(' ')}`;
  };
  const body = print(selection);
  return `subscription Watch($ids: [ID!]!, $yes: Boolean!, $no: Boolean!) {
    watched: stockChanged(productIds: $ids) {
      yes: __typename @include(if: $yes) no: __typename @skip(if: $no) ${body} } }
    ${fragments.join('\n')}`;
}

const subscribeTo = (socket: RawSocket, id: string, query: string, variables: object): void =>
  socket.send({ type: 'subscribe', id, payload: { query, variables } });

const textsOf = (socket: RawSocket, id: string): string[] =>
  socket.texts.filter((text) => text.startsWith(`{"id":${JSON.stringify(id)},`));

/** Subscribes with each document on two sockets and plainly; returns the messages of each. */
async function compare(productId: number, documents: readonly string[]) {
  const variables = { ids: [String(productId)], yes: true, no: false };
  using one = await openRawSocket(url, { init: true });
  using other = await openRawSocket(url, { init: true });
  const plain = await Promise.all(documents.map((query) => plainly(query, variables)));
  const places = documents.flatMap((query, position) =>
    [one, other].map((socket) => ({ query, socket, id: `"${position}" ü`, position })),
  );

  for (const { socket, id, query } of places) subscribeTo(socket, id, query, variables);
  const first = await Promise.all(plain.map((stream) => stream.next()));
  for (const { socket, id } of places)
    await until('the first state', () => textsOf(socket, id).length === 1);
  await hold(shop, productId);
  const second = await Promise.all(plain.map((stream) => stream.next()));
  for (const { socket, id } of places)
    await until('the change', () => textsOf(socket, id).length === 2);

  await Promise.all(plain.map((stream) => stream.stop()));
  return places.map(({ socket, id, position }) => ({
    received: textsOf(socket, id),
    expected: [first[position]!, second[position]!].map(
      (payload) => `{"id":${JSON.stringify(id)},"type":"next","payload":${payload}}`,
    ),
  }));
}

test('for 100 random selections the shared text equals an execution for one subscriber', async () => {
  const productId = await makeProduct(shop, { description: 'Ünïcode "quoted"' });
  const documents = fc
    .sample(parts, { numRuns: 150, seed: 20 })
    .map(documentOf)
    .filter((query) => documentErrors(schema, parse(query), { introspection: true }).length === 0)
    .slice(0, 100);
  const seen: string[] = [];

  // As many at a time as a socket carries.
  for (let position = 0; position < documents.length; position += 20) {
    const compared = await compare(productId, documents.slice(position, position + 20));
    for (const { received, expected } of compared) expect(received).toEqual(expected);
    seen.push(...compared.flatMap(({ received }) => received));
  }

  expect(seen).toHaveLength(400);
  for (const part of ['"errors":', '"data":null', 'INTERNAL_SERVER_ERROR', 'No words for it.'])
    expect(seen.join()).toContain(part);
}, 60_000);

describe('subscribers with the same document', () => {
  const QUERY =
    'subscription ($ids: [ID!]!) { stockChanged(productIds: $ids) { name stockVersion } }';
  const reads = jest.spyOn(LiveProducts.prototype, 'read');

  beforeEach(() => {
    executions = 0;
    reads.mockClear();
  });

  afterAll(() => reads.mockRestore());

  test('500 subscribers take one execution for each event, and few reads', async () => {
    const productId = await makeProduct(shop);
    const variables = { ids: [String(productId)] };
    const sockets = await Promise.all(
      Array.from({ length: 50 }, () => openRawSocket(url, { init: true })),
    );
    const arrived = (): number => sockets.reduce((sum, { texts }) => sum + texts.length - 1, 0);
    for (const socket of sockets)
      for (let id = 0; id < 10; id += 1) subscribeTo(socket, String(id), QUERY, variables);
    await until('500 states', () => arrived() === 500);
    const [executionsToBegin, readsToBegin] = [executions, reads.mock.calls.length];

    await hold(shop, productId);
    await until('500 changes', () => arrived() === 1000);

    expect(executions).toBe(executionsToBegin + 1);
    expect(reads.mock.calls.length).toBe(readsToBegin);
    expect(executionsToBegin).toBeLessThan(100);
    for (const socket of sockets) socket[Symbol.dispose]();
  });

  test.each([
    [
      'another order of the variables’ names',
      { a: 1, b: [{ c: 2, d: 3 }] },
      { b: [{ d: 3, c: 2 }], a: 1 },
      {},
      1,
    ],
    ['other variables', { a: 1 }, { a: 2 }, {}, 2],
    ['other rights', {}, {}, { origin: 'http://admin' }, 2],
  ])('%s', async (_what, one, other, options, executionsOfAnEvent) => {
    const productId = await makeProduct(shop);
    using first = await openRawSocket(url, { init: true });
    using second = await openRawSocket(url, { init: true, ...options });
    subscribeTo(first, '1', QUERY, { ids: [String(productId)], ...one });
    await first.waitFor('next');
    subscribeTo(second, '1', QUERY, { ...other, ids: [String(productId)] });
    await second.waitFor('next');
    executions = 0;

    await hold(shop, productId);
    for (const socket of [first, second])
      await until('the change', () => textsOf(socket, '1').length === 2);

    expect(executions).toBe(executionsOfAnEvent);
  });

  test('another operation of the same document is executed separately', async () => {
    const productId = String(await makeProduct(shop));
    const both = `subscription A($ids: [ID!]!) { stockChanged(productIds: $ids) { name } }
      subscription B($ids: [ID!]!) { stockChanged(productIds: $ids) { stockVersion } }`;
    using first = await openRawSocket(url, { init: true });
    using second = await openRawSocket(url, { init: true });
    const subscribe = (socket: RawSocket, operationName: string) => {
      const payload = { query: both, operationName, variables: { ids: [productId] } };
      socket.send({ type: 'subscribe', id: '1', payload });
      return socket.waitFor('next');
    };

    const received = [await subscribe(first, 'A'), await subscribe(second, 'B')];

    expect(received.map(({ payload }) => payload)).toMatchObject([
      { data: { stockChanged: { name: 'Test Widget' } } },
      { data: { stockChanged: { stockVersion: 1 } } },
    ]);
  });

  test('a late subscriber gets the current state, even without a notification', async () => {
    const productId = await makeProduct(shop);
    using early = await openRawSocket(url, { init: true });
    using late = await openRawSocket(url, { init: true });
    subscribeTo(early, '1', QUERY, { ids: [String(productId)] });
    await early.waitFor('next');

    await shop.database.rows(
      'update stock_levels set version = 9, held = held + 1, available = available - 1 where product_id = $1',
      [productId],
    );
    subscribeTo(late, '1', QUERY, { ids: [String(productId)] });
    await until('the state', () => textsOf(late, '1').length === 1);
    await until('the same for who was there', () => textsOf(early, '1').length === 2);

    expect((await stockOf(shop, productId)).version).toBe(9);
    expect(textsOf(late, '1')[0]).toContain('"stockVersion":9');
    expect(textsOf(early, '1')[1]).toBe(textsOf(late, '1')[0]);
  });

  test('a subscriber that arrives while another one’s stream fails to open gets its own answer', async () => {
    const variables = { ids: ['2000000000'] };
    using one = await openRawSocket(url, { init: true });
    using other = await openRawSocket(url, { init: true });

    for (const socket of [one, other]) subscribeTo(socket, '1', QUERY, variables);
    for (const socket of [one, other]) await socket.waitFor('complete');

    for (const socket of [one, other])
      expect(textsOf(socket, '1')).toEqual([
        '{"id":"1","type":"next","payload":{"errors":[{"message":"No product has the id \\"2000000000\\".","locations":[{"line":1,"column":31}],"path":["stockChanged"],"extensions":{"code":"BAD_USER_INPUT"}}]}}',
        '{"id":"1","type":"complete"}',
      ]);
  });

  test('an id that is completed and used again while its stream opens leaves nothing behind', async () => {
    const productId = await makeProduct(shop);
    using socket = await openRawSocket(url, { init: true });

    for (let time = 0; time < 15; time += 1) {
      subscribeTo(socket, '1', QUERY, { ids: [String(productId)], time });
      socket.send({ type: 'complete', id: '1' });
    }
    subscribeTo(socket, '1', QUERY, { ids: [String(productId)] });
    await socket.waitFor('next');
    socket.cut();

    await until('the feed to be alone', () => shop.stockFeed.watched().length === 0);
  });
});
