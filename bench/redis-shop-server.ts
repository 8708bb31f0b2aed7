import type { Hold } from '../src/shop/purchases/hold.entity.ts';
import type { HoldRequest } from '../src/shop/purchases/hold.rules.ts';
import type { HoldResult } from '../src/shop/purchases/batches/queues.ts';
import { built, closers, log, settings, shop, stopAtSignal } from './reference-shop.ts';
import { RedisHolds } from './redis-holds.ts';

/*
 * The reference for holds: the port, HTTP server, GraphQL and schema of this server, but holds are created
 * in Redis instead of the batch queue. bench/redis.ts runs it as a child process; REDIS_SOCKET is the path
 * of the socket of Redis.
 */

const { BatchQueues } = await built<typeof import('../src/lib/batch-queue.ts')>(
  '../src/lib/batch-queue.ts',
);
const { Port } = await built<typeof import('../src/server/http/port/port.ts')>(
  '../src/server/http/port/port.ts',
);
const { PORT_TIMEOUTS } = await built<typeof import('../src/server/http/port/timeouts.ts')>(
  '../src/server/http/port/timeouts.ts',
);
const { Origins } = await built<typeof import('../src/server/http/origins.ts')>(
  '../src/server/http/origins.ts',
);
const { openHttp } = await built<typeof import('../src/server/http/server.ts')>(
  '../src/server/http/server.ts',
);
const { ProcessMetrics } = await built<typeof import('../src/server/metrics/process-metrics.ts')>(
  '../src/server/metrics/process-metrics.ts',
);

const { holdTtlMs, graceMs, trustedHops, adminToken, host, port: number } = settings;
const redis = await RedisHolds.connect(process.env['REDIS_SOCKET']!, holdTtlMs);
closers.push('Redis', async () => redis.close());

const added = new Map<number, Promise<void>>();

/** Copies a product to Redis before its first hold. */
function addOnce(productId: number): Promise<void> {
  const adding = added.get(productId) ?? add(productId);
  added.set(productId, adding);
  return adding;
}

async function add(productId: number): Promise<void> {
  const [found] = await shop.productCache.load([productId]);
  if (!found) throw new Error(`Product ${productId} does not exist.`);
  await redis.addProduct(productId, { ...found, available: found.stock.available });
}

async function createHold(productId: number, request: HoldRequest): Promise<HoldResult> {
  await addOnce(productId);
  const { priceMinor, ...created } = await redis.create(productId, request);
  const hold = {
    ...request,
    ...created,
    productId,
    unitPriceMinor: priceMinor,
    status: 'ACTIVE',
    readAt: created.createdAt,
  };
  return { kind: 'answered', answer: hold as unknown as Hold };
}

const { meters } = new ProcessMetrics();
// Batches of one share nothing, so each request is sent to Redis at once.
const holdQueues = new BatchQueues(
  async (productId: number, batch: readonly HoldRequest[]) =>
    Promise.all(batch.map((request) => createHold(productId, request))),
  { batchMax: 1, queueMax: 1, waitMaxMs: graceMs, observer: meters },
);

const { connectionsMax, keepAliveSeconds } = settings;
const origins = new Origins({ isListed: () => false, trustedHops, log });
const timeouts = PORT_TIMEOUTS;
const port = await Port.open({
  host,
  port: number,
  connectionsMax,
  keepAliveSeconds,
  trustedHops,
  origins,
  timeouts,
});
const http = await openHttp(
  { ...shop, holdQueues },
  {
    port,
    origins,
    adminToken,
    trustedHops,
    graceMs,
    meters,
    log,
    providers: {},
    explorer: false,
    console: false,
    storefront: false,
    metrics: undefined,
    holdsPerMinute: undefined,
    isDatabaseAvailable: () => true,
  },
);
http.ready();
log.info({}, `Ready. GraphQL ${port.url}/graphql`);
stopAtSignal(async () => {
  await http.stop();
  await port.close();
});
