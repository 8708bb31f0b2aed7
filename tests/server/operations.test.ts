import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ask, CREATE_HOLD, CREATE_ORDER } from '../support/graphql-client.ts';
import { buildServer, ServerProcesses, statusOf } from '../support/server-process.ts';
import { restartInTurn } from '../support/rolling-restart.ts';
import { createTestDatabase, makeProduct, openTestShop } from '../support/shop.ts';

const WAIT_MS = 60_000;

/** The duration of the rolling restart; RESTART_SECONDS=120 for a long manual run. */
const RESTART_MS = Number(process.env['RESTART_SECONDS'] ?? 8) * 1000;

let servers: ServerProcesses;

beforeAll(buildServer, WAIT_MS);

beforeEach(() => {
  servers = new ServerProcesses();
});

afterEach(() => servers.clear(), WAIT_MS);

test(
  'each of three workers exports the metrics of all, and those of the database once',
  async () => {
    const url = await servers.start({ WORKERS: '3' }).ready();
    const input = { productId: '1' };
    // Each on a connection of its own, so that the workers share them.
    for (let count = 0; count < 12; count += 1)
      await ask(url, CREATE_HOLD, { input }, { connection: 'close' });

    const texts = await Promise.all(
      [1, 2, 3, 4].map(async () => (await fetch(`${url}/metrics`)).text()),
    );

    for (const text of texts) {
      expect(text).toMatch(/^flashsale_holds_total\{outcome="HELD"\} 12$/m);
      expect(text.match(/^flashsale_stock_units\{product="1",bucket="held"\} 12$/gm)).toHaveLength(
        1,
      );
      expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
    }
  },
  WAIT_MS,
);

/** A span as a collector receives it. */
interface Span {
  readonly traceId: string;
  readonly name: string;
}

/** A collector of traces, and what it was sent. */
async function openCollector() {
  const bodies: string[] = [];
  const paths = new Set<string>();
  const server = createServer((request, response) => {
    paths.add(request.url!);
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      bodies.push(body);
      response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    paths,
    text: () => bodies.join('\n'),
    spans: () =>
      bodies.flatMap((body) =>
        (JSON.parse(body).resourceSpans as { scopeSpans: { spans: Span[] }[] }[]).flatMap(
          ({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans),
        ),
      ),
    [Symbol.dispose]: () => void server.close(),
  };
}

test(
  'with a collector, one trace contains the request, GraphQL and SQL, without tokens',
  async () => {
    using collector = await openCollector();
    const server = servers.start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const url = await server.ready();
    const { token } = await ask(url, CREATE_HOLD, { input: { productId: '1' } });
    await ask(url, CREATE_ORDER, { token });
    await ask(url, `{ hold(token: "${token}") { id } }`);
    await statusOf(`${url}/readyz`);

    server.child.kill('SIGTERM');
    expect(await server.exited).toBe(0);

    const spans = collector.spans();
    expect([...collector.paths]).toEqual(['/v1/traces']);
    const placed = spans.find(({ name }) => name.startsWith('mutation'))!;
    const names = spans.filter(({ traceId }) => traceId === placed.traceId).map(({ name }) => name);
    expect(names).toContain('POST');
    expect(names.some((name) => name.startsWith('pg.query'))).toBe(true);
    expect(names.some((name) => name.startsWith('graphql'))).toBe(true);
    expect(collector.text()).not.toContain(token.split('.')[1]);
    expect(collector.text()).not.toContain('/readyz');
  },
  WAIT_MS,
);

test(
  'three servers restarted in turn under load fail no accepted request',
  async () => {
    const database = await createTestDatabase();
    await using stack = new AsyncDisposableStack();
    stack.defer(() => database.drop());
    await using beside = await openTestShop(database.url, { poolMax: 2 });
    const productId = await makeProduct(beside.shop, { totalStock: 1_000_000 });

    const run = await restartInTurn({
      servers,
      databaseUrl: database.url,
      productId,
      ms: RESTART_MS,
    });
    const [counted] = await beside.database.rows<{ held: number }>(
      'select held from stock_levels where product_id = $1',
      [productId],
    );

    expect(run.failures).toEqual([]);
    expect(run.restarts).toBeGreaterThanOrEqual(3);
    expect(run.holds).toBeGreaterThan(100);
    // Each hold that was answered is there, and no other.
    expect(counted!.held).toBe(run.holds);
  },
  // Six starts on a loaded machine take minutes.
  RESTART_MS + 5 * WAIT_MS,
);
