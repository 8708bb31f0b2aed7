import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { outcomeOfRejection, type Meters } from './meters.ts';
import { droppedLogLines } from '../../lib/log-output.ts';
import { VERSION } from '../../lib/version.ts';

/** Values that a scrape reads from this process directly. */
export interface LiveFigures {
  /** Requests for holds that wait in the batch queues. */
  queueDepth(): number;
  connections(): Promise<number>;
  sockets(): number;
  subscriptions(): number;
  /** Connections of the database pool by state, and the number of requests that wait for one. */
  pool(): { readonly idle: number; readonly busy: number; readonly waiting: number };
  /** Whether the change notifications of other servers arrive. */
  isReceivingChanges(): boolean;
}

/** Buckets in seconds: from a hold on an idle server to the longest wait that is allowed. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Buckets of batch sizes, up to the default of HOLD_BATCH_MAX. */
const BATCH_SIZES = [1, 2, 5, 10, 25, 50, 100, 250, 500];

/** Node's default metrics. They describe the process, so they are registered once. */
let nodeRegistry: Registry | undefined;

function nodeMetrics(): Registry {
  if (nodeRegistry === undefined) {
    nodeRegistry = new Registry();
    collectDefaultMetrics({ register: nodeRegistry });
    const build = new Gauge({
      name: 'flashsale_build_info',
      help: 'Always 1. The labels have the version of the server and of Node.',
      labelNames: ['version', 'node_version'],
      registers: [nodeRegistry],
      // All workers of a server have one build, so their values are not added up.
      aggregator: 'max',
    });
    const dropped = new Counter({
      name: 'flashsale_log_lines_dropped_total',
      help: 'Log lines dropped because standard output was not read.',
      registers: [nodeRegistry],
      collect() {
        dropped.reset();
        dropped.inc(droppedLogLines());
      },
    });
    build.set({ version: VERSION, node_version: process.versions.node }, 1);
  }
  return nodeRegistry;
}

/** The metrics of one server process: counted events and current values. */
export class ProcessMetrics {
  readonly meters: Meters;
  /** The registries, for a scrape or for the primary, which aggregates the workers. */
  readonly registries: readonly Registry[];
  readonly #registry = new Registry();

  constructor() {
    this.meters = createMeters(this.#registry);
    this.registries = [nodeMetrics(), this.#registry];
  }

  /** Adds these values to every later scrape. */
  watch(live: LiveFigures): void {
    const gauge = (name: string, help: string, read: () => number): void => {
      const collect = (): void => made.set(read());
      const made = new Gauge({ name, help, registers: [this.#registry], collect });
    };
    gauge('flashsale_hold_queue_depth', 'Requests for holds waiting in the batch queues.', () =>
      live.queueDepth(),
    );
    const connections: Gauge = new Gauge({
      name: 'flashsale_connections',
      help: 'Open client connections, including websockets.',
      registers: [this.#registry],
      async collect() {
        connections.set(await live.connections());
      },
    });
    gauge('flashsale_sockets', 'Open websocket connections.', () => live.sockets());
    gauge('flashsale_subscribers', 'Active GraphQL subscriptions.', () => live.subscriptions());
    const notifications: Gauge = new Gauge({
      name: 'flashsale_change_notifications_up',
      help: 'Whether this server receives change notifications of other servers. If 0, it reads changes every second.',
      registers: [this.#registry],
      // 1 only if every worker receives them.
      aggregator: 'min',
      collect: () => notifications.set(Number(live.isReceivingChanges())),
    });
    const pool = new Gauge({
      name: 'flashsale_database_pool_connections',
      help: 'Connections of the database pool by state (idle, busy). The state waiting counts requests that wait for one.',
      labelNames: ['state'],
      registers: [this.#registry],
      collect() {
        for (const [state, count] of Object.entries(live.pool())) pool.set({ state }, count);
      },
    });
  }

  /** The metrics in Prometheus' text format. */
  async text(): Promise<string> {
    return (await Promise.all(this.registries.map((one) => one.metrics()))).join('\n');
  }
}

/** Creates the counters and histograms. Counters of rare events are set to 0 so that they exist from the start. */
function createInstruments(registry: Registry) {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `flashsale_${name}`, help, labelNames, registers });
  const histogram = (
    name: string,
    help: string,
    more: { readonly labelNames?: string[]; readonly buckets?: number[] } = {},
  ) => new Histogram({ name: `flashsale_${name}`, help, buckets: SECONDS, registers, ...more });

  const holds = counter('holds_total', 'createHold requests by outcome.', ['outcome']);
  const shed = counter('shed_total', 'createHold requests rejected under load, by reason.', [
    'reason',
  ]);
  const limited = counter('rate_limited_total', 'Requests refused by a rate limit.', ['limit']);
  const reconciled = counter('reconciliations_total', 'Reconciliations by result.', ['result']);
  for (const result of ['balanced', 'unbalanced']) reconciled.inc({ result }, 0);
  for (const outcome of ['HELD', 'INSUFFICIENT_STOCK', 'BUSY']) holds.inc({ outcome }, 0);
  for (const reason of ['queue', 'wait', 'lock', 'database']) shed.inc({ reason }, 0);
  for (const limit of ['holds', 'tokens', 'admin']) limited.inc({ limit }, 0);
  return {
    holds,
    shed,
    limited,
    reconciled,
    size: histogram('hold_batch_size', 'Requests for holds in one batch.', {
      buckets: BATCH_SIZES,
    }),
    wait: histogram('hold_batch_wait_seconds', 'Longest queue time of a request in the batch.'),
    lock: histogram('stock_lock_wait_seconds', 'Time to lock a product’s stock row.'),
    http: histogram('http_request_duration_seconds', 'Duration of HTTP requests.', {
      labelNames: ['endpoint', 'status'],
    }),
    webhooks: counter(
      'webhooks_total',
      'Webhook deliveries by outcome of the event or code of the error.',
      ['provider', 'outcome'],
    ),
    duplicates: counter('webhook_duplicates_total', 'Duplicate deliveries of payment events.', [
      'provider',
    ]),
    runs: histogram('job_duration_seconds', 'Duration of scheduled jobs by result.', {
      labelNames: ['job', 'result'],
    }),
    ended: counter('sweep_ended_total', 'Holds and orders ended by the sweep.'),
    ...createDeliveryCounters(counter),
    refused: counter('connections_refused_total', 'Client connections refused.'),
  };
}

/** The counters of events that are delivered to webhook endpoints. */
function createDeliveryCounters(
  counter: (name: string, help: string, labelNames?: string[]) => Counter,
) {
  return {
    delivered: counter(
      'event_deliveries_total',
      'Attempts to deliver an event to a webhook endpoint, by result (delivered, failed).',
      ['webhook_endpoint', 'result'],
    ),
    disabled: counter(
      'webhook_endpoints_disabled_total',
      'Webhook endpoints that the server disabled.',
    ),
  };
}

/** The Meters interface on top of Prometheus counters and histograms. */
function createMeters(registry: Registry): Meters {
  const instruments = createInstruments(registry);
  return {
    holdsAnswered: (outcome, count) => instruments.holds.inc({ outcome }, count),
    rejected(reason, count) {
      instruments.shed.inc({ reason }, count);
      instruments.holds.inc({ outcome: outcomeOfRejection(reason) }, count);
    },
    batchStarted(batch) {
      instruments.size.observe(batch.size);
      instruments.wait.observe(batch.waitedMs / 1000);
    },
    lockWaited: (ms) => instruments.lock.observe(ms / 1000),
    answered: (endpoint, { status, ms }) =>
      instruments.http.observe({ endpoint, status }, ms / 1000),
    webhookAnswered: (provider, outcome) => instruments.webhooks.inc({ provider, outcome }),
    duplicateWebhook: (provider) => instruments.duplicates.inc({ provider }),
    ran: (job, { ms, failed }) =>
      instruments.runs.observe({ job, result: failed ? 'failed' : 'done' }, ms / 1000),
    swept: (count) => instruments.ended.inc(count),
    reconciled: (balanced) =>
      instruments.reconciled.inc({ result: balanced ? 'balanced' : 'unbalanced' }),
    rateLimited: (limit) => instruments.limited.inc({ limit }),
    delivered: (endpointId, delivered) =>
      instruments.delivered.inc({
        webhook_endpoint: endpointId,
        result: delivered ? 'delivered' : 'failed',
      }),
    endpointDisabled: () => instruments.disabled.inc(),
    connectionRefused: () => instruments.refused.inc(),
  };
}
