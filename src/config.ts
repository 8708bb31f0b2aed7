import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import cron from 'node-cron';
import { z } from 'zod';
import {
  flag,
  fraction,
  list,
  setting,
  webhookSecrets,
  whole,
  type Setting,
} from './config.kinds.ts';
import { unsafe } from './config.safety.ts';
import { keptSecret } from './platform/kept-secret.ts';

/**
 * The only reader of the environment: every setting with its unit in the name, its default and its
 * reason. Read once, checked at once, all complaints reported together, and frozen.
 */

/** Thirty days: no hold, order or parked event is meant to outlive it. */
const SECONDS_MAX = 30 * 24 * 3600;

/** Every setting there is; a test compares the README's table with it. */
export const SETTINGS = {
  PORT: setting(whole(0, 65_535).optional(), '4000', 'Port of everything; 0 takes a free one.'),
  HOST: setting(z.string().optional(), '127.0.0.1; 0.0.0.0 in production', 'Address to listen on.'),
  DATABASE_URL: setting(
    z
      .string()
      .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://')
      .optional(),
    'none: embedded',
    'Your own PostgreSQL, 15 or newer.',
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
  HOLD_TOKEN_SECRETS: setting(
    list.pipe(z.array(z.string()).min(1)).optional(),
    'generated, kept in DATA_DIR',
    'Comma-separated, newest first; all are accepted. Servers that share a database must share these.',
  ),
  PAYMENT_WEBHOOK_SECRETS: setting(
    webhookSecrets.optional(),
    'none: unsigned accepted in development on loopback',
    'Comma-separated whsec_… secrets of the payment provider; all are accepted.',
  ),
  STRIPE_WEBHOOK_SECRETS: setting(
    list
      .pipe(z.array(z.string().regex(/^\S+$/, 'must be comma-separated secrets')).min(1))
      .optional(),
    'none: that route is off',
    'Comma-separated signing secrets of Stripe’s endpoint; all are accepted.',
  ),
  WEBHOOK_REQUIRE_AMOUNT: setting(
    flag.default(false),
    'false',
    'Whether a successful payment must name its amount.',
  ),
  ADMIN_TOKEN: setting(
    z.string().optional(),
    'generated, kept in DATA_DIR, shown once',
    'Opens the operator’s part of the API: Authorization: Bearer ….',
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
  WORKERS: setting(
    whole(1, 256).default(1),
    '1',
    'Server processes on this machine, behind one port; each has a pool of its own.',
  ),
  ALLOWED_ORIGINS: setting(
    list.optional(),
    'any loopback origin; none in production',
    'Comma-separated origins whose pages may call the API and open its websocket.',
  ),
  SHUTDOWN_GRACE_SECONDS: setting(
    fraction(0, 3600).default(10),
    '10',
    'How long a stop waits for requests under way before it cuts them.',
  ),
  GRAPHQL_EXPLORER: setting(
    flag.optional(),
    'true; false in production',
    'Whether GET /graphql serves the explorer and introspection is answered.',
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

type Read = { readonly [Name in keyof typeof SETTINGS]: z.output<(typeof SETTINGS)[Name]['type']> };

/** The settings of one server, read and completed. */
export interface Settings extends Read {
  readonly PORT: number;
  readonly HOST: string;
  readonly HOLD_TOKEN_SECRETS: string[];
  readonly ADMIN_TOKEN: string;
  readonly GRAPHQL_EXPLORER: boolean;
  readonly SEED_DEMO: boolean;
  readonly production: boolean;
  /** Whether the admin token was generated and its owner has not been shown it yet. */
  readonly adminTokenIsNew: boolean;
}

/** The settings are wrong: every complaint, one line each. */
export class SettingsError extends Error {
  readonly complaints: readonly string[];

  constructor(complaints: readonly string[]) {
    super(complaints.join('\n'));
    this.name = 'SettingsError';
    this.complaints = complaints;
  }
}

/**
 * Reads the settings from the environment and `.env`, the environment winning. Unknown names in
 * `.env` are typing errors and refused; an empty value counts as not set.
 *
 * @throws SettingsError with all complaints at once
 */
export function readSettings(
  environment: NodeJS.ProcessEnv = process.env,
  envFile = '.env',
): Settings {
  const fromFile = existsSync(envFile) ? parseEnv(readFileSync(envFile, 'utf8')) : {};
  const unknown = Object.keys(fromFile)
    .filter((name) => !Object.hasOwn(SETTINGS, name))
    .map((name) => `${name} in ${envFile} is not a setting.`);
  const { read, complaints } = readEach((name) => environment[name] || fromFile[name] || undefined);
  complaints.unshift(...unknown);
  if (complaints.length === 0) complaints.push(...unsafe(read));
  if (complaints.length > 0) throw new SettingsError(complaints);
  return complete(read);
}

function readEach(textOf: (name: string) => string | undefined): {
  readonly read: Read;
  readonly complaints: string[];
} {
  const read: Record<string, unknown> = {};
  const complaints: string[] = [];
  for (const [name, { type }] of Object.entries(SETTINGS)) {
    const result = type.safeParse(textOf(name));
    if (result.success) read[name] = result.data;
    else complaints.push(`${name} ${complaintOf(result.error)}.`);
  }
  return { read: read as Read, complaints };
}

function complaintOf(error: z.ZodError): string {
  const { message } = error.issues[0]!;
  return message.startsWith('must') ? message : `is malformed (${message})`;
}

function complete(read: Read): Settings {
  const production = read.NODE_ENV === 'production';
  const tokenSecret = () => [keptSecret(read.DATA_DIR, 'hold-token-secret').secret];
  const admin =
    read.ADMIN_TOKEN === undefined
      ? keptSecret(read.DATA_DIR, 'admin-token')
      : { secret: read.ADMIN_TOKEN, isNew: false };
  return Object.freeze({
    ...read,
    PORT: read.PORT ?? 4000,
    HOST: read.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    HOLD_TOKEN_SECRETS: read.HOLD_TOKEN_SECRETS ?? tokenSecret(),
    ADMIN_TOKEN: admin.secret,
    GRAPHQL_EXPLORER: read.GRAPHQL_EXPLORER ?? !production,
    SEED_DEMO: read.SEED_DEMO ?? !production,
    production,
    adminTokenIsNew: admin.isNew,
  });
}
