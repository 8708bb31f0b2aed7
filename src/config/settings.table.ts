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

/** Thirty days: the longest lifetime of a hold, an order or a parked event. */
const SECONDS_MAX = 30 * 24 * 3600;

/** Every setting there is; a test compares docs/configuration.md with it. */
export const SETTINGS = {
  PORT: setting(whole(0, 65_535).optional(), '4000', 'Port of the server; 0 selects a free port.'),
  HOST: setting(host.optional(), '127.0.0.1; 0.0.0.0 in production', 'Address to listen on.'),
  DATABASE_URL: secretSetting(
    'one',
    urlText.regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://').optional(),
    'none: embedded',
    'URL of the PostgreSQL database, version 15 or newer.',
  ),
  DATABASE_ALLOW_PLAINTEXT: setting(
    flag.default(false),
    'false',
    'Allows production to connect to a remote database without TLS.',
  ),
  DATA_DIR: setting(
    z.string().default('.data'),
    '.data',
    'Directory of the embedded database and the generated development secrets.',
  ),
  NODE_ENV: setting(
    z.enum(['development', 'test', 'production']).default('development'),
    'development',
    'development, test (same rules) or production (strict checks at start).',
  ),
  HOLD_TTL_SECONDS: setting(
    fraction(0.2, SECONDS_MAX).default(120),
    '120',
    'Lifetime of a hold, from 0.2; fractions allowed. Units of an abandoned hold are unavailable for this time.',
  ),
  ORDER_PAYMENT_TTL_SECONDS: setting(
    fraction(0.2, SECONDS_MAX).default(600),
    '600',
    'Payment deadline of an order, from 0.2; fractions allowed. Use 1800 or more with hosted payment pages that cannot expire earlier.',
  ),
  PARKED_EVENT_TTL_HOURS: setting(
    fraction(0, SECONDS_MAX / 3600).default(24),
    '24',
    'How long a payment event waits for its order before a refund is opened. Fractions allowed.',
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
    'Schedule of the sweep that ends expired holds and orders: node-cron expression, six fields.',
  ),
  HOLD_TOKEN_SECRETS: secretSetting(
    'list',
    secretList.optional(),
    'generated, kept in DATA_DIR',
    'Secrets that sign hold tokens, comma-separated. The first signs, all verify. Servers that share a database must share these.',
  ),
  PAYMENT_WEBHOOK_SECRETS: secretSetting(
    'list',
    webhookSecrets.optional(),
    'none: unsigned accepted in development on loopback',
    'Webhook secrets of the payment provider (whsec_…), comma-separated; all are accepted.',
  ),
  STRIPE_WEBHOOK_SECRETS: secretSetting(
    'list',
    secretList
      .pipe(z.array(z.string().regex(/^\S+$/, 'must be comma-separated secrets')))
      .optional(),
    'none: that route is off',
    'Signing secrets of the Stripe webhook endpoint, comma-separated; all are accepted.',
  ),
  STRIPE_SECRET_KEY: secretSetting(
    'one',
    secret.pipe(z.string().regex(/^\S+$/, 'must not have spaces')).optional(),
    'none: payments are not started at Stripe',
    'Secret or restricted key of the Stripe account. Starts and cancels payments there.',
  ),
  STRIPE_API_URL: setting(
    httpUrl.optional(),
    'none: Stripe’s own; refused in production',
    'Base URL of a stand-in for Stripe’s API, for tests.',
  ),
  STRIPE_ALLOW_TEST_MODE: setting(
    flag.optional(),
    'true; false in production',
    'Applies events of Stripe’s test mode (livemode: false). If false, they are recorded and ignored.',
  ),
  REFUNDS_AUTOMATIC: setting(
    flag.default(true),
    'true',
    'Asks the provider of a payment to return the money of its open refund.',
  ),
  WEBHOOK_REQUIRE_AMOUNT: setting(
    flag.default(false),
    'false',
    'Requires an amount in every event of a successful payment.',
  ),
  WEBHOOKS_ALLOW_PRIVATE_NETWORKS: setting(
    flag.optional(),
    'true; false in production',
    'Allows webhook endpoints at private, loopback and link-local addresses.',
  ),
  ADMIN_TOKEN: secretSetting(
    'one',
    secret.optional(),
    'generated, kept in DATA_DIR, shown once',
    'Bearer token that authorizes the admin API.',
  ),
  METRICS_TOKEN: secretSetting(
    'one',
    secret.optional(),
    'none: open in development, off in production',
    'Bearer token that GET /metrics requires.',
  ),
  DATABASE_POOL_MAX: setting(
    whole(2, 1000).default(10),
    '10',
    'Maximum database connections of each server process, at least 2.',
  ),
  HOLD_BATCH_MAX: setting(
    whole(1, 10_000).default(500),
    '500',
    'Maximum requests of one product in one transaction; 1 disables batching.',
  ),
  HOLD_QUEUE_MAX: setting(
    whole(1, 1_000_000).default(5000),
    '5000',
    'Maximum requests for one product in the queue; further ones get Busy.',
  ),
  HOLDS_PER_MINUTE: setting(
    whole(1, 1_000_000).optional(),
    'none: off',
    'Maximum createHold calls of one address per minute, in each process. Leave it off if many buyers share an address.',
  ),
  CONNECTIONS_MAX: setting(
    whole(10, 1_000_000).default(18_000),
    '18000',
    'Maximum client connections of each process, at most 90 % of them websockets. Further ones are closed at once.',
  ),
  KEEP_ALIVE_SECONDS: setting(
    fraction(1, 3600).default(75),
    '75',
    'Idle timeout of HTTP connections, from 1. Set it longer than the load balancer’s. The Keep-Alive header has 5 seconds less.',
  ),
  TRUSTED_PROXY_HOPS: setting(
    whole(0, 10).default(0),
    '0',
    'Number of trusted reverse proxies: X-Forwarded-For entries to trust. From 1, X-Request-Id is trusted as well.',
  ),
  ALLOWED_ORIGINS: setting(
    origins.optional(),
    'any loopback origin; none in production',
    'Origins whose pages may use the API and its websocket, comma-separated.',
  ),
  WORKERS: setting(
    whole(1, 256).default(1),
    '1',
    'Server processes on this machine that share one port. Each has its own connection pool.',
  ),
  SERVERS: setting(
    whole(1, 1000).default(1),
    '1',
    'Number of such machines. Production checks pool × workers × servers against max_connections.',
  ),
  SHUTDOWN_GRACE_SECONDS: setting(
    fraction(0, 3600).default(10),
    '10',
    'Grace period of a stop; after it, requests in flight are aborted. Set it to at least four times the interval at which the load balancer polls /readyz.',
  ),
  ALLOW_DATA_LOSS: setting(
    flag.default(false),
    'false',
    'Allows production on a database with fsync, full_page_writes or synchronous_commit off.',
  ),
  GRAPHQL_EXPLORER: setting(
    flag.optional(),
    'true; false in production',
    'Serves the explorer at GET /graphql and allows introspection.',
  ),
  STOREFRONT: setting(
    flag.optional(),
    'true; false in production',
    'Serves the demo storefront at GET /. If false, or if none is built, a plain page links what is served.',
  ),
  CONSOLE: setting(
    flag.default(true),
    'true',
    'Serves the admin console at GET /console. It shows nothing without the admin token.',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(
    httpUrl.optional(),
    'none: no tracing',
    'Base URL of the OTLP/HTTP collector that receives traces.',
  ),
  LOG_LEVEL: setting(
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    'info',
    'Minimum level of log lines: fatal, error, warn, info, debug, trace or silent.',
  ),
  SEED_DEMO: setting(
    flag.optional(),
    'true; false in production',
    'Seeds an empty catalogue with the demo sale.',
  ),
} as const satisfies Record<string, Setting>;
