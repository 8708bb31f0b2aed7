import { gzipSync } from 'node:zlib';
import { AS_ADMIN, CREATE_HOLD, type RawRequest } from './graphql-client.ts';
import { INJECTIONS } from './hostile-values.ts';
import { success, WEBHOOK } from './provider.ts';

/** A raw request and its description. */
export type HostileRequest = readonly [what: string, request: RawRequest];

const JSON_TYPE = { 'content-type': 'application/json' };
const TYPENAME = '{"query":"{ __typename }"}';

const CONTENT_TYPES = [
  'application/json',
  'application/graphql',
  'application/graphql+json',
  'application/x-www-form-urlencoded',
  'application/octet-stream',
  'multipart/form-data; boundary=x',
  'text/plain',
  'text/plain; application/json',
  'application/json, text/plain',
  'application/json; charset=utf-16',
  'application/json; charset="utf-8',
  'application/json;charset=utf-7;charset=utf-8',
  'application/json\t',
  'APPLICATION/JSON',
  '*/*',
  '__proto__',
  'a'.repeat(4000),
];

const BODIES: readonly (string | Buffer)[] = [
  '',
  'null',
  'true',
  '0',
  '""',
  '[]',
  '{}',
  `[${TYPENAME}]`,
  `[${`${TYPENAME},`.repeat(500)}${TYPENAME}]`,
  `${TYPENAME}${TYPENAME}`,
  `\ufeff${TYPENAME}`,
  '{"query":"{ __typename }"',
  '{"query":{"kind":"Document"}}',
  '{"query":["{ __typename }"]}',
  '{"query":null}',
  '{"query":"{ __typename }","variables":"{}"}',
  '{"query":"{ __typename }","variables":[[]]}',
  '{"query":"{ __typename }","operationName":{}}',
  '{"query":"{ __typename }","operationName":"constructor"}',
  '{"query":"{ __typename }","extensions":1}',
  '{"query":"{ __typename }","extensions":{"persistedQuery":1}}',
  '{"query":"{ __typename }","extensions":{"persistedQuery":{"version":1,"sha256Hash":"__proto__"}}}',
  '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"0"}}}',
  '{"documentId":"1"}',
  '{"query":"{ __typename }","http":{"headers":{}},"rootValue":{},"contextValue":{"caller":{"isAdmin":true}}}',
  `{"query":"{ __typename }","variables":${'['.repeat(30_000)}${']'.repeat(30_000)}}`,
  `{"query":"{ __typename }","variables":{"a":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}}`,
  ...[1, 100, 5000].map(
    (count) =>
      `{"query":"mutation ($input: CreateHoldInput!) { createHold(input: $input) { __typename } }","variables":{"input":{"productId":[${'"0",'.repeat(count)}"0"],"quantity":{${Array.from({ length: count }, (_, n) => `"a${n}":[1]`).join()}}}}}`,
  ),
  `{"query":"{ __typename }","variables":${JSON.stringify(Object.fromEntries(Array.from({ length: 8000 }, (_, n) => [`v${n}`, n])))}}`,
  `{"query":"{ __typename }","pad":"${'x'.repeat(130 * 1024)}"}`,
  `{"query":"{ __typename }","n":1e99999,"m":-1e-99999}`,
  Buffer.from([0xff, 0xfe, 0x00, 0x7b]),
  Buffer.from(TYPENAME, 'utf16le'),
  gzipSync(TYPENAME),
];

const ENCODINGS = ['gzip', 'br', 'deflate', 'zstd', 'identity, gzip', 'x', '', 'a'.repeat(2000)];

const METHODS = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE'];

const ODD_HEADERS: readonly Record<string, string | string[]>[] = [
  { host: '' },
  { host: 'evil.example' },
  { 'content-type': ['application/json', 'text/plain'] },
  { 'content-type': ['text/plain', 'application/json'] },
  { authorization: ['Bearer x', AS_ADMIN.authorization] },
  { cookie: `a=${'x'.repeat(8000)}` },
  { 'x-forwarded-for': "1.1.1.1, ' or 1=1 --, ::1, ".repeat(100) },
  { 'x-forwarded-for': '__proto__' },
  { 'x-forwarded-for': 'fe80::1%eth0' },
  { 'x-forwarded-for': ['a', 'b'] },
  { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'javascript' },
  { 'x-http-method-override': 'DELETE' },
  { 'x-request-id': 'x'.repeat(4000) },
  { 'x-request-id': '"}{"level":60,"msg":"forged' },
  { origin: 'null' },
  { origin: 'https://evil.example' },
  { origin: 'http://localhost.evil.example' },
  { origin: 'not a url' },
  { origin: ['http://localhost:1', 'https://evil.example'] },
  { accept: 'text/html' },
  { accept: 'multipart/mixed; deferSpec=20220824' },
  { accept: 'x'.repeat(4000) },
  { 'apollo-require-preflight': '1', 'x-apollo-operation-name': '__proto__' },
  { 'apollographql-client-name': 'x'.repeat(4000) },
  { range: 'bytes=0-1' },
  { 'if-none-match': '*' },
  { te: 'trailers', trailer: 'x' },
  { expect: '100-continue' },
  { upgrade: 'h2c', connection: 'upgrade, http2-settings', 'http2-settings': 'AAMAAABkAAQ' },
  Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`x-${n}`, 'a'])),
];

const PATHS = [
  '/graphql/',
  '/GraphQL',
  '//graphql',
  '/%67raphql',
  '/graphql%2f',
  '/graphql;x',
  '/graphql/../graphql',
  '/graphql%00',
  '/%',
  '/%ff',
  '/%c0%af',
  '/__proto__',
  '/constructor',
  '/../../etc/passwd',
  '/.env',
  '/metrics//',
  '/admin',
  '/api/payments/webhook/',
  '/api/payments/Webhook',
  '/api/payments/%77ebhook',
  '/api//payments/webhook',
  '/api/payments/webhook/stripe',
  `/${'a'.repeat(8000)}`,
  `/graphql?query=${'a'.repeat(8000)}`,
  '/graphql?query=%7B__typename%7D',
  '/graphql?query[]=a&query[__proto__][polluted]=1',
  '/healthz?__proto__[polluted]=1',
  '*',
];

/** Requests with wrong content types, encodings, methods, headers, paths and bodies. */
export function hostileRequests(): HostileRequest[] {
  const paths = ['/graphql', WEBHOOK];
  return [
    ...paths.flatMap((path): HostileRequest[] => [
      ...CONTENT_TYPES.map((type): HostileRequest => [
        `${path} of type ${type.slice(0, 60)}`,
        { path, headers: { 'content-type': type }, body: TYPENAME },
      ]),
      ...ENCODINGS.map((encoding): HostileRequest => [
        `${path} in encoding ${encoding.slice(0, 60)}`,
        { path, headers: { ...JSON_TYPE, 'content-encoding': encoding }, body: gzipSync(TYPENAME) },
      ]),
      ...BODIES.flatMap((body): HostileRequest[] => [
        [`${path} with ${body.toString().slice(0, 60)}`, { path, headers: JSON_TYPE, body }],
        [
          `${path} in pieces with ${body.toString().slice(0, 60)}`,
          { path, headers: { ...JSON_TYPE, 'transfer-encoding': 'chunked' }, body },
        ],
      ]),
      ...METHODS.map((method): HostileRequest => [
        `${method} ${path}`,
        { path, method, headers: JSON_TYPE },
      ]),
      ...ODD_HEADERS.map((headers): HostileRequest => [
        `${path} with ${JSON.stringify(headers).slice(0, 60)}`,
        { path, headers: { ...JSON_TYPE, ...headers }, body: TYPENAME },
      ]),
    ]),
    ...PATHS.flatMap((path): HostileRequest[] => [
      [`POST ${path.slice(0, 60)}`, { path, headers: JSON_TYPE, body: TYPENAME }],
      [`GET ${path.slice(0, 60)}`, { path, method: 'GET', headers: { accept: 'text/html' } }],
    ]),
  ];
}

/** Authorization values that are not the admin token: similar ones and other secrets. */
export function wrongBearers(adminToken: string, others: readonly string[]): string[] {
  return [
    '',
    'Bearer',
    'Bearer ',
    'Bearer null',
    'Bearer undefined',
    'Basic YWRtaW46YWRtaW4=',
    `Bearer ${adminToken.slice(0, -1)}`,
    `Bearer ${adminToken}x`,
    `Bearer ${adminToken.toUpperCase()}`,
    `Bearer${adminToken}`,
    `Bearer Bearer ${adminToken}`,
    `Bearer\u00a0${adminToken}`,
    `Bearer ${Buffer.from(adminToken).toString('base64')}`,
    `Bearer ${adminToken}, Bearer x`,
    `Token ${adminToken}`,
    adminToken,
    `Bearer ${'x'.repeat(8000)}`,
    ...others.map((other) => `Bearer ${other}`),
  ];
}

/** Bodies with property names of Object.prototype, at every position of a body. */
export function pollutedBodies(productId: string): string[] {
  const value = '{"polluted":true,"prototype":{"polluted":true},"isAdmin":true}';
  return ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then'].flatMap(
    (key) => {
      const extra = `"${key}":${value}`;
      const query = `"query":${JSON.stringify(CREATE_HOLD)}`;
      const input = `"productId":"${productId}"`;
      return [
        `{${extra},${query},"variables":{"input":{${input}}}}`,
        `{${query},"variables":{${extra},"input":{${input}}}}`,
        `{${query},"variables":{"input":{${extra},${input}}}}`,
        `{${query},"variables":{"input":{${input},"customerId":{${extra}}}}}`,
        `{${query},"variables":{"input":{${input}}},"extensions":{${extra}}}`,
        `{${query},"variables":{"input":[{${extra}}]}}`,
        `{${query},"variables":{"input":{${input}}},"operationName":"${key}"}`,
      ];
    },
  );
}

/** Malformed events; the webhook reads them only when they are signed. */
export function hostileEvents(orderId: string): string[] {
  const fields = ['payment_id', 'order_id', 'status', 'idempotency_key', 'amount', 'currency', 'x'];
  const values = [
    ...INJECTIONS.filter(({ length }) => length < 50_000).map((text) => JSON.stringify(text)),
    ...'null true -1 -0 0 1.5 1e400 1e-7 1e21 [] {} [1]'.split(' '),
    '{"__proto__":{"polluted":true}}',
    `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
  ];
  let made = 0;
  // Its status is unknown, so that none of these events pays an order.
  const frame = (): object => {
    const name = `hostile-${(made += 1)}`;
    return success(orderId, { status: 'hostile', payment_id: name, idempotency_key: name });
  };
  const hostile = fields.flatMap((field) =>
    values.map((value) =>
      JSON.stringify({ ...frame(), [field]: 0 }).replace(
        `"${field}":0`,
        () => `"${field}":${value}`,
      ),
    ),
  );
  const keys = ['__proto__', 'constructor', 'toString'].map((key) =>
    JSON.stringify(frame()).replace('{', `{"${key}":{"polluted":true,"status":"success"},`),
  );
  return [...hostile, ...keys];
}

/** Websocket messages outside the protocol. */
export const SOCKET_NOISE: readonly (string | Buffer)[] = [
  '',
  ' ',
  'null',
  '[]',
  '{}',
  '1',
  '"subscribe"',
  'not json',
  '{"type":"__proto__"}',
  '{"type":"constructor"}',
  '{"type":"subscribe"}',
  '{"type":"subscribe","id":1,"payload":{"query":"{a}"}}',
  '{"type":"subscribe","id":"","payload":{"query":"{a}"}}',
  '{"type":"subscribe","id":"a","payload":null}',
  '{"type":"subscribe","id":"a","payload":[]}',
  '{"type":"subscribe","id":"a","payload":{"query":1}}',
  '{"type":"subscribe","id":"a","payload":{"query":"{a}","variables":"x"}}',
  '{"type":"subscribe","id":"a","payload":{"query":"{a}","extensions":"x"}}',
  ...['variables', 'extensions'].flatMap((name) =>
    [
      ['[', ']'],
      ['{"a":', '}'],
    ].map(
      ([open, close]) =>
        `{"type":"subscribe","id":"a","payload":{"query":"subscription { stockChanged(productIds: [\\"0\\"]) { id } }","${name}":{"a":${open!.repeat(2600)}1${close!.repeat(2600)}}}}`,
    ),
  ),
  '{"type":"subscribe","id":"a","payload":{"query":"{a}","operationName":1}}',
  '{"type":"subscribe","id":"__proto__","payload":{"query":"{a}"}}',
  '{"type":"subscribe","id":"constructor","payload":{"query":"{a}"}}',
  `{"type":"subscribe","id":"${'i'.repeat(9000)}","payload":{"query":"{a}"}}`,
  '{"type":"connection_init"}',
  '{"type":"connection_ack"}',
  '{"type":"next","id":"a","payload":{"data":{}}}',
  '{"type":"error","id":"a","payload":[{"message":"x"}]}',
  '{"type":"ping","payload":{"__proto__":{"polluted":true}}}',
  `{"type":"ping","payload":{"a":${'['.repeat(8000)}${']'.repeat(8000)}}}`,
  'x'.repeat(17_000),
  Buffer.alloc(17_000),
  Buffer.from([0xff, 0xfe]),
];
