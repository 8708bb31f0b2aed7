import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** A parameter's value, and the words that name where it comes from. */
interface Parameter {
  readonly value: string;
  readonly source: string;
}

/** The parameters of one connection. */
export type Parameters = ReadonlyMap<string, Parameter>;

/** The parameters of a URL that an environment variable may give too. */
export const PG_PARAMETERS = {
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslnegotiation: 'PGSSLNEGOTIATION',
  application_name: 'PGAPPNAME',
  options: 'PGOPTIONS',
  connect_timeout: 'PGCONNECT_TIMEOUT',
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** Why a value is refused, as in "must be 0 or 1"; undefined where it is not. */
type Check = (value: string) => string | undefined;

const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value)
      ? undefined
      : `must be ${values.join(', ').replace(/, (\S+)$/, ' or $1')}`;

const seconds =
  (min: number, max: number): Check =>
  (value) =>
    /^\d{1,5}$/.test(value) && Number(value) >= min && Number(value) <= max
      ? undefined
      : `must be whole seconds from ${min} to ${max}`;

const anyText: Check = () => undefined;

const SUPPORTED: Readonly<Record<string, Check>> = {
  host: anyText,
  port: anyText,
  user: anyText,
  password: anyText,
  ssl: oneOf('true', '1', 'false', '0', 'no-verify'),
  sslmode: oneOf('disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'),
  sslrootcert: certificate,
  sslcert: certificate,
  sslkey: readable,
  sslnegotiation: oneOf('postgres', 'direct'),
  uselibpqcompat: oneOf('true', 'false'),
  application_name: anyText,
  fallback_application_name: anyText,
  target_session_attrs: oneOf('read-write', 'primary'),
  options: anyText,
  connect_timeout: seconds(0, 600),
  keepalives: oneOf('0', '1'),
  keepalives_idle: seconds(0, 86_400),
  client_encoding: (value) => (/^utf-?8$/i.test(value) ? undefined : 'must be UTF8'),
};

/** The parameters of a URL, and of the environment what the URL leaves out. */
export function readParameters(
  text: string,
  environment: Environment,
): { readonly parameters: Parameters; readonly complaints: readonly string[] } {
  const parameters = new Map<string, Parameter>();
  const complaints: string[] = [];
  for (const [name, value] of parametersIn(text)) {
    if (!Object.hasOwn(SUPPORTED, name))
      complaints.push(`DATABASE_URL has ${unsupported(name, parameters)}.`);
    else if (parameters.has(name)) complaints.push(`DATABASE_URL has ${name} twice.`);
    else parameters.set(name, { value, source: `${name} in DATABASE_URL` });
  }
  addVariables(parameters, environment);
  return { parameters, complaints: [...complaints, ...complaintsOf(parameters)] };
}

function parametersIn(text: string): URLSearchParams {
  const start = text.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : text.slice(start + 1));
}

function addVariables(parameters: Map<string, Parameter>, environment: Environment): void {
  for (const [name, variable] of Object.entries(PG_PARAMETERS)) {
    const value = environment[variable];
    const isGiven = parameters.has(name === 'sslmode' && parameters.has('ssl') ? 'ssl' : name);
    if (value && !isGiven) parameters.set(name, { value, source: variable });
  }
}

/** A name that could be a piece of a password is not shown: the parameter password may have had an &. */
function unsupported(name: string, before: Parameters): string {
  const isName = /^[A-Za-z][A-Za-z0-9_]{0,40}$/.test(name) && !before.has('password');
  return `a parameter that is not supported${isName ? `: ${name}` : ''}`;
}

function complaintsOf(parameters: Parameters): string[] {
  const complaints: string[] = [];
  for (const [name, { value, source }] of parameters) {
    const reason = value === '' ? 'has no value' : SUPPORTED[name]!(value);
    if (reason !== undefined) complaints.push(`${source} ${reason}.`);
  }
  if (complaints.length > 0) return complaints;
  return [...modeComplaints(parameters), ...pairComplaints(parameters)];
}

function modeComplaints(parameters: Parameters): string[] {
  const [ssl, mode] = [parameters.get('ssl'), parameters.get('sslmode')];
  if (ssl && mode) return ['DATABASE_URL has both ssl and sslmode: keep sslmode.'];
  // node-postgres throws here: without a file any certificate of any public authority would do.
  const isLibpq = parameters.get('uselibpqcompat')?.value === 'true';
  if (isLibpq && mode?.value === 'verify-ca' && !parameters.has('sslrootcert'))
    return [`${mode.source} is verify-ca: it needs sslrootcert beside it.`];
  return [];
}

function pairComplaints(parameters: Parameters): string[] {
  const [cert, key] = [parameters.get('sslcert'), parameters.get('sslkey')];
  if (cert === undefined && key === undefined) return [];
  if (key === undefined) return [`${cert!.source} needs sslkey beside it.`];
  if (cert === undefined) return [`${key.source} needs sslcert beside it.`];
  try {
    createSecureContext({ cert: readFileSync(cert.value), key: readFileSync(key.value) });
    return [];
  } catch {
    return [
      `${key.source} names a file that holds no key of the certificate, or an encrypted one.`,
    ];
  }
}

function readable(path: string): string | undefined {
  try {
    readFileSync(path);
    return undefined;
  } catch (error) {
    return `names a file that cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
}

/** node-postgres takes a file without a certificate for an empty list, and fails when it connects. */
function certificate(path: string): string | undefined {
  const unreadable = readable(path);
  if (unreadable !== undefined) return unreadable;
  try {
    return void new X509Certificate(readFileSync(path));
  } catch {
    return 'names a file that holds no certificate';
  }
}
