import { adminCreateEndpoint } from '../../src/shop/admin/admin-webhooks.ts';
import { ADMIN_CALLER } from '../support/buyer.ts';
import { ShopMetrics } from '../../src/server/metrics/shop-metrics.ts';
import { readFigures, type ShopFigures } from '../../src/shop/reconciliation/read-figures.ts';
import { ask, CREATE_HOLD, CREATE_ORDER, HOLD_QUERY, send } from '../support/graphql-client.ts';
import { filesLike, textOf } from '../support/project.ts';
import { deliver, success } from '../support/provider.ts';
import { openDatabaseProxy, startTestServer, type TestServer } from '../support/server.ts';
import { makeProduct, moveClock, openSession, until } from '../support/shop.ts';
import { openSocket } from '../support/socket-client.ts';

const SECRET = `whsec_${Buffer.from('a webhook secret for metrics tests').toString('base64')}`;

/** The value of each sample of a scrape, by the sample's name and labels as they are printed. */
type Samples = ReadonlyMap<string, number>;

async function scrape(url: string, headers: Record<string, string> = {}): Promise<Samples> {
  const response = await fetch(`${url}/metrics`, { headers });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return samplesIn(await response.text());
}

function samplesIn(text: string): Samples {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

/** The names of metrics in PromQL: ours and Node's. */
const namesIn = (text: string): string[] => [
  ...new Set(text.match(/\b(?:flashsale|nodejs|process)_\w+/g) ?? []),
];

describe('a server after some traffic', () => {
  let server: TestServer;
  let productId: string;
  let samples: Samples;

  beforeAll(async () => {
    server = await startTestServer({ PAYMENT_WEBHOOK_SECRETS: SECRET, SWEEP_CRON: '0 0 0 1 1 *' });
    const { url } = server;
    productId = String(await makeProduct(server.shop, { totalStock: 5 }));
    // Nothing listens there: the delivery of the paid order fails.
    const refusing = { url: 'http://127.0.0.1:9/', description: null };
    await adminCreateEndpoint(server.shop, ADMIN_CALLER, {
      ...refusing,
      eventTypes: ['ORDER_PAID'],
    });
    const input = { productId, quantity: 2 };
    const { token, orderId } = await ask(url, CREATE_HOLD, { input });
    const { token: due } = await ask(url, CREATE_HOLD, { input });
    await ask(url, CREATE_HOLD, { input });
    await ask(url, CREATE_ORDER, { token });
    const event = success(orderId);
    await deliver(url, event, { secret: SECRET });
    await deliver(url, event, { secret: SECRET });
    await deliver(url, success(crypto.randomUUID()), { secret: SECRET });
    await deliver(url, success(orderId), { secret: SECRET });
    await deliver(url, event);
    await send(url, HOLD_QUERY, { token: `${due}x` });
    await using socket = await openSocket(server.socketUrl);
    const received = socket.subscribe(
      'subscription ($ids: [ID!]!) { stockChanged(productIds: $ids) { id } }',
      { ids: [productId] },
    );
    await until('the first value', () => received.values.length > 0);
    await moveClock(server.database, 130_000);
    // The first scheduled run and the first read of the figures may not have ended yet.
    samples = await until('a scheduled run and the figures of the database', async () => {
      const samples = await scrape(url);
      const hasRun = [...samples.keys()].some((name) => name.startsWith('flashsale_job_duration'));
      const hasTried = [...samples.keys()].some((name) => name.includes('event_deliveries_total'));
      return hasRun && hasTried && samples.get('flashsale_database_up') === 1 && samples;
    });
  }, 30_000);

  afterAll(() => server.stop());

  test('its scrape has the version of the server and of Node', () => {
    const { version } = JSON.parse(textOf('package.json')) as { readonly version: string };
    const labels = `version="${version}",node_version="${process.versions.node}"`;

    expect(samples.get(`flashsale_build_info{${labels}}`)).toBe(1);
  });

  test('its scrape has every metric of the dashboard and the alert rules', () => {
    const dashboard = textOf('ops/dashboard.json');
    const named = namesIn(dashboard + textOf('ops/alerts.yml'));
    const names = new Set([...samples.keys()].map((sample) => sample.split('{')[0]!));

    expect(filesLike('ops/*').toSorted()).toEqual([
      'ops/alerts.yml',
      'ops/dashboard.json',
      'ops/prometheus.yml',
    ]);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !names.has(name))).toEqual([]);
  });

  test('the dashboard shows every metric of the shop', () => {
    const shown = namesIn(textOf('ops/dashboard.json'));
    const families = [...samples.keys()]
      .map((sample) => sample.split('{')[0]!.replace(/_(bucket|sum|count)$/, ''))
      .filter((name) => name.startsWith('flashsale_'));

    const unseen = [...new Set(families)].filter(
      (family) => !shown.some((name) => name.startsWith(family)),
    );
    expect(unseen).toEqual([]);
  });

  test('holds are counted by outcome, batches by size, locks by wait', () => {
    expect(samples.get('flashsale_holds_total{outcome="HELD"}')).toBe(2);
    expect(samples.get('flashsale_holds_total{outcome="INSUFFICIENT_STOCK"}')).toBe(1);
    expect(samples.get('flashsale_hold_batch_size_count')).toBe(3);
    expect(samples.get('flashsale_hold_batch_size_sum')).toBe(3);
    expect(samples.get('flashsale_hold_batch_wait_seconds_count')).toBe(3);
    expect(samples.get('flashsale_stock_lock_wait_seconds_count')).toBeGreaterThanOrEqual(3);
    expect(samples.get('flashsale_hold_queue_depth')).toBe(0);
  });

  test('webhooks are counted by outcome, duplicates and invalid signatures included', () => {
    const of = (outcome: string) =>
      samples.get(`flashsale_webhooks_total{provider="payments",outcome="${outcome}"}`);

    expect(['applied', 'parked', 'refund_required', 'bad_signature'].map(of)).toEqual([2, 1, 1, 1]);
    expect(samples.get('flashsale_webhook_duplicates_total{provider="payments"}')).toBe(1);
  });

  test('answers are counted by endpoint and status, subscriptions while they are active', () => {
    const answers = (endpoint: string, status: number) =>
      samples.get(
        `flashsale_http_request_duration_seconds_count{endpoint="${endpoint}",status="${status}"}`,
      );

    expect(answers('graphql', 200)).toBe(5);
    expect([200, 202, 401].map((status) => answers('webhook', status))).toEqual([3, 1, 1]);
    expect(samples.get('flashsale_sockets')).toBe(1);
    expect(samples.get('flashsale_subscribers')).toBe(1);
  });

  test('the figures of the database are exported: units, waiting events, refunds, what is overdue', () => {
    const units = (bucket: string) =>
      samples.get(`flashsale_stock_units{product="${productId}",bucket="${bucket}"}`);

    expect(['available', 'held', 'sold'].map(units)).toEqual([1, 2, 2]);
    expect(samples.get('flashsale_database_up')).toBe(1);
    expect(samples.get('flashsale_payment_events{status="parked"}')).toBe(1);
    expect(samples.get('flashsale_payment_events{status="dead"}')).toBe(0);
    expect(samples.get('flashsale_payment_event_age_seconds{status="parked"}')).toBeGreaterThan(
      129,
    );
    expect(samples.get('flashsale_open_refunds')).toBe(1);
    expect(samples.get('flashsale_open_refund_age_seconds')).toBeGreaterThan(129);
    // The hold of two minutes has been due for ten seconds, and no sweep runs.
    expect(samples.get('flashsale_sweep_lag_seconds')).toBeGreaterThan(9);
    expect(samples.get('flashsale_sweep_lag_seconds')).toBeLessThan(60);
    expect(samples.get('flashsale_reconciliations_total{result="unbalanced"}')).toBe(0);
    expect(samples.get('flashsale_database_oldest_transaction_seconds')).toBeGreaterThanOrEqual(0);
    expect(
      ['idle', 'busy', 'waiting'].map((state) =>
        samples.has(`flashsale_database_pool_connections{state="${state}"}`),
      ),
    ).toEqual([true, true, true]);
  });

  test('no label and no value of a scrape is a token, an id or an address', async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();

    // An admin makes few endpoints, and their failures are counted by endpoint.
    const others = text.replaceAll(/webhook_endpoint="[^"]*"/g, '');
    expect(others).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}|127\.0\.0\.1/);
  });
});

describe('access to /metrics', () => {
  test('with METRICS_TOKEN only its bearer may scrape', async () => {
    const token = 'a metrics token that is long enough';
    await using server = await startTestServer({ METRICS_TOKEN: token });
    const statusWith = async (authorization?: string) =>
      (await fetch(`${server.url}/metrics`, { headers: authorization ? { authorization } : {} }))
        .status;

    expect(await statusWith()).toBe(401);
    expect(await statusWith(`Bearer ${token}x`)).toBe(401);
    expect(await statusWith(token)).toBe(401);
    expect(await statusWith(`Bearer ${token}`)).toBe(200);
    expect(await statusWith(`bearer ${token}`)).toBe(200);
    expect(await statusWith(`BEARER   ${token}`)).toBe(200);
  });

  test('in production without a token /metrics does not exist', async () => {
    await using server = await startTestServer({
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      ALLOW_DATA_LOSS: 'true',
      PAYMENT_WEBHOOK_SECRETS: SECRET,
    });

    const { status } = await fetch(`${server.url}/metrics`);

    expect(status).toBe(404);
  });
});

describe('the database’s figures', () => {
  const FIGURES: ShopFigures = {
    parked: { count: 1, oldestSeconds: 2 },
    dead: { count: 0, oldestSeconds: 0 },
    withoutOrder: { count: 0, oldestSeconds: 0 },
    withoutOrderLastDay: 0,
    openRefunds: { count: 3, oldestSeconds: 4 },
    refusedRefunds: 0,
    deliveries: { count: 0, oldestSeconds: 0 },
    deliveryLagSeconds: 0,
    sweepLagSeconds: 5,
    oldestTransactionSeconds: 6,
    stock: [],
  };

  test('many simultaneous scrapes query the database once', async () => {
    let asked = 0;
    const metrics = new ShopMetrics(async () => {
      asked += 1;
      return FIGURES;
    });

    const texts = await Promise.all(Array.from({ length: 20 }, () => metrics.text()));
    await metrics.text();

    expect(asked).toBe(1);
    for (const text of texts) expect(samplesIn(text).get('flashsale_open_refunds')).toBe(3);
  });

  test('are absent while they cannot be read, and flashsale_database_up is 0', async () => {
    const metrics = new ShopMetrics(() => Promise.reject(new Error('away')));

    const samples = samplesIn(await metrics.text());

    expect([...samples]).toEqual([['flashsale_database_up', 0]]);
  });

  test('an unreachable or frozen database fails no scrape', async () => {
    await using beside = await startTestServer();
    await using line = await openDatabaseProxy(beside.databaseUrl);
    await using server = await startTestServer({
      DATABASE_URL: line.url,
      SHUTDOWN_GRACE_SECONDS: '1',
    });

    line.freeze();
    const frozen = await scrape(server.url);
    line.cut();
    const gone = await scrape(server.url);

    for (const samples of [frozen, gone]) {
      expect(samples.get('flashsale_database_up')).toBe(0);
      expect(samples.has('flashsale_open_refunds')).toBe(false);
      expect(samples.get('flashsale_hold_queue_depth')).toBe(0);
    }
  });
});

test('the age of a transaction that stays open is exported', async () => {
  await using server = await startTestServer();
  await using session = await openSession(server.databaseUrl);
  await session.query('begin');
  const began = await session.query<{ at: Date }>('select now() as at');

  const { oldestTransactionSeconds } = await readFigures(server.shop);
  const { rows } = await session.query<{ age: number }>(
    'select extract(epoch from clock_timestamp() - $1::timestamptz)::float8 as age',
    [began.rows[0]!.at],
  );

  expect(oldestTransactionSeconds).toBeGreaterThan(0);
  expect(oldestTransactionSeconds).toBeLessThanOrEqual(rows[0]!.age + 0.001);
});

test('requests refused by a locked product are counted as rejected and as BUSY', async () => {
  await using server = await startTestServer();
  const productId = await makeProduct(server.shop);
  await using session = await openSession(server.databaseUrl);
  await session.query('begin');
  await session.query('select from stock_levels where product_id = $1 for update', [productId]);

  const answers = await Promise.all(
    [1, 2, 3].map(() => ask(server.url, CREATE_HOLD, { input: { productId: String(productId) } })),
  );
  const samples = await scrape(server.url);

  expect(answers.map(({ code }) => code)).toEqual(['BUSY', 'BUSY', 'BUSY']);
  expect(samples.get('flashsale_holds_total{outcome="BUSY"}')).toBe(3);
  const shed = ['lock', 'wait'].map((reason) =>
    samples.get(`flashsale_shed_total{reason="${reason}"}`)!,
  );
  expect(shed[0]! + shed[1]!).toBe(3);
});
