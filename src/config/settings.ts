import type { z } from 'zod';
import { toSettings, type ParsedSettings, type Settings } from './domain-settings.ts';
import { exposed, unsafe } from './safety.ts';
import { SETTINGS } from './settings.table.ts';
import { readSources, type Sources } from './sources.ts';
import type { Connection } from '../postgres/url/connection.ts';
import { readDatabaseUrl } from '../postgres/url/database-url.ts';
import { loadOrCreateDevSecret, type DevSecret } from './dev-secret.ts';

/**
 * The only module that reads the environment. Settings are read once, checked together and frozen. All
 * complaints are reported in one list. settings.table.ts defines every setting, and domain-settings.ts
 * converts them to the units of the code.
 */

/** Invalid settings: every complaint, one line each. */
export class SettingsError extends Error {
  readonly complaints: readonly string[];

  constructor(complaints: readonly string[]) {
    super(complaints.join('\n'));
    this.name = 'SettingsError';
    this.complaints = complaints;
  }
}

/**
 * Reads the settings from the environment and `.env`; the environment takes precedence. Secrets can
 * also be in the files that `NAME_FILE` names. Unknown names in `.env` are refused as typing errors. An
 * empty value counts as not set.
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
  // A malformed setting gets one complaint; the safety checks still cover the others.
  const malformed = Object.keys(SETTINGS).filter((name) => !Object.hasOwn(read, name));
  const { connection, complaints: unusable } = readConnection(read, environment);
  complaints.push(...unusable, ...unsafe(read, malformed), ...exposed(read, connection));
  if (complaints.length > 0) throw new SettingsError(complaints);
  return complete(read, connection);
}

/**
 * Reads DATABASE_URL only, for the ORM's own command line: it needs no secrets and creates none.
 *
 * @throws SettingsError if DATABASE_URL is invalid
 */
export function readDatabaseSetting(
  environment: NodeJS.ProcessEnv = process.env,
  envFile = '.env',
): Connection | undefined {
  const { DATABASE_URL } = SETTINGS;
  const sources = readSources({ DATABASE_URL }, environment, envFile);
  const url = DATABASE_URL.type.safeParse(sources.texts.get('DATABASE_URL'));
  if (!url.success) throw new SettingsError([`DATABASE_URL ${complaintOf(url.error)}.`]);
  // The file's other settings are unknown here and must not cause complaints.
  const unreadable = sources.unreadable.size > 0 ? sources.complaints.slice(-1) : [];
  const { connection, complaints } = readConnection({ DATABASE_URL: url.data }, environment);
  if (unreadable.length + complaints.length > 0)
    throw new SettingsError([...unreadable, ...complaints]);
  return connection;
}

/**
 * The database settings of the environment and `.env` as texts, for server processes on another database
 * of the same PostgreSQL: DATABASE_URL with the `PG*` variables that complete it. Undefined without
 * DATABASE_URL.
 *
 * @throws SettingsError if DATABASE_URL is invalid
 */
export function readDatabaseTexts(
  environment: NodeJS.ProcessEnv = process.env,
  envFile = '.env',
): Readonly<Record<string, string>> | undefined {
  if (readDatabaseSetting(environment, envFile) === undefined) return undefined;
  const { DATABASE_URL } = SETTINGS;
  const completing = Object.entries(environment).flatMap(([name, value]) =>
    name.startsWith('PG') && value !== undefined ? [[name, value] as const] : [],
  );
  const url = readSources({ DATABASE_URL }, environment, envFile).texts.get('DATABASE_URL')!;
  return { ...Object.fromEntries(completing), DATABASE_URL: url };
}

function readEach({ texts, unreadable }: Sources): {
  readonly read: ParsedSettings;
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
  return { read: read as ParsedSettings, complaints };
}

/** `PG*` variables complete a DATABASE_URL. They do not reach the embedded database. */
function readConnection({ DATABASE_URL }: Partial<ParsedSettings>, environment: NodeJS.ProcessEnv) {
  return DATABASE_URL === undefined
    ? { complaints: [] }
    : readDatabaseUrl(DATABASE_URL, environment);
}

function complaintOf(error: z.ZodError): string {
  const { message } = error.issues[0]!;
  return message.startsWith('must') ? message : `is malformed (${message})`;
}

/** Generates the secrets that are not set. @throws SettingsError if DATA_DIR cannot be used */
function complete(read: ParsedSettings, connection: Connection | undefined): Settings {
  const { ADMIN_TOKEN, HOLD_TOKEN_SECRETS, DATA_DIR } = read;
  const admin =
    ADMIN_TOKEN === undefined
      ? devSecret(DATA_DIR, 'admin-token')
      : { secret: ADMIN_TOKEN, isNew: false };
  return toSettings(read, {
    connection,
    holdTokenSecrets: HOLD_TOKEN_SECRETS ?? [devSecret(DATA_DIR, 'hold-token-secret').secret],
    adminToken: admin.secret,
    adminTokenIsNew: admin.isNew,
  });
}

/** @throws SettingsError if the folder cannot be created or written */
function devSecret(folder: string, name: string): DevSecret {
  try {
    return loadOrCreateDevSecret(folder, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new SettingsError([
      `DATA_DIR ${folder} cannot be used (${code}): set another directory.`,
    ]);
  }
}
