import cron from 'node-cron';
import { z } from 'zod';
import {
  flag,
  fraction,
  host,
  httpUrl,
  origins,
  secret,
  secretList,
  secretSetting,
  setting,
  urlText,
  webhookSecrets,
  whole,
  type Setting,
} from './kinds.ts';

/** Thirty days: no hold, order or parked event is meant to outlive it. */
const SECONDS_MAX = 30 * 24 * 3600;

/** Every setting there is; a test compares docs/configuration.md with it. */
export const SETTINGS = {
  PORT: setting(whole(0, 65_535).optional(), '4000', 'Port of everything; 0 takes a free one.'),
  HOST: setting(host.optional(), '127.0.0.1; 0.0.0.0 in production', 'Address to listen on.'),
  DATABASE_URL: secretSetting(
    'one',
    urlText.regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://').optional(),
    'none: embedded',
    'Your own PostgreSQL, 15 or newer.',
  ),
  DATABASE_ALLOW_PLAINTEXT: setting(
    flag.default(false),
    'false',
    'Whether production may reach a database on another machine without TLS.',
  ),
  DATA_DIR: setting(
    z.string().default('.data'),
    '.data',
    'Embedded database and generated development secrets.',
  ),
  NODE_ENV: setting(
    z.enum(['development', 'test', 'production']).default('development'),
    'development',
    'test is like development; production is strict.',
  ),
  HOLD_TTL_SECONDS: setting(
    fraction(0.2, SECONDS_MAX).default(120),
    '120',
    'How long a hold lasts: long enough to type a card number, short enough that an abandoned one comes back during the sale. Fractions allowed, from 0.2.',
  ),
  ORDER_PAYMENT_TTL_SECONDS: setting(
    fraction(0.2, SECONDS_MAX).default(600),
    '600',
    'How long an order awaits its payment; 1800 or more with hosted payment pages that cannot expire sooner. Fractions allowed, from 0.2.',
  ),
  PARKED_EVENT_TTL_HOURS: setting(
    fraction(0, SECONDS_MAX / 3600).default(24),
    '24',
    'How long a payment event waits for an order that never comes before it becomes a refund. Fractions allowed.',
  ),
  SWEEP_CRON: setting(
    z
      .string()
      .refine(
        (text) => text.trim().split(/\s+/).length === 6 && cron.validate(text),
        'must be a cron expression of six fields',
      )
      .default('* * * * * *'),
    '* * * * * *',
    'When due holds and orders are ended: node-cron expression, six fields.',
  ),
  HOLD_TOKEN_SECRETS: secretSetting(
    'list',
    secretList.optional(),
    'generated, kept in DATA_DIR',
    'Comma-separated, newest first; all are accepted. Servers that share a database must share these.',
  ),
  PAYMENT_WEBHOOK_SECRETS: secretSetting(
    'list',
    webhookSecrets.optional(),
    'none: unsigned accepted in development on loopback',
    'Comma-separated whsec_… secrets of the payment provider; all are accepted.',
  ),
  STRIPE_WEBHOOK_SECRETS: secretSetting(
    'list',
    secretList
      .pipe(z.array(z.string().regex(/^\S+$/, 'must be comma-separated secrets')))
      .optional(),
    'none: that route is off',
    'Comma-separated signing secrets of Stripe’s endpoint; all are accepted.',
  ),
  STRIPE_ALLOW_TEST_MODE: setting(
    flag.optional(),
    'true; false in production',
    'Whether payments of Stripe’s test mode (livemode: false) have an effect; without it they are recorded and ignored.',
  ),
  WEBHOOK_REQUIRE_AMOUNT: setting(
    flag.default(false),
    'false',
    'Whether a successful payment must name its amount.',
  ),
  ADMIN_TOKEN: secretSetting(
    'one',
    secret.optional(),
    'generated, kept in DATA_DIR, shown once',
    'Opens the operator’s part of the API: Authorization: Bearer ….',
  ),
  METRICS_TOKEN: secretSetting(
    'one',
    secret.optional(),
    'none: open in development, off in production',
    'Bearer token that GET /metrics needs.',
  ),
  DATABASE_POOL_MAX: setting(
    whole(1, 1000).default(10),
    '10',
    'Database connections of this server.',
  ),
  HOLD_BATCH_MAX: setting(
    whole(1, 10_000).default(500),
    '500',
    'Most holds of one product in one transaction; 1 turns the lane off.',
  ),
  HOLD_QUEUE_MAX: setting(
    whole(1, 1_000_000).default(5000),
    '5000',
    'Most holds that may wait for one product; past it, Busy.',
  ),
  HOLDS_PER_MINUTE: setting(
    whole(1, 1_000_000).optional(),
    'none: off',
    'Most createHold calls of one address in a minute, in each process: leave it off where a crowd shares an address.',
  ),
  CONNECTIONS_MAX: setting(
    whole(10, 1_000_000).default(18_000),
    '18000',
    'Most open connections of callers, in each process; nine tenths of them may be websockets. A further one is closed at once.',
  ),
  KEEP_ALIVE_SECONDS: setting(
    fraction(1, 3600).default(75),
    '75',
    'How long an idle HTTP connection is kept: longer than the load balancer keeps it. The Keep-Alive header names 5 seconds less. From 1.',
  ),
  TRUSTED_PROXY_HOPS: setting(
    whole(0, 10).default(0),
    '0',
    'Proxies of yours in front: so many entries of X-Forwarded-For are believed, and from 1 on X-Request-Id.',
  ),
  ALLOWED_ORIGINS: setting(
    origins.optional(),
    'any loopback origin; none in production',
    'Comma-separated origins whose pages may call the API and open its websocket.',
  ),
  WORKERS: setting(
    whole(1, 256).default(1),
    '1',
    'Server processes on this machine, behind one port; each has a pool of its own.',
  ),
  SERVERS: setting(
    whole(1, 1000).default(1),
    '1',
    'Such machines: pool × workers × servers is held against max_connections in production.',
  ),
  SHUTDOWN_GRACE_SECONDS: setting(
    fraction(0, 3600).default(10),
    '10',
    'How long a stop may take before it cuts what is under way: four times the interval at which the load balancer asks /readyz, or more.',
  ),
  ALLOW_DATA_LOSS: setting(
    flag.default(false),
    'false',
    'Whether production may run on a database with fsync, full_page_writes or synchronous_commit off.',
  ),
  GRAPHQL_EXPLORER: setting(
    flag.optional(),
    'true; false in production',
    'Whether GET /graphql serves the explorer and introspection is answered.',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(
    httpUrl.optional(),
    'none: no tracing',
    'Base URL of an OTLP/HTTP collector that gets traces.',
  ),
  LOG_LEVEL: setting(
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    'info',
    'How much is logged.',
  ),
  SEED_DEMO: setting(
    flag.optional(),
    'true; false in production',
    'Whether an empty catalogue gets the demo sale.',
  ),
} as const satisfies Record<string, Setting>;
