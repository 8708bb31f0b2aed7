import type { z } from 'zod';
import type { Connection } from '../postgres/url/connection.ts';
import type { EndpointPolicy } from '../shop/events/endpoint-url.ts';
import type { SETTINGS } from './settings.table.ts';

/** The settings as the table parses them, in the units and under the names of the environment. */
export type ParsedSettings = {
  readonly [Name in keyof typeof SETTINGS]: z.output<(typeof SETTINGS)[Name]['type']>;
};

/** The settings of one server, with defaults applied, in the units that the code uses. */
export interface Settings {
  readonly production: boolean;

  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
  readonly connectionsMax: number;
  readonly keepAliveSeconds: number;
  readonly trustedHops: number;
  /** Undefined: any loopback origin in development, none in production. */
  readonly allowedOrigins: readonly string[] | undefined;
  readonly graceMs: number;
  readonly workers: number;

  /** DATABASE_URL completed by the `PG*` variables; undefined for the embedded database. */
  readonly connection: Connection | undefined;
  readonly dataDir: string;
  /** Database connections of each process. */
  readonly poolMax: number;
  /** Machines that run this server, for the check of max_connections. */
  readonly servers: number;
  readonly allowDataLoss: boolean;
  readonly seedDemo: boolean;

  readonly holdTtlMs: number;
  readonly orderPaymentTtlMs: number;
  readonly parkedEventTtlMs: number;
  readonly sweepCron: string;
  /** Whether a successful payment must name its amount. */
  readonly requireAmount: boolean;
  /** Whether open refunds are sent to providers that can return money. */
  readonly refundsAutomatic: boolean;
  /** Newest first. */
  readonly holdTokenSecrets: readonly string[];
  /** Requests of one product in one transaction. */
  readonly batchMax: number;
  /** Requests that wait for one product. */
  readonly queueMax: number;
  /** createHold calls of one address in a minute; undefined for no limit. */
  readonly holdsPerMinute: number | undefined;

  /** Undefined: unsigned events in development on loopback; in production the route is off. */
  readonly webhookSecrets: readonly string[] | undefined;
  /** Undefined: the route is off. */
  readonly stripeWebhookSecrets: readonly string[] | undefined;
  readonly allowStripeTestMode: boolean;
  /** Undefined: payments are not started at Stripe. */
  readonly stripeSecretKey: string | undefined;
  /** Undefined: Stripe's own. */
  readonly stripeApiUrl: string | undefined;
  /** Where webhook endpoints may be. */
  readonly endpointPolicy: EndpointPolicy;

  readonly adminToken: string;
  /** Whether the admin token was generated and has not been printed yet. */
  readonly adminTokenIsNew: boolean;
  readonly metricsToken: string | undefined;
  readonly explorer: boolean;
  readonly console: boolean;
  readonly storefront: boolean;
  /** Base URL of the OTLP collector; undefined for no tracing. */
  readonly tracesUrl: string | undefined;
  readonly logLevel: ParsedSettings['LOG_LEVEL'];
}

/** What the settings need besides the parsed table. */
interface Completed {
  readonly connection: Connection | undefined;
  readonly holdTokenSecrets: readonly string[];
  readonly adminToken: string;
  readonly adminTokenIsNew: boolean;
}

/** Converts parsed settings to domain units and applies the defaults that depend on NODE_ENV. */
export function toSettings(parsed: ParsedSettings, completed: Completed): Settings {
  const production = parsed.NODE_ENV === 'production';
  return Object.freeze({
    ...completed,
    ...networkSettings(parsed, production),
    ...shopSettings(parsed),
    production,
    dataDir: parsed.DATA_DIR,
    poolMax: parsed.DATABASE_POOL_MAX,
    servers: parsed.SERVERS,
    allowDataLoss: parsed.ALLOW_DATA_LOSS,
    seedDemo: parsed.SEED_DEMO ?? !production,
    webhookSecrets: parsed.PAYMENT_WEBHOOK_SECRETS,
    stripeWebhookSecrets: parsed.STRIPE_WEBHOOK_SECRETS,
    stripeSecretKey: parsed.STRIPE_SECRET_KEY,
    stripeApiUrl: parsed.STRIPE_API_URL,
    allowStripeTestMode: parsed.STRIPE_ALLOW_TEST_MODE ?? !production,
    endpointPolicy: {
      allowHttp: !production,
      allowPrivateNetworks: parsed.WEBHOOKS_ALLOW_PRIVATE_NETWORKS ?? !production,
    },
    metricsToken: parsed.METRICS_TOKEN,
    explorer: parsed.GRAPHQL_EXPLORER ?? !production,
    console: parsed.CONSOLE,
    storefront: parsed.STOREFRONT ?? !production,
    tracesUrl: parsed.OTEL_EXPORTER_OTLP_ENDPOINT,
    logLevel: parsed.LOG_LEVEL,
  });
}

function networkSettings(parsed: ParsedSettings, production: boolean) {
  return {
    host: parsed.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    port: parsed.PORT ?? 4000,
    connectionsMax: parsed.CONNECTIONS_MAX,
    keepAliveSeconds: parsed.KEEP_ALIVE_SECONDS,
    trustedHops: parsed.TRUSTED_PROXY_HOPS,
    allowedOrigins: parsed.ALLOWED_ORIGINS,
    graceMs: parsed.SHUTDOWN_GRACE_SECONDS * 1000,
    workers: parsed.WORKERS,
  };
}

function shopSettings(parsed: ParsedSettings) {
  return {
    holdTtlMs: parsed.HOLD_TTL_SECONDS * 1000,
    orderPaymentTtlMs: parsed.ORDER_PAYMENT_TTL_SECONDS * 1000,
    parkedEventTtlMs: parsed.PARKED_EVENT_TTL_HOURS * 3600 * 1000,
    sweepCron: parsed.SWEEP_CRON,
    requireAmount: parsed.WEBHOOK_REQUIRE_AMOUNT,
    refundsAutomatic: parsed.REFUNDS_AUTOMATIC,
    batchMax: parsed.HOLD_BATCH_MAX,
    queueMax: parsed.HOLD_QUEUE_MAX,
    holdsPerMinute: parsed.HOLDS_PER_MINUTE,
  };
}
