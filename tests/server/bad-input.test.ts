import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Logger } from '../../src/lib/log.ts';
import {
  ask,
  CANCEL_ORDER,
  CREATE_HOLD,
  CREATE_ORDER,
  HOLD_QUERY,
  ORDER_QUERY,
  PRODUCT_QUERY,
  RELEASE_HOLD,
  send,
  sendRaw,
  type GraphqlAnswer,
  type RawRequest,
} from '../support/graphql-client.ts';
import { LEAK } from '../support/hostile-endpoints.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, until } from '../support/shop.ts';
import { openSocket } from '../support/socket-client.ts';

const logged: { facts: object; message: string }[] = [];
const log: Logger = {
  debug() {},
  info() {},
  warn: (facts, message) => void logged.push({ facts, message }),
  error: (facts, message) => void logged.push({ facts, message }),
};

let server: TestServer;
let productId: string;
let token: string;
let before: unknown;

/** The whole shop in a few numbers: what a refused request must leave as it was. */
const fingerprint = () =>
  server.database.rows(
    `select (select json_agg(s order by product_id) from stock_levels s) as stock,
      (select count(*) from products) as products, (select count(*) from holds) as holds,
      (select count(*) from orders) as orders, (select count(*) from payment_events) as events,
      (select count(*) from refunds) as refunds, (select count(*) from stock_movements) as movements`,
    [],
  );

beforeAll(async () => {
  server = await startTestServer({ log, SWEEP_CRON: '0 0 0 1 1 *', TRUSTED_PROXY_HOPS: '1' });
  productId = String(await makeProduct(server.shop, { maxPerHold: 5 }));
  ({ token } = await ask(server.url, CREATE_HOLD, { input: { productId } }));
  before = await fingerprint();
  logged.length = 0;
});

afterEach(async () => {
  expect(await fingerprint()).toEqual(before);
  expect(logged.splice(0)).toEqual([]);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

afterAll(() => server.stop());

const CODES = [
  'BAD_USER_INPUT',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_REQUEST',
] as const;

/** The codes of an answer that is an error of the contract and shows nothing else. */
function codesOf({ status, text, errors, data }: GraphqlAnswer): string[] {
  expect(text).not.toMatch(LEAK);
  expect(status).toBeLessThan(500);
  expect(Object.values(data ?? {}).filter(Boolean)).toEqual([]);
  const codes = (errors ?? []).map(({ extensions }) => extensions.code);
  expect(codes.length).toBeGreaterThan(0);
  expect(codes.length).toBeLessThanOrEqual(10);
  expect(codes.filter((code) => !CODES.includes(code as never))).toEqual([]);
  for (const { message } of errors!) expect(message.length).toBeLessThan(500);
  return codes;
}

const hold = (input: object) => send(server.url, CREATE_HOLD, { input: { productId, ...input } });

/** As a number in the text: JavaScript would write 1e308 and 10^30 in its own way. */
const holdOfText = async (quantity: string): Promise<GraphqlAnswer> => {
  const answer = await sendRaw(server.url, {
    headers: { 'content-type': 'application/json' },
    body: `{"query":${JSON.stringify(CREATE_HOLD)},"variables":{"input":{"productId":"${productId}","quantity":${quantity}}}}`,
  });
  const { data, errors } = JSON.parse(answer.text) as GraphqlAnswer;
  return { ...answer, headers: new Headers(), data, errors };
};

describe('quantities', () => {
  test.each([
    ['0'],
    ['-1'],
    ['-2147483648'],
    ['6'],
    ['2147483647'],
    ['2147483648'],
    ['-2147483649'],
    ['1.5'],
    ['1e308'],
    ['1e400'],
    ['"1"'],
    ['"one"'],
    ['true'],
    ['null'],
    ['[1]'],
    ['[]'],
    ['{}'],
    ['{"value":1}'],
    ['100000000000000000000000000000'],
  ])('a hold of %s units is malformed', async (quantity) => {
    const answer = await holdOfText(quantity);

    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
  });

  test.each(['0', '-1', '6', '2147483648', '1.5', '"1"', 'null', '[1]', 'ONE', '1e9', '$other'])(
    'a literal of %s units is malformed',
    async (quantity) => {
      const query = `mutation { createHold(input: { productId: "${productId}", quantity: ${quantity} }) { __typename } }`;

      codesOf(await send(server.url, query));
    },
  );

  test('the error names the given and the allowed value', async () => {
    const [none, many] = [await hold({ quantity: 0 }), await hold({ quantity: 6 })];

    expect(none.errors![0]!.message).toBe('quantity is 0; it must be 1 or more.');
    expect(many.errors![0]!.message).toMatch(/6.*at most 5/);
  });
});

const NO_IDS = [
  ['letters', 'abc'],
  ['nothing', ''],
  ['zero', '0'],
  ['a leading zero', '01'],
  ['a sign', '-1'],
  ['a plus', '+1'],
  ['a space', ' 1'],
  ['a newline', '1\n'],
  ['a fraction', '1.0'],
  ['hexadecimal', '0x1'],
  ['an exponent', '1e0'],
  ['Arabic digits', '١'],
  ['more than an integer', '2147483648'],
  ['10^30', `1${'0'.repeat(30)}`],
  ['a UUID', '01a205f5-51be-76e1-8c91-9237b105f7ee'],
  ['SQL', '1; drop table products; --'],
  ['a quote', "1' or '1'='1"],
  ['a path', '../../etc/passwd'],
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
  ['a thousand characters', '1'.repeat(1000)],
  ['NUL', '1\0'],
  ['a lone surrogate', '\ud800'],
] as const;

describe('ids', () => {
  test.each(NO_IDS)('%s is no product’s id', async (_what, id) => {
    const shown = await send(server.url, PRODUCT_QUERY, { id });
    const held = await send(server.url, CREATE_HOLD, { input: { productId: id } });

    expect(shown).toMatchObject({ status: 200, data: { product: null }, errors: undefined });
    expect(held.data.createHold).toMatchObject({ code: 'PRODUCT_NOT_FOUND' });
    expect(held.status).toBe(200);
  });

  test.each([[true], [1.5], [{}], [['1', '2']], [null]])('%j is not even an id', async (id) => {
    const shown = await send(server.url, PRODUCT_QUERY, { id });

    codesOf(shown);
  });
});

describe('tokens', () => {
  const changed = (): [string, string][] => {
    const [id, signature] = token.split('.') as [string, string];
    return [
      ['one character fewer', token.slice(0, -1)],
      ['one character more', `${token}A`],
      ['another last character', `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`],
      ['no signature', `${id}.`],
      ['only the id', id],
      ['only the signature', `.${signature}`],
      ['capital letters', token.toUpperCase()],
      ['a capital id', `${id.toUpperCase()}.${signature}`],
      ['a further part', `${token}.x`],
      ['a space', ` ${token}`],
      ['another id', `${randomUUID()}.${signature}`],
      ['base64 with padding', `${token}=`],
      ...NO_IDS.map(([what, text]): [string, string] => [what, text]),
    ];
  };

  test('only the right token gives access to a hold', async () => {
    for (const [position, [what, wrong]] of changed().entries()) {
      // Each from an address of its own: the failures of one address are limited.
      const from = { 'x-forwarded-for': `192.0.2.${position}` };
      const answers = [
        await send(server.url, HOLD_QUERY, { token: wrong }, from),
        await send(server.url, ORDER_QUERY, { token: wrong }, from),
        await send(server.url, RELEASE_HOLD, { token: wrong }, from),
        await send(server.url, CREATE_ORDER, { token: wrong }, from),
        await send(server.url, CANCEL_ORDER, { token: wrong }, from),
      ];

      expect([what, ...answers.map(({ status }) => status)]).toEqual([
        what,
        200,
        200,
        200,
        200,
        200,
      ]);
      expect(answers.map(({ data }) => Object.values(data as object)[0])).toEqual([
        null,
        null,
        expect.objectContaining({ code: 'HOLD_NOT_FOUND' }),
        expect.objectContaining({ code: 'HOLD_NOT_FOUND' }),
        expect.objectContaining({ code: 'ORDER_NOT_FOUND' }),
      ]);
    }
  });
});

describe('texts', () => {
  test.each([
    ['an empty key', { idempotencyKey: '' }],
    ['a key of 15 characters', { idempotencyKey: 'x'.repeat(15) }],
    ['a key of 129 characters', { idempotencyKey: 'x'.repeat(129) }],
    ['a key of a million characters', { idempotencyKey: 'x'.repeat(100_000) }],
    ['a key with a newline', { idempotencyKey: `${'x'.repeat(20)}\n` }],
    ['a key beyond ASCII', { idempotencyKey: 'ключ'.repeat(5) }],
    ['a key with NUL', { idempotencyKey: `${'x'.repeat(20)}\0` }],
    ['a key with half a surrogate pair', { idempotencyKey: `${'x'.repeat(20)}\ud800` }],
    ['a key that is a number', { idempotencyKey: 1234567890123456 }],
    ['an empty customer', { customerId: '' }],
    ['a customer of 129 characters', { customerId: 'x'.repeat(129) }],
    ['a customer with NUL', { customerId: 'an\0na' }],
    ['a customer with half a surrogate pair', { customerId: 'anna\udc00' }],
    ['a customer that is an object', { customerId: { toString: 'anna' } }],
    ['a price', { price: '0.01' }],
    ['a unit price', { unitPrice: { amount: '0.01', currency: 'USD' } }],
    ['a deadline', { expiresAt: '2099-01-01T00:00:00.000Z' }],
    ['a status', { status: 'CONVERTED' }],
    ['a claim to be the admin', { isAdmin: true }],
    ['a constructor', { constructor: { prototype: { polluted: true } } }],
  ])('%s is refused', async (_what, input) => {
    expect(codesOf(await hold(input))).toEqual(['BAD_USER_INPUT']);
  });

  test('unusual printable characters are accepted as text', async () => {
    const odd = [
      "'; drop table holds; --",
      '𝄞👩‍👩‍👧',
      '‮txet',
      'e\u0301',
      '<script>',
      '${7*7}',
      '%s%n',
    ];

    for (const customerId of odd) {
      const { data } = await hold({ customerId, quantity: 1, idempotencyKey: randomUUID() });
      expect(data.createHold.__typename).toBe('Hold');
      const { token: made } = data.createHold;
      await send(server.url, RELEASE_HOLD, { token: made });
    }
    const kept = await server.database.rows<{ customer_id: string }>(
      'select customer_id from holds where customer_id is not null order by created_at, id',
      [],
    );

    expect(kept.map(({ customer_id }) => customer_id)).toEqual(odd);
    before = await fingerprint();
  });

  test('lone surrogates and NUL are refused in every text argument of an admin operation', async () => {
    const document = `mutation ($input: CreateProductInput!) { createProduct(input: $input) { id } }`;
    const good = { name: 'x', price: '1.00', currency: 'USD', totalStock: 1 };
    const headers = { authorization: 'Bearer an admin token for tests only, long enough' };

    for (const bad of ['a\0b', 'a\ud800', '\udc00b']) {
      for (const field of ['name', 'description', 'price', 'currency']) {
        const input = { ...good, [field]: bad };
        expect(codesOf(await send(server.url, document, { input }, headers))).toEqual([
          'BAD_USER_INPUT',
        ]);
      }
      const adjust = await send(
        server.url,
        `mutation ($input: AdjustStockInput!) { adjustStock(input: $input) { __typename } }`,
        { input: { productId, delta: 1, reason: bad } },
        headers,
      );
      expect(codesOf(adjust)).toEqual(['BAD_USER_INPUT']);
    }
  });
});

const JSON_TYPE = { 'content-type': 'application/json' };
const TYPENAME = '{"query":"{ __typename }"}';

/** The same mutation again and again, were it let through. */
const mutation = (): string =>
  JSON.stringify({
    query: `mutation { createHold(input: { productId: "${productId}" }) { __typename } }`,
  });

describe('requests', () => {
  const refused: [string, number | number[], () => RawRequest][] = [
    [
      'an operation by GET',
      400,
      () => ({ method: 'GET', path: '/graphql?query=%7B__typename%7D' }),
    ],
    [
      'a mutation by GET',
      400,
      () => ({
        method: 'GET',
        path: `/graphql?query=${encodeURIComponent(`mutation{createHold(input:{productId:"${productId}"}){__typename}}`)}`,
        headers: { 'apollo-require-preflight': 'true', ...JSON_TYPE },
      }),
    ],
    ['PUT', 405, () => ({ method: 'PUT', headers: JSON_TYPE, body: mutation() })],
    ['DELETE', 405, () => ({ method: 'DELETE', headers: JSON_TYPE })],
    [
      'text/plain, which needs no preflight',
      400,
      () => ({ headers: { 'content-type': 'text/plain' }, body: mutation() }),
    ],
    ['no content type', 400, () => ({ body: mutation() })],
    [
      'a form',
      400,
      () => ({
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `query=${encodeURIComponent('mutation{x}')}`,
      }),
    ],
    [
      'multipart',
      400,
      () => ({
        headers: { 'content-type': 'multipart/form-data; boundary=x' },
        body: `--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${mutation()}\r\n--x--`,
      }),
    ],
    [
      'text/plain that says it is JSON',
      400,
      () => ({
        headers: { 'content-type': 'text/plain; application/json' },
        body: mutation(),
      }),
    ],
    ['a batch', 400, () => ({ headers: JSON_TYPE, body: `[${TYPENAME},${TYPENAME}]` })],
    ['a batch of one', 400, () => ({ headers: JSON_TYPE, body: `[${mutation()}]` })],
    ['an empty batch', 400, () => ({ headers: JSON_TYPE, body: '[]' })],
    ['no body', 400, () => ({ headers: JSON_TYPE })],
    ['half a document', 400, () => ({ headers: JSON_TYPE, body: '{"query":"{ __typen' })],
    ['a string', 400, () => ({ headers: JSON_TYPE, body: '"{ __typename }"' })],
    ['null', 400, () => ({ headers: JSON_TYPE, body: 'null' })],
    ['a number', 400, () => ({ headers: JSON_TYPE, body: '1' })],
    ['an empty object', 400, () => ({ headers: JSON_TYPE, body: '{}' })],
    ['no query', 400, () => ({ headers: JSON_TYPE, body: '{"variables":{}}' })],
    ['an empty query', 400, () => ({ headers: JSON_TYPE, body: '{"query":""}' })],
    ['a query that is a number', 400, () => ({ headers: JSON_TYPE, body: '{"query":1}' })],
    ['a query that is an object', 400, () => ({ headers: JSON_TYPE, body: '{"query":{}}' })],
    [
      'variables that are text',
      400,
      () => ({ headers: JSON_TYPE, body: '{"query":"{__typename}","variables":"{}"}' }),
    ],
    [
      'variables that are a list',
      400,
      () => ({ headers: JSON_TYPE, body: '{"query":"{__typename}","variables":[]}' }),
    ],
    [
      'extensions that are text',
      400,
      () => ({ headers: JSON_TYPE, body: '{"query":"{__typename}","extensions":"x"}' }),
    ],
    [
      'an operation name that is a number',
      400,
      () => ({ headers: JSON_TYPE, body: '{"query":"{__typename}","operationName":1}' }),
    ],
    [
      'an operation that is not in the document',
      400,
      () => ({ headers: JSON_TYPE, body: '{"query":"query A{__typename}","operationName":"B"}' }),
    ],
    [
      'two operations without operationName',
      400,
      () => ({ headers: JSON_TYPE, body: '{"query":"query A{__typename} query B{__typename}"}' }),
    ],
    [
      'a persisted query',
      400,
      () => ({
        headers: JSON_TYPE,
        body: `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"${'a'.repeat(64)}"}}}`,
      }),
    ],
    [
      'a persisted query that brings its text',
      400,
      () => ({
        headers: JSON_TYPE,
        body: `{"query":"{__typename}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"${'a'.repeat(64)}"}}}`,
      }),
    ],
    [
      'a subscription by POST',
      400,
      () => ({
        headers: JSON_TYPE,
        body: `{"query":"subscription { stockChanged(productIds: [\\"1\\"]) { id } }"}`,
      }),
    ],
    [
      'bytes that are not UTF-8',
      400,
      () => ({
        headers: JSON_TYPE,
        body: Buffer.concat([
          Buffer.from('{"query":"{__typename}#'),
          Buffer.from([0xff, 0xfe]),
          Buffer.from('"}'),
        ]),
      }),
    ],
    [
      'UTF-16',
      400,
      () => ({
        headers: { 'content-type': 'application/json; charset=utf-16' },
        body: Buffer.from(TYPENAME, 'utf16le'),
      }),
    ],
    [
      'a byte order mark',
      400,
      () => ({ headers: JSON_TYPE, body: Buffer.from(`\ufeff${TYPENAME}`) }),
    ],
    [
      'gzip',
      [400, 415],
      () => ({
        headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
        body: gzipSync(mutation()),
      }),
    ],
    [
      'an encoding that is none',
      [400, 415],
      () => ({ headers: { ...JSON_TYPE, 'content-encoding': 'x' }, body: mutation() }),
    ],
    [
      '129 KiB',
      413,
      () => ({
        headers: JSON_TYPE,
        body: `{"query":"{__typename}","pad":"${'x'.repeat(129 * 1024)}"}`,
      }),
    ],
    [
      '129 KiB in pieces of unknown number',
      413,
      () => ({
        headers: { ...JSON_TYPE, 'transfer-encoding': 'chunked' },
        body: `{"query":"{__typename}","pad":"${'x'.repeat(129 * 1024)}"}`,
      }),
    ],
    [
      '129 KiB of text/plain',
      413,
      () => ({ headers: { 'content-type': 'text/plain' }, body: 'x'.repeat(129 * 1024) }),
    ],
  ];

  test.each(refused)('%s is answered %j', async (_what, status, request) => {
    const answer = await sendRaw(server.url, request());

    expect([status].flat()).toContain(answer.status);
    expect(answer.text).not.toMatch(LEAK);
    // Other methods are answered by the server, not by GraphQL.
    if (request().method !== undefined) return;
    const { errors } = JSON.parse(answer.text) as GraphqlAnswer;
    expect(CODES).toContain(errors![0]!.extensions.code);
  });

  test('exactly 128 KiB and an explicit UTF-8 are accepted', async () => {
    const frame = '{"query":"{__typename}","pad":""}';
    const body = frame.replace('""', `"${'x'.repeat(128 * 1024 - frame.length)}"`);

    const answers = [
      await sendRaw(server.url, { headers: JSON_TYPE, body }),
      await sendRaw(server.url, {
        headers: { 'content-type': 'Application/JSON; Charset="UTF-8"' },
        body: TYPENAME,
      }),
      await sendRaw(server.url, { path: '/graphql?x=1', headers: JSON_TYPE, body: TYPENAME }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test.each(['/GraphQL', '//graphql', '/%67raphql', '/graphql%2f', '/x', '/%', '/%ff'])(
    '%s accepts no POST',
    async (path) => {
      const answer = await sendRaw(server.url, { path, headers: JSON_TYPE, body: mutation() });

      expect([404, 400]).toContain(answer.status);
      expect(answer.text).not.toMatch(LEAK);
    },
  );

  test('`__proto__` in variables pollutes nothing', async () => {
    const answers = [];
    for (const variables of [
      '{"__proto__":{"polluted":true},"input":{"productId":"x"}}',
      '{"input":{"__proto__":{"polluted":true,"quantity":0},"productId":"x"}}',
      '{"input":{"productId":"x","constructor":{"prototype":{"polluted":true}}}}',
    ]) {
      answers.push(
        await sendRaw(server.url, {
          headers: JSON_TYPE,
          body: `{"query":${JSON.stringify(CREATE_HOLD)},"variables":${variables},"extensions":{"__proto__":{"polluted":true}}}`,
        }),
      );
    }

    for (const { status, text } of answers) {
      expect(status).toBeLessThan(500);
      expect(text).not.toMatch(LEAK);
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

test('a missing document and one that does not parse get the same error over HTTP and websocket', async () => {
  await using socket = await openSocket(server.socketUrl);
  const atBoth = async (query: string) => {
    const received = socket.subscribe(query);
    const overHttp = await send(server.url, query);
    await until('the answer over the socket', () => received.ended);
    return [overHttp.errors, received.errors];
  };

  const [overHttp, overSocket] = await atBoth('');
  const [spacesOverHttp, spacesOverSocket] = await atBoth(' ');

  expect(overHttp).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
  expect(overSocket).toEqual(overHttp);
  expect(spacesOverHttp).toMatchObject([{ extensions: { code: 'GRAPHQL_PARSE_FAILED' } }]);
  expect(spacesOverSocket).toEqual(spacesOverHttp);
});

describe('bombs', () => {
  const fragments = (count: number): string =>
    Array.from(
      { length: count },
      (_, n) => `fragment f${n} on Query { ...f${n + 1} ...f${n + 1} }`,
    ).join(' ');

  test.each([
    ['11 levels', `{ serverTime ${nested(11)} }`],
    ['16 levels of introspection', `{ ${nested(16)} }`],
    ['100 levels', `{ serverTime ${nested(100)} }`],
    ['10,000 brackets', `${'{a'.repeat(10_000)}${'}'.repeat(10_000)}`],
    [
      '16 aliases of a type’s name',
      `{ product(id: "1") { ${Array.from({ length: 16 }, (_, n) => `a${n}: __typename`).join(' ')} } }`,
    ],
    [
      '16 aliases of a product’s field',
      `{ product(id: "1") { ${Array.from({ length: 16 }, (_, n) => `a${n}: name`).join(' ')} } }`,
    ],
    [
      '16 aliases by fragment',
      `{ product(id: "1") { ${'...f '.repeat(4)} } } fragment f on Product { ${Array.from({ length: 4 }, (_, n) => `a${n}: name`).join(' ')} }`,
    ],
    ['11 root fields', `{ ${'serverTime '.repeat(11)} }`],
    ['11 root fields by fragment', `{ ${'...f '.repeat(11)} } fragment f on Query { serverTime }`],
    ['21 directives', `{ __typename ${'@include(if: true) '.repeat(21)} }`],
    [
      '21 directives on fields',
      `{ product(id: "1") { ${'name @include(if: true) '.repeat(21)} } }`,
    ],
    ['unknown directives', `{ __typename ${'@bomb '.repeat(100)} }`],
    [
      '301 fields by fragment',
      `{ ${Array.from({ length: 10 }, (_, n) => `a${n}: product(id: "0") { ...f }`).join(' ')} } fragment f on Product { ${'id name '.repeat(10)} ${'price { amount } '.repeat(5)} }`,
    ],
    ['a name 11 times', `{ product(id: "0") { ${'name '.repeat(11)} } }`],
    [
      'a name 11 times in sub-selections that merge',
      `{ ${`product(id: "0") { price { ${'amount '.repeat(6)} } } `.repeat(2)} }`,
    ],
    ['1,001 tokens', `{ ${'name '.repeat(1001)} }`],
    [
      'fragments that double 25 times',
      `{ ...f0 } ${fragments(25)} fragment f25 on Query { __typename }`,
    ],
    [
      'fragments that double 40 times below the root',
      `{ product(id: "1") { ...f0 } } ${fragments(40).replaceAll('on Query', 'on Product')} fragment f40 on Product { name }`,
    ],
    ['fragments in a circle', '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }'],
    ['a fragment of itself', '{ ...a } fragment a on Query { serverTime ...a }'],
    ['60 unknown fields', `{ ${Array.from({ length: 60 }, (_, n) => `unknown${n}`).join(' ')} }`],
    ['a deep list', `{ product(id: ${'['.repeat(400)}${']'.repeat(400)}) { id } }`],
    ['an unfinished string', '{ product(id: "1) { id } }'],
    ['a misspelt field', '{ products { node } }'],
  ])('%s are refused', async (_what, query) => {
    const answer = await send(server.url, query);

    expect(answer.status).toBe(400);
    codesOf(answer);
    expect(answer.text.length).toBeLessThan(5000);
  });

  test('two mutations in one request are refused, by fragment too', async () => {
    const one = (alias: string) =>
      `${alias}: createHold(input: { productId: "${productId}" }) { __typename }`;
    const documents = [
      `mutation { ${one('a')} ${one('b')} }`,
      `mutation { ${one('a')} ...f } fragment f on Mutation { ${one('b')} }`,
      `mutation { ...f ... on Mutation { ${one('c')} } } fragment f on Mutation { ${one('b')} }`,
      `mutation { __typename ${one('a')} }`,
    ];

    for (const document of documents) {
      const answer = await send(server.url, document);
      expect(answer.status).toBe(400);
      codesOf(answer);
    }
  });

  test('10 levels, 15 aliases, 20 directives and 10 root fields pass', async () => {
    const documents = [
      `{ serverTime ${nested(10)} }`,
      `{ ${nested(15)} }`,
      `{ product(id: "0") { ${Array.from({ length: 15 }, (_, n) => `a${n}: name`).join(' ')} } }`,
      `{ product(id: "0") { ${'name @include(if: true) id @include(if: true) '.repeat(10)} } }`,
      `{ ${Array.from({ length: 10 }, (_, n) => `a${n}: serverTime`).join(' ')} }`,
    ];

    for (const document of documents) {
      expect(await send(server.url, document)).toMatchObject({ status: 200, errors: undefined });
    }
  });

  test('3,000 variables and an input of 3,000 fields are refused', async () => {
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`v${n}`, n]));
    const wrong = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`wrong${n}`, n]));

    const answers = [await send(server.url, '{ __typename }', many), await hold(wrong)];

    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(codesOf(answer)).toEqual(['BAD_REQUEST']);
    }
  });

  test('100 variables that no operation uses are ignored', async () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`v${n}`, n]));

    expect((await send(server.url, '{ __typename }', many)).status).toBe(200);
  });

  /** A field of introspection that makes the operation this many levels deep. */
  function nested(levels: number): string {
    const more = levels - 4;
    return `__type(name: "Query") { fields { type { ${'ofType { '.repeat(more)} name ${' }'.repeat(more)} } } }`;
  }
});
