import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Meters } from './meters.ts';
import { droppedLogLines } from '../../lib/log-output.ts';
import { VERSION } from '../../lib/version.ts';

/** What can be looked at in this process at any moment, without asking anyone. */
export interface LiveFigures {
  /** Requests for holds that wait in lanes. */
  queueDepth(): number;
  connections(): Promise<number>;
  sockets(): number;
  subscriptions(): number;
  /** Connections of the database's pool, and how many wait for one. */
  pool(): { readonly idle: number; readonly busy: number; readonly waiting: number };
  /** Whether the change notifications of other servers arrive. */
  isReceivingChanges(): boolean;
}

/** Seconds: from a hold on an idle server to the longest that anyone is let wait. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Riders: up to the largest batch that the settings' default allows. */
const RIDERS = [1, 2, 5, 10, 25, 50, 100, 250, 500];

/** Node's own figures: of the process, however many servers it runs, hence made once. */
let nodeRegistry: Registry | undefined;

function nodeFigures(): Registry {
  if (nodeRegistry === undefined) {
    nodeRegistry = new Registry();
    collectDefaultMetrics({ register: nodeRegistry });
    const build = new Gauge({
      name: 'flashsale_build_info',
      help: 'Always 1; the labels say which build runs on which Node.',
      labelNames: ['version', 'node_version'],
      registers: [nodeRegistry],
      // Workers of one server are one build: their figures are not added up.
      aggregator: 'max',
    });
    const dropped = new Counter({
      name: 'flashsale_log_lines_dropped_total',
      help: 'Log lines that were dropped because nothing read the log.',
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

/** One server process's figures: what the meters were told, and what can be looked at live. */
export class ProcessMetrics {
  readonly meters: Meters;
  /** Where the figures stand, for a scrape or for the primary that adds workers up. */
  readonly registries: readonly Registry[];
  readonly #registry = new Registry();

  constructor() {
    this.meters = openMeters(this.#registry);
    this.registries = [nodeFigures(), this.#registry];
  }

  /** From now on scrapes look at these too. */
  watch(live: LiveFigures): void {
    const gauge = (name: string, help: string, read: () => number): void => {
      const collect = (): void => made.set(read());
      const made = new Gauge({ name, help, registers: [this.#registry], collect });
    };
    gauge('flashsale_hold_queue_depth', 'Requests for holds that wait in lanes.', () =>
      live.queueDepth(),
    );
    const connections: Gauge = new Gauge({
      name: 'flashsale_connections',
      help: 'Open connections of callers, websockets among them.',
      registers: [this.#registry],
      async collect() {
        connections.set(await live.connections());
      },
    });
    gauge('flashsale_sockets', 'Open websockets.', () => live.sockets());
    gauge('flashsale_subscribers', 'Live subscriptions.', () => live.subscriptions());
    const notifications: Gauge = new Gauge({
      name: 'flashsale_change_notifications_up',
      help: 'Whether change notifications of other servers arrive; without, live stock is read each second.',
      registers: [this.#registry],
      // Of several workers, whether it is so in each.
      aggregator: 'min',
      collect: () => notifications.set(Number(live.isReceivingChanges())),
    });
    const pool = new Gauge({
      name: 'flashsale_database_pool_connections',
      help: 'Connections of the pool by state; waiting counts those who wait for one.',
      labelNames: ['state'],
      registers: [this.#registry],
      collect() {
        for (const [state, count] of Object.entries(live.pool())) pool.set({ state }, count);
      },
    });
  }

  /** The figures as Prometheus reads them. */
  async text(): Promise<string> {
    return (await Promise.all(this.registries.map((one) => one.metrics()))).join('\n');
  }
}

/** Makes the instruments. Those whose first count may be long in coming stand at 0 from the start. */
function openInstruments(registry: Registry) {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `flashsale_${name}`, help, labelNames, registers });
  const histogram = (
    name: string,
    help: string,
    more: { readonly labelNames?: string[]; readonly buckets?: number[] } = {},
  ) => new Histogram({ name: `flashsale_${name}`, help, buckets: SECONDS, registers, ...more });

  const holds = counter('holds_total', 'Answers to createHold by outcome.', ['outcome']);
  const shed = counter('shed_total', 'Requests for holds turned away, by reason.', ['reason']);
  const limited = counter('rate_limited_total', 'Requests refused by a limit.', ['limit']);
  const reconciled = counter('reconciliations_total', 'Hourly reconciliations by result.', [
    'result',
  ]);
  for (const result of ['balanced', 'unbalanced']) reconciled.inc({ result }, 0);
  for (const outcome of ['HELD', 'INSUFFICIENT_STOCK', 'BUSY']) holds.inc({ outcome }, 0);
  for (const reason of ['queue', 'wait', 'lock', 'database']) shed.inc({ reason }, 0);
  for (const limit of ['holds', 'tokens', 'admin']) limited.inc({ limit }, 0);
  return {
    holds,
    shed,
    limited,
    reconciled,
    size: histogram('hold_batch_size', 'Holds that ride in one commit.', { buckets: RIDERS }),
    wait: histogram('hold_batch_wait_seconds', 'How long a batch’s first rider waited.'),
    lock: histogram('stock_lock_wait_seconds', 'Waits for a product’s stock row.'),
    http: histogram('http_request_duration_seconds', 'Answers over HTTP.', {
      labelNames: ['door', 'status'],
    }),
    webhooks: counter('webhooks_total', 'Deliveries by the event’s outcome or the error’s code.', [
      'provider',
      'outcome',
    ]),
    duplicates: counter('webhook_duplicates_total', 'Known events that came again.', ['provider']),
    runs: histogram('job_duration_seconds', 'Runs of the clockwork by their end.', {
      labelNames: ['job', 'result'],
    }),
    ended: counter('sweep_ended_total', 'Holds and orders that the sweep ended.'),
    refused: counter('connections_refused_total', 'Connections that were not taken.'),
  };
}

/** The words that move the instruments. */
function openMeters(registry: Registry): Meters {
  const made = openInstruments(registry);
  return {
    holdsAnswered: (outcome, count) => made.holds.inc({ outcome }, count),
    rejected(reason, count) {
      made.shed.inc({ reason }, count);
      made.holds.inc({ outcome: reason === 'database' ? 'OVERLOADED' : 'BUSY' }, count);
    },
    batchStarted(batch) {
      made.size.observe(batch.size);
      made.wait.observe(batch.waitedMs / 1000);
    },
    lockWaited: (ms) => made.lock.observe(ms / 1000),
    answered: (door, { status, ms }) => made.http.observe({ door, status }, ms / 1000),
    webhookAnswered: (provider, outcome) => made.webhooks.inc({ provider, outcome }),
    duplicateWebhook: (provider) => made.duplicates.inc({ provider }),
    ran: (job, { ms, failed }) =>
      made.runs.observe({ job, result: failed ? 'failed' : 'done' }, ms / 1000),
    swept: (count) => made.ended.inc(count),
    reconciled: (balanced) => made.reconciled.inc({ result: balanced ? 'balanced' : 'unbalanced' }),
    rateLimited: (limit) => made.limited.inc({ limit }),
    connectionRefused: () => made.refused.inc(),
  };
}
