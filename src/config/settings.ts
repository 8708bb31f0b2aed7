import type { z } from 'zod';
import { exposed, unsafe } from './safety.ts';
import { SETTINGS } from './settings.table.ts';
import { readSources, type Sources } from './sources.ts';
import type { Connection } from '../postgres/connection.ts';
import { readDatabaseUrl } from '../postgres/database-url.ts';
import { loadOrCreateDevSecret, type KeptSecret } from './dev-secret.ts';

/**
 * The only reader of the environment. Read once, checked at once, all complaints reported together,
 * and frozen. What there is to set stands in config.settings.ts.
 */

type Read = { readonly [Name in keyof typeof SETTINGS]: z.output<(typeof SETTINGS)[Name]['type']> };

/** The settings of one server, read and completed. */
export interface Settings extends Read {
  readonly PORT: number;
  readonly HOST: string;
  readonly HOLD_TOKEN_SECRETS: string[];
  readonly ADMIN_TOKEN: string;
  readonly STRIPE_ALLOW_TEST_MODE: boolean;
  readonly GRAPHQL_EXPLORER: boolean;
  readonly SEED_DEMO: boolean;
  readonly production: boolean;
  /** What DATABASE_URL says, with what `PG*` variables add; undefined for the embedded database. */
  readonly connection: Connection | undefined;
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
 * Reads the settings from the environment and `.env`, the environment winning, and secrets also from
 * the files that `NAME_FILE` names. Unknown names in `.env` are typing errors and refused; an empty
 * value counts as not set.
 *
 * @throws SettingsError with all complaints at once
 */
export function readSettings(
  environment: NodeJS.ProcessEnv = process.env,
  envFile = '.env',
): Settings {
  const sources = readSources(SETTINGS, environment, envFile);
  const { read, complaints } = readEach(sources);
  complaints.unshift(...sources.complaints);
  // What is malformed is complained of once; what was read is checked all the same.
  const malformed = Object.keys(SETTINGS).filter((name) => !Object.hasOwn(read, name));
  const { connection, complaints: unusable } = readConnection(read, environment);
  complaints.push(...unusable, ...unsafe(read, malformed), ...exposed(read, connection));
  if (complaints.length > 0) throw new SettingsError(complaints);
  return complete(read, connection);
}

/**
 * Reads the database alone, for the ORM's own command line: it needs no secret and keeps none.
 *
 * @throws SettingsError with what is wrong with DATABASE_URL
 */
export function readDatabaseSetting(
  environment: NodeJS.ProcessEnv = process.env,
  envFile = '.env',
): Connection | undefined {
  const { DATABASE_URL } = SETTINGS;
  const sources = readSources({ DATABASE_URL }, environment, envFile);
  const url = DATABASE_URL.type.safeParse(sources.texts.get('DATABASE_URL'));
  if (!url.success) throw new SettingsError([`DATABASE_URL ${complaintOf(url.error)}.`]);
  // The other settings of the file are not known here, and not complained of.
  const unreadable = sources.unreadable.size > 0 ? sources.complaints.slice(-1) : [];
  const { connection, complaints } = readConnection({ DATABASE_URL: url.data }, environment);
  if (unreadable.length + complaints.length > 0)
    throw new SettingsError([...unreadable, ...complaints]);
  return connection;
}

function readEach({ texts, unreadable }: Sources): {
  readonly read: Read;
  readonly complaints: string[];
} {
  const read: Record<string, unknown> = {};
  const complaints: string[] = [];
  for (const [name, { type }] of Object.entries(SETTINGS)) {
    if (unreadable.has(name)) continue;
    const result = type.safeParse(texts.get(name));
    if (result.success) read[name] = result.data;
    else complaints.push(`${name} ${complaintOf(result.error)}.`);
  }
  return { read: read as Read, complaints };
}

/** `PG*` variables complete a DATABASE_URL. They do not reach the embedded database. */
function readConnection({ DATABASE_URL }: Partial<Read>, environment: NodeJS.ProcessEnv) {
  return DATABASE_URL === undefined
    ? { complaints: [] }
    : readDatabaseUrl(DATABASE_URL, environment);
}

function complaintOf(error: z.ZodError): string {
  const { message } = error.issues[0]!;
  return message.startsWith('must') ? message : `is malformed (${message})`;
}

/** What is on in development and off in production unless it is set. */
function developmentDefaults(read: Read, development: boolean) {
  return {
    STRIPE_ALLOW_TEST_MODE: read.STRIPE_ALLOW_TEST_MODE ?? development,
    GRAPHQL_EXPLORER: read.GRAPHQL_EXPLORER ?? development,
    SEED_DEMO: read.SEED_DEMO ?? development,
  };
}

function complete(read: Read, connection: Connection | undefined): Settings {
  const production = read.NODE_ENV === 'production';
  const tokenSecret = () => [kept(read.DATA_DIR, 'hold-token-secret').secret];
  const admin =
    read.ADMIN_TOKEN === undefined
      ? kept(read.DATA_DIR, 'admin-token')
      : { secret: read.ADMIN_TOKEN, isNew: false };
  return Object.freeze({
    ...read,
    PORT: read.PORT ?? 4000,
    HOST: read.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    HOLD_TOKEN_SECRETS: read.HOLD_TOKEN_SECRETS ?? tokenSecret(),
    ADMIN_TOKEN: admin.secret,
    ...developmentDefaults(read, !production),
    production,
    connection,
    adminTokenIsNew: admin.isNew,
  });
}

/** @throws SettingsError where the folder cannot be made or written */
function kept(folder: string, name: string): KeptSecret {
  try {
    return loadOrCreateDevSecret(folder, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new SettingsError([`DATA_DIR ${folder} cannot be used (${code}): set another folder.`]);
  }
}
