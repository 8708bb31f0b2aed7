import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import {
  execute,
  getOperationAST,
  parse,
  validate,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLError,
} from 'graphql';
import { Context } from '../../src/server/graphql/context.ts';
import { formatError } from '../../src/server/graphql/errors.ts';
import { compilingExecute } from '../../src/server/graphql/http/executor.ts';
import { COERCION } from '../../src/server/graphql/http/limits.ts';
import { RateLimits } from '../../src/server/http/rate-limits.ts';
import { noopMetrics } from '../../src/server/metrics/meters.ts';
import { buildShopSchema } from '../../src/server/graphql/schema/schema.ts';
import { hold, order } from '../support/buyer.ts';
import { fuzzRequests } from '../support/fuzz-requests.ts';
import { selectionOf } from '../support/selections.ts';
import {
  createTestDatabase,
  makeProduct,
  openTestShop,
  type TestDatabase,
  type TestShop,
} from '../support/shop.ts';

const schema = buildShopSchema();
const executeCompiled = compilingExecute({ timesBefore: 0, fieldsMax: Infinity });

let database: TestDatabase;
let server: TestShop;
let productId: string;
let heldToken: string;
let orderedToken: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await openTestShop(database.url);
  const id = await makeProduct(server.shop, { maxPerCustomer: 3 });
  productId = String(id);
  const held = await hold(server.shop, id, { customerId: 'a waiting buyer' });
  const ordered = await hold(server.shop, id, { customerId: 'a buyer who orders' });
  await order(server.shop, ordered);
  heldToken = server.shop.holdTokens.issue(held.id);
  orderedToken = server.shop.holdTokens.issue(ordered.id);
  // A fixed clock, so that two executions have the same remaining milliseconds.
  await server.database.orm.em.getConnection().execute(`
    create or replace function shop_clock() returns timestamptz language sql volatile as $$
      select timestamptz '${new Date(held.createdAt.getTime() + 1000).toISOString()}' $$`);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database.drop();
});

/** The caller of an operation, with or without the admin token. Each operation has its own. */
function newContext(isAdmin = false): Context {
  const caller = { requestId: 'r', address: '', isAdmin };
  return new Context(server.shop, { caller, limits: new RateLimits(undefined, noopMetrics) });
}

/** The response text that a client receives for a result. */
function responseOf({ data, errors }: ExecutionResult): string {
  const formatted = errors?.map((error: GraphQLError) => formatError(error.toJSON(), error));
  return JSON.stringify({ errors: formatted, data });
}

/** Both answers to one operation; each has a context of its own, as each request has. */
async function bothAnswers(query: string, variableValues: Record<string, unknown> = {}) {
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);
  const asked = () => ({
    schema,
    document,
    variableValues,
    options: COERCION,
    contextValue: newContext(),
  });
  const plain = responseOf(await execute(asked()));
  return { plain, compiled: responseOf(await executeCompiled(asked())) };
}

const tokens = (): string[] => [heldToken, orderedToken, `${randomUUID()}.forged`, ''];

test('compiled code gives the same answer to any selection of a product, a hold and an order', async () => {
  const wanted = fc.record({
    product: selectionOf(schema, 'Product'),
    products: selectionOf(schema, 'ProductConnection'),
    hold: selectionOf(schema, 'Hold'),
    order: selectionOf(schema, 'Order'),
    token: fc.nat(3),
    id: fc.constantFrom('1', '999', 'x'),
  });
  await fc.assert(
    fc.asyncProperty(wanted, async ({ product, products, hold: held, order: made, token, id }) => {
      const { plain, compiled } = await bothAnswers(
        `query Any($token: String!, $id: ID!, $first: Int! = 2) {
          named: product(id: "${productId}") ${product} product(id: $id) ${product}
          products(first: $first) ${products}
          hold(token: $token) ${held} order(holdToken: $token) ${made} }`,
        { token: tokens()[token], id },
      );

      expect(compiled).toBe(plain);
      expect(plain).not.toContain('INTERNAL_SERVER_ERROR');
    }),
    { numRuns: 100 },
  );
});

test('compiled code refuses invalid variables in the same way, with a bounded number of errors', async () => {
  const wide = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`k${n}`, 1]));
  const document =
    'mutation ($input: CreateHoldInput!) { createHold(input: $input) { __typename } }';

  const { plain, compiled } = await bothAnswers(document, { input: wide });

  expect(compiled).toBe(plain);
  expect((JSON.parse(compiled) as ExecutionResult).errors).toHaveLength(2);
});

test('compiled code gives the same answer to random requests', async () => {
  const tokens = [heldToken, orderedToken];
  const unlimited = String(await makeProduct(server.shop, { totalStock: 100_000 }));
  const productIds = [productId, unlimited, unlimited, '999'];
  const words = { productId: productIds, id: productIds, token: tokens, holdToken: tokens };
  const requests = fuzzRequests(schema, words, 1);
  const unlike: string[] = [];
  let compared = 0;
  for (let left = 1000; left > 0; left -= 1) {
    const { isAdmin, query, ...rest } = requests.next().value;
    const document = validOrNone(query);
    const kind = document && getOperationAST(document, rest.operationName)?.operation;
    if (document === undefined || (kind !== 'query' && kind !== 'mutation')) continue;
    // The result of an admin operation differs each time.
    const asAdmin = isAdmin && kind === 'query';
    const asked = () => ({
      schema,
      document,
      variableValues: rest.variables ?? {},
      options: COERCION,
      operationName: rest.operationName ?? null,
      contextValue: newContext(asAdmin),
    });
    // Once before, so that what can be done only once is done.
    await execute(asked());
    const plain = comparable(await execute(asked()));
    const compiled = comparable(await executeCompiled(asked()));
    compared += 1;
    if (plain !== compiled) unlike.push(JSON.stringify({ query, ...rest, plain, compiled }));
  }

  expect(unlike).toEqual([]);
  expect(compared).toBeGreaterThan(300);
}, 120_000);

/** The document, if it is valid. */
function validOrNone(query: string): DocumentNode | undefined {
  try {
    const document = parse(query);
    return validate(schema, document).length === 0 ? document : undefined;
  } catch {
    return undefined;
  }
}

/**
 * An answer without the parts that differ each time: ids, tokens, counts, seconds (whole or not), the
 * order of errors, and which of several errors is reported.
 */
function comparable({ data, errors }: ExecutionResult): string {
  if (data === null) return 'nothing but errors';
  const inOrder = errors?.toSorted((one, other) =>
    String(one.path) < String(other.path) ? -1 : 1,
  );
  return responseOf({ data, errors: inOrder })
    .replace(/whsec_[\w+/]{43}=/g, 'secret')
    .replace(/[\da-f-]{36}(\.[\w-]{43})?/g, 'id')
    .replace(/\d+(\.\d+)?(e-\d+)?/g, 'n');
}

const HOLD = `mutation ($input: CreateHoldInput!) { createHold(input: $input) { __typename
  ... on Hold { id token product { id availableStock } remainingMs order { id } }
  ... on InsufficientStock { availableStock stockStatus } ... on CheckoutError { code message retryable } } }`;
const KEY = randomUUID();

test.each<[string, string, () => Record<string, unknown>]>([
  [
    'a hold made before under its key',
    HOLD,
    () => ({ input: { productId, customerId: 'b', idempotencyKey: KEY } }),
  ],
  [
    'more units than available',
    HOLD,
    () => ({ input: { productId, customerId: 'c', quantity: 10 } }),
  ],
  ['an unknown product', HOLD, () => ({ input: { productId: '999' } })],
  ['a quantity of 0', HOLD, () => ({ input: { productId, quantity: 0 } })],
  ['a quantity that is a text', HOLD, () => ({ input: { productId, quantity: 'one' } })],
  ['a quantity of null', HOLD, () => ({ input: { productId, quantity: null } })],
  ['a field that the input does not have', HOLD, () => ({ input: { productId, count: 1 } })],
  ['an input of null', HOLD, () => ({ input: null })],
  ['no variables', HOLD, () => ({})],
  ['a list where a value belongs', HOLD, () => ({ input: [{ productId }] })],
  ['a key that is too short', HOLD, () => ({ input: { productId, idempotencyKey: 'short' } })],
  [
    'a variable with its default left out',
    'query ($first: Int! = 1) { products(first: $first) { totalCount } }',
    () => ({}),
  ],
  [
    'a variable with its default set to null',
    'query ($first: Int! = 1) { products(first: $first) { totalCount } }',
    () => ({ first: null }),
  ],
  [
    'a variable of null where an argument has a default',
    'query ($first: Int) { products(first: $first) { totalCount } }',
    () => ({ first: null }),
  ],
  [
    'a variable left out where an argument has a default',
    'query ($first: Int) { products(first: $first) { totalCount } }',
    () => ({}),
  ],
  [
    'a variable of null where a field of an input has a default',
    'mutation ($q: Int) { createHold(input: { productId: "1", quantity: $q }) { __typename } }',
    () => ({ q: null }),
  ],
  [
    'a variable left out where a field of an input has a default',
    'mutation ($q: Int) { createHold(input: { productId: "999", quantity: $q }) { __typename } }',
    () => ({}),
  ],
  ['an argument that the use case refuses', '{ products(first: 1000) { totalCount } }', () => ({})],
  ['an admin query without the token', '{ stockAudit(productId: "1") { balanced } }', () => ({})],
  [
    'an admin mutation without the token',
    'mutation { adjustStock(input: { productId: "1", delta: 1, reason: "x" }) { __typename } }',
    () => ({}),
  ],
  [
    'an enum by variable',
    'query ($s: SaleStatus) { products(saleStatus: $s) { totalCount } }',
    () => ({ s: 'LIVE' }),
  ],
  [
    'an unknown enum value',
    'query ($s: SaleStatus) { products(saleStatus: $s) { totalCount } }',
    () => ({ s: 'live' }),
  ],
  [
    'a field left out by a directive',
    'query ($no: Boolean = false) { product(id: "1") { id name @include(if: $no) } serverTime @skip(if: $no) }',
    () => ({}),
  ],
  [
    'a named fragment used twice',
    'query { a: product(id: "1") { ...F } b: product(id: "2") { ...F } } fragment F on Product { id name price { amount } }',
    () => ({}),
  ],
  [
    'fields of one name merged',
    'query { product(id: "1") { price { amount } ...F price { currency } } } fragment F on Product { price { minor: amount } name }',
    () => ({}),
  ],
  [
    'introspection',
    '{ __schema { queryType { name } } __type(name: "Hold") { kind } }',
    () => ({}),
  ],
])('compiled code gives the same answer to %s', async (_what, query, variables) => {
  const { plain, compiled } = await bothAnswers(query, variables());

  expect(compiled).toBe(plain);
  expect(plain).not.toContain('INTERNAL_SERVER_ERROR');
});

test('the selected operation of several in a document is executed', async () => {
  const document = parse('query One { one: serverTime } query Two { two: serverTime }');
  const contextValue = newContext();

  const { data } = await executeCompiled({ schema, document, contextValue, operationName: 'Two' });

  expect(Object.keys(data!)).toEqual(['two']);
});

test('an operation that is not in a compiled document is not executed', async () => {
  const document = parse('query One { serverTime }');
  const contextValue = newContext();
  const asked = { schema, document, contextValue };

  const [one, other] = [
    await executeCompiled({ ...asked, operationName: 'One' }),
    await executeCompiled({ ...asked, operationName: 'Other' }),
  ];

  expect(one.errors).toBeUndefined();
  expect(other).toEqual({ errors: [expect.objectContaining({ message: expect.any(String) })] });
});

describe('compiling', () => {
  /** Executes a document a number of times; returns how often it was to be compiled. */
  async function compilings(query: string, times: number): Promise<number> {
    let compilings = 0;
    const run = compilingExecute({ compileLater: () => (compilings += 1) > 0 });
    const document = parse(query);
    for (let time = 0; time < times; time += 1)
      await run({ schema, document, contextValue: newContext() });
    return compilings;
  }

  const fields = (count: number): string => `{ ${'__typename '.repeat(count)} }`;

  test('happens once, after 100 executions of a document', async () => {
    expect(await compilings(fields(1), 100)).toBe(0);
    expect(await compilings(fields(1), 101)).toBe(1);
    expect(await compilings(fields(1), 300)).toBe(1);
  });

  test('is requested again after 100 more executions when the queue is full', async () => {
    const answers = [false, true];
    let asked = 0;
    const run = compilingExecute({ compileLater: () => answers[asked++] ?? true });
    const document = parse('{ __typename }');

    for (let time = 0; time < 400; time += 1)
      await run({ schema, document, contextValue: newContext() });

    expect(asked).toBe(2);
  });

  test('is omitted for a document of more than 60 fields, fragments expanded', async () => {
    const spread = (count: number) =>
      `{ ${'...f '.repeat(count)} } fragment f on Query { ${'__typename '.repeat(10)} }`;

    expect(await compilings(fields(60), 101)).toBe(1);
    expect(await compilings(fields(61), 101)).toBe(0);
    expect(await compilings(spread(6), 101)).toBe(1);
    expect(await compilings(spread(7), 101)).toBe(0);
  });

  test('does not delay an answer', async () => {
    const compile: (() => void)[] = [];
    const run = compilingExecute({
      timesBefore: 0,
      compileLater: (later) => compile.push(later) > 0,
    });
    const document = parse('{ __typename }');
    const ask = () => run({ schema, document, contextValue: newContext() });

    const before = await ask();
    compile[0]!();
    const after = await ask();

    expect([before, after]).toEqual([
      { data: { __typename: 'Query' } },
      { data: { __typename: 'Query' } },
    ]);
    expect(compile).toHaveLength(1);
  });
});
