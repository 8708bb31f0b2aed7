import { createHash } from 'node:crypto';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { getRaw, type RawAnswer } from '../support/http-get.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ STOREFRONT: 'false' });
});

afterAll(() => server.stop());

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  getRaw(server.url + path, headers, method);

const DECODERS = {
  br: brotliDecompressSync,
  gzip: gunzipSync,
  identity: (body: Buffer) => body,
} as const;

/** The paths of the files that a page names, as a browser at this path resolves them. */
function assetsOf(path: string, { body }: RawAnswer): string[] {
  const names = body.toString().matchAll(/(?:src|href)="(\.\/[^"]*\.\w+)"/g);
  return [...names].map(([, name]) => new URL(name!, server.url + path).pathname);
}

/** The directives of a policy by name. */
function policyOf({ headers }: RawAnswer): Record<string, string> {
  const text = String(headers['content-security-policy']);
  return Object.fromEntries(text.split('; ').map((one) => one.split(/ (.*)/) as [string, string]));
}

describe.each(['/', '/console'])('the page %s', (path) => {
  test.each(['br', 'gzip', 'identity'] as const)('is sent as %s', async (encoding) => {
    const plain = await get(path);
    const answer = await get(path, { 'accept-encoding': encoding });

    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.headers['content-encoding'] ?? 'identity').toBe(encoding);
    expect(answer.headers.vary).toContain('Accept-Encoding');
    expect(DECODERS[encoding](answer.body).equals(plain.body)).toBe(true);
  });

  test('has an ETag, and is answered 304 to a client that has it', async () => {
    const { headers } = await get(path);
    const again = await get(path, { 'if-none-match': headers.etag! });
    const other = await get(path, { 'if-none-match': '"other"' });

    expect(headers['cache-control']).toBe('no-cache');
    expect([again.status, again.body.length]).toEqual([304, 0]);
    expect(other.status).toBe(200);
  });

  test('is answered to HEAD with the headers of GET and no body', async () => {
    const { date: _, 'x-request-id': _id, ...expected } = (await get(path)).headers;
    const head = await get(path, {}, 'HEAD');

    expect(head.headers).toMatchObject(expected);
    expect(head.body.length).toBe(0);
  });

  test('may load and call its own server only, and runs no inline code', async () => {
    const answer = await get(path);
    const policy = policyOf(answer);

    expect(Object.values(policy).join(' ')).not.toMatch(/unsafe|\*|http/);
    expect(policy).toMatchObject({
      'default-src': "'none'",
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
    });
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['referrer-policy']).toBe('no-referrer');
  });

  test('names no other host, and each file that it names is served', async () => {
    const answer = await get(path);
    expect(answer.body.toString()).not.toMatch(/https?:|\/\/\w/);
    for (const asset of assetsOf(path, answer)) expect((await get(asset)).status).toBe(200);
  });

  test('does not accept POST', async () => {
    expect((await get(path, {}, 'POST')).status).toBe(404);
  });
});

test('the files of the console have hashed names and are cached for a year', async () => {
  const assets = assetsOf('/console', await get('/console'));

  expect(assets.length).toBeGreaterThan(2);
  for (const asset of assets) {
    expect(asset).toMatch(/^\/console-assets\/[\w-]+-[\w-]{8}\.(js|css|svg)$/);
    expect((await get(asset)).headers['cache-control']).toBe('public, max-age=31536000, immutable');
  }
});

test('the console works at /console/ as well', async () => {
  const page = await get('/console/');
  const assets = assetsOf('/console/', page);

  expect(page.status).toBe(200);
  for (const asset of assets) expect((await get(asset)).status).toBe(200);
});

test('the console is under 150 KiB compressed', async () => {
  const page = await get('/console', { 'accept-encoding': 'br' });
  const assets = assetsOf('/console', await get('/console'));
  const sizes = await Promise.all(
    assets.map(async (asset) => (await get(asset, { 'accept-encoding': 'br' })).body.length),
  );
  const total = sizes.reduce((sum, size) => sum + size, page.body.length);

  expect(total).toBeGreaterThan(20_000);
  expect(total).toBeLessThan(150 * 1024);
});

test.each([
  '/console-assets/',
  '/console-assets/none.js',
  '/console-assets/index.html',
  '/console-assets/..%2Findex.html',
  '/console-assets/%2e%2e%2fstamp',
  '/console-assets/../stamp',
  '/console-assets/..%5c..%5cpackage.json',
  '/console-assets/constructor',
  '/console/index.html',
  '/console/none',
  '/index.html',
  '/stamp',
])('there is no page file %s', async (path) => {
  expect((await get(path)).status).toBe(404);
});

test('a page file with a malformed path is refused', async () => {
  expect((await get('/console-assets/%E0%A4%A')).status).toBe(400);
});

test('the plain page names the server and links what is served', async () => {
  const linksOf = ({ body }: RawAnswer) =>
    [...body.toString().matchAll(/<a href="([^"]+)"/g)].map(([, link]) => link);
  const page = await get('/');

  expect(page.body.toString()).toContain('Flash-sale checkout server');
  expect(linksOf(page)).toEqual(['./console', './graphql', './healthz', './readyz', './metrics']);
  for (const link of linksOf(page))
    expect((await get(new URL(link!, `${server.url}/`).pathname)).status).toBe(200);
});

test('the style of the plain page is admitted by its hash', async () => {
  const answer = await get('/');
  const [, style] = /<style>([^]*)<\/style>/.exec(answer.body.toString())!;
  const hash = createHash('sha256').update(style!).digest('base64');

  expect(policyOf(answer)['style-src']).toBe(`'sha256-${hash}'`);
});

test('with CONSOLE=false there is neither the console, nor its files, nor a link to it', async () => {
  const [asset] = assetsOf('/console', await get('/console'));
  await using closed = await startTestServer({ CONSOLE: 'false', STOREFRONT: 'false' });

  expect((await getRaw(`${closed.url}/console`)).status).toBe(404);
  expect((await getRaw(closed.url + asset)).status).toBe(404);
  expect((await getRaw(closed.url)).body.toString()).not.toContain('./console');
});
