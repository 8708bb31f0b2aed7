import type { z } from 'zod';
import { unsafe } from './config.safety.ts';
import { SETTINGS } from './config.settings.ts';
import { readSources, type Sources } from './config.sources.ts';
import { keptSecret, type KeptSecret } from './platform/kept-secret.ts';

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
  // What is malformed is complained of once; what was read is judged all the same.
  const malformed = Object.keys(SETTINGS).filter((name) => !Object.hasOwn(read, name));
  complaints.push(...unsafe(read, malformed));
  if (complaints.length > 0) throw new SettingsError(complaints);
  return complete(read);
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

function complaintOf(error: z.ZodError): string {
  const { message } = error.issues[0]!;
  return message.startsWith('must') ? message : `is malformed (${message})`;
}

function complete(read: Read): Settings {
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
    GRAPHQL_EXPLORER: read.GRAPHQL_EXPLORER ?? !production,
    SEED_DEMO: read.SEED_DEMO ?? !production,
    production,
    adminTokenIsNew: admin.isNew,
  });
}

/** @throws SettingsError where the folder cannot be made or written */
function kept(folder: string, name: string): KeptSecret {
  try {
    return keptSecret(folder, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new SettingsError([`DATA_DIR ${folder} cannot be used (${code}): set another folder.`]);
  }
}
