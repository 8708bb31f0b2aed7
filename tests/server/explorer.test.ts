import { buildSchema, parse, validate } from 'graphql';
import { once } from 'node:events';
import express from 'express';
import type { AddressInfo } from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { TABS } from '../../web/explorer/tabs.ts';
import { getRaw } from '../support/http-get.ts';
import { textOf } from '../support/project.ts';
import { serveExplorer } from '../../src/server/http/pages/explorer.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.stop());

function get(
  path: string,
  headers: Record<string, string> = {},
  { method = 'GET', url = server.url } = {},
) {
  return getRaw(url + path, headers, method);
}

const DECODERS = {
  br: brotliDecompressSync,
  gzip: gunzipSync,
  identity: (body: Buffer) => body,
} as const;

/** The paths of the files that the page names, as a browser at this path resolves them. */
async function assetsOf(path: string): Promise<string[]> {
  const { body } = await get(path);
  const names = body.toString().matchAll(/(?:src|href)="([^"]+)"/g);
  return [...names].map(([, name]) => new URL(name!, server.url + path).pathname);
}

test.each([
  [undefined, 'identity'],
  ['', 'identity'],
  ['br', 'br'],
  ['gzip', 'gzip'],
  ['gzip, deflate, br', 'br'],
  ['gzip, deflate, br, zstd', 'br'],
  ['br;q=0.5, gzip;q=0.9', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['br;q=0, gzip;q=0', 'identity'],
  ['GZIP', 'gzip'],
  ['*', 'br'],
  ['*;q=0, gzip', 'gzip'],
  ['identity', 'identity'],
  ['identity;q=1, gzip;q=0.2', 'identity'],
  ['deflate', 'identity'],
] as const)('Accept-Encoding "%s" gets %s', async (accepted, encoding) => {
  const headers: Record<string, string> =
    accepted === undefined ? {} : { 'accept-encoding': accepted };
  const [asset] = await assetsOf('/graphql');
  for (const path of ['/graphql', asset!]) {
    const plain = await get(path);
    const answer = await get(path, headers);

    expect(answer.status).toBe(200);
    expect(answer.headers['content-encoding'] ?? 'identity').toBe(encoding);
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
    // The port's own Vary stays: a cache must not give this answer to a page of an allowed origin.
    expect(answer.headers.vary).toMatch(/^Origin, .*Accept-Encoding/);
    expect(DECODERS[encoding](answer.body).equals(plain.body)).toBe(true);
  }
});

test('a client that accepts no form of the page gets 406', async () => {
  for (const accepted of ['identity;q=0', '*;q=0', 'br;q=0, gzip;q=0, identity;q=0']) {
    const { status, headers } = await get('/graphql', { 'accept-encoding': accepted });
    expect(status).toBe(406);
    expect(headers.vary).toMatch(/^Origin, .*Accept-Encoding/);
  }
});

test('the page has an ETag for each form, and a client that has it gets 304', async () => {
  const tags = new Set<string>();
  for (const encoding of ['br', 'gzip', 'identity']) {
    const accept = { 'accept-encoding': encoding };
    const { headers } = await get('/graphql', accept);
    const etag = headers.etag!;
    expect(etag).toMatch(/^"[^"]+"$/);
    tags.add(etag);
    for (const held of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get('/graphql', { ...accept, 'if-none-match': held });
      expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, etag]);
      expect(again.headers['cache-control']).toBe(headers['cache-control']);
      expect(again.headers.vary).toBe(headers.vary);
    }
    const other = await get('/graphql', { ...accept, 'if-none-match': '"other"' });
    expect(other.status).toBe(200);
  }
  expect(tags.size).toBe(3);
});

test('HEAD returns the headers of GET without the body', async () => {
  const [asset] = await assetsOf('/graphql');
  for (const path of ['/graphql', '/graphql/', asset!, '/graphql-explorer/none.js']) {
    const { date: _, 'x-request-id': _id, ...expected } = (await get(path)).headers;
    const head = await get(path, {}, { method: 'HEAD' });
    expect(head.headers).toMatchObject(expected);
    expect(head.body.length).toBe(0);
  }
  const held = { 'if-none-match': '*' };
  expect((await get('/graphql', held, { method: 'HEAD' })).status).toBe(304);
});

test('the page is revalidated each time; its files are cached for a year', async () => {
  const page = await get('/graphql');
  const assets = await assetsOf('/graphql');

  expect(page.headers['cache-control']).toBe('no-cache');
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(assets.length).toBeGreaterThan(1);
  for (const asset of assets) {
    const { status, headers } = await get(asset);
    expect([asset, status]).toEqual([asset, 200]);
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(asset).toMatch(/-[\w-]{8}\.(js|css|svg)$/);
  }
});

test('the page uses relative URLs at both of its paths, and names no other host', async () => {
  for (const path of ['/graphql', '/graphql/']) {
    const { body } = await get(path);
    expect(body.toString()).not.toMatch(/https?:|\/\/\w/);
    for (const asset of await assetsOf(path)) expect((await get(asset)).status).toBe(200);
  }
});

test('the page may load and call its own server only', async () => {
  const policy = (await get('/graphql')).headers['content-security-policy'];

  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).toContain("connect-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
});

test.each(['none.js', '..%2Findex.html', '%2e%2e%2Fstamp', 'constructor', 'index.html', '.br'])(
  'there is no explorer file %s',
  async (name) => {
    expect((await get(`/graphql-explorer/${name}`)).status).toBe(404);
  },
);

test('with GRAPHQL_EXPLORER=false there is neither page nor file', async () => {
  const [asset] = await assetsOf('/graphql');
  await using closed = await startTestServer({ GRAPHQL_EXPLORER: 'false' });

  expect((await get('/graphql', {}, { url: closed.url })).status).toBe(400);
  expect((await get(asset!, {}, { url: closed.url })).status).toBe(404);
});

test('the explorer’s tabs are Look, Hold, Order, Live and Admin, each valid in the schema', () => {
  const schema = buildSchema(textOf('schema.graphql'));
  const documents = TABS.map(({ query }) => parse(query));
  const names = documents.flatMap(({ definitions }) =>
    definitions.map((definition) => 'name' in definition && definition.name?.value),
  );

  expect(names).toEqual(['Look', 'Hold', 'Order', 'Live', 'Admin']);
  expect(documents.flatMap((document) => validate(schema, document))).toEqual([]);
});

test('an explorer that is not built is answered 503, with the command that builds it', async () => {
  const app = express();
  serveExplorer(app, true, 'no such folder');
  const listener = app.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;

  const answers = [
    await get('/graphql', {}, { url }),
    await get('/graphql-explorer/main.js', {}, { url }),
  ];
  listener.close();

  expect(answers.map(({ status }) => status)).toEqual([503, 503]);
  expect(answers[0]!.body.toString()).toContain('npm run build');
});
