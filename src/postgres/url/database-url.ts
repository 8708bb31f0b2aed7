import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import { parse } from 'pg-connection-string';
import type { Connection } from './connection.ts';
import { HostList } from './host-list.ts';
import { PG_PARAMETERS, readParameters, type Parameters } from './database-url.parameters.ts';

/** Variables that say where the database is, where the URL leaves it out. */
const PG_PLACE = {
  host: 'PGHOST',
  port: 'PGPORT',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  database: 'PGDATABASE',
} as const;

/** The variables of the environment that complete `DATABASE_URL`, as they do for `psql`. */
export const PG_VARIABLES: readonly string[] = Object.values({ ...PG_PLACE, ...PG_PARAMETERS });

/** A connection, or why the URL names none. No complaint shows the password. */
export interface ReadConnection {
  readonly connection?: Connection;
  readonly complaints: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a URL with the semantics of node-postgres: each `sslmode` from `prefer` up verifies the
 * certificate and the name, unless `uselibpqcompat=true`. What node-postgres ignores or guesses is
 * refused.
 *
 * @param environment the `PG*` variables to use; none for the embedded database
 */
export function readDatabaseUrl(url: string, environment: Environment = {}): ReadConnection {
  // A raw space is common in `options`; pg-connection-string guesses at encodings where it sees one.
  const text = url.replaceAll(' ', '%20');
  const urls = urlsOf(text);
  return urls.length === 1 ? readOne(text, environment) : readSeveral(urls, environment);
}

/** One URL for each host of the list; elsewhere a comma is part of a value. */
function urlsOf(text: string): string[] {
  const list = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#@]*)(.*)$/s.exec(text);
  if (list === null) return [text];
  const [, start, hosts, rest] = list;
  return hosts!.split(',').map((host) => `${start}${host}${rest}`);
}

function readSeveral(urls: readonly string[], environment: Environment): ReadConnection {
  if (urls.some((url) => /^[^:]+:\/\/([^/?#]*@)?([/?#]|$)/.test(url)))
    return { complaints: ['DATABASE_URL names an empty host in its list.'] };
  const read = urls.map((url) => readOne(url, environment));
  const complaints = [...new Set(read.flatMap((one) => one.complaints))];
  if (complaints.length > 0) return { complaints };
  const all = read.map(({ connection }) => connection!);
  const places = new Set(all.map(({ host, port }) => `${host} ${port}`));
  if (places.size < all.length) return { complaints: ['DATABASE_URL names one host twice.'] };
  if (urls.some((url) => !/[?&]target_session_attrs=/.test(url)))
    return {
      complaints: ['DATABASE_URL names several hosts: add target_session_attrs=read-write.'],
    };
  const hosts = new HostList(all.map(({ host, port, tls }) => ({ host, port, tls })));
  return { connection: { ...all[0]!, hosts }, complaints: [] };
}

function readOne(text: string, environment: Environment): ReadConnection {
  const malformed = malformedIn(text);
  if (malformed !== undefined) return { complaints: [`DATABASE_URL ${malformed}.`] };
  const { parameters, complaints } = readParameters(text, environment);
  if (complaints.length > 0) return { complaints };
  const parsed = parse(withParameters(text, parameters));
  const place = placeOf(text, parsed, environment);
  const wrong = [...placeComplaints(place), ...tlsComplaints(place, parsed.ssl, parameters)];
  if (wrong.length > 0) return { complaints: wrong };
  return { connection: connectionOf(place, parsed.ssl, parameters), complaints: [] };
}

/** The parts of a URL as text, before anything is decoded. */
interface Parts {
  readonly all: string;
  readonly authority: string;
  /** The authority without user and password. */
  readonly host: string;
  readonly path: string;
}

/** Reasons to refuse a text. They show no part of it, as any part may be the password. */
const MALFORMED: readonly (readonly [isSo: (parts: Parts) => boolean, reason: string])[] = [
  [({ all }) => /\p{Cc}/u.test(all), 'has a control character'],
  [({ all }) => all.includes('#'), 'has a #: in the user or password write %23'],
  [
    ({ all }) => !isDecodable(all),
    'has a % that begins no percent-encoded character: in the user or password write %25',
  ],
  [
    ({ all, authority, path }) =>
      path.includes('@') || (all.includes('@') && !authority.includes('@')),
    'has a / or ? before an @: in the user or password write %2F and %3F, elsewhere write @ as %40',
  ],
  [({ host }) => /%2c/i.test(host), 'names several hosts with an encoded comma: write a comma'],
  [
    ({ host }) => /:\d+$/.test(host) && !isPort(host.slice(host.lastIndexOf(':') + 1)),
    'names a port that is not from 1 to 65535',
  ],
  [
    // pg-connection-string reads credentials without a host, which a URL may not have.
    ({ all }) => !URL.canParse(all) && !URL.canParse(all.replace('@/', '@host/')),
    'must look like postgres://user:password@host:5432/database, with an IPv6 address in brackets',
  ],
];

function malformedIn(text: string): string | undefined {
  const rest = text.replace(/^postgres(ql)?:\/\//, '');
  const [authority = ''] = rest.split(/[/?#]/, 1);
  const [path = ''] = rest.slice(authority.length).split('?', 1);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const parts = { all: text, authority, host, path };
  return MALFORMED.find(([isSo]) => isSo(parts))?.[1];
}

function isDecodable(text: string): boolean {
  try {
    return !/\0/.test(decodeURIComponent(text));
  } catch {
    return false;
  }
}

const isPort = (text: string): boolean =>
  /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;

/** The URL with the parameters that pg-connection-string reads TLS from. */
function withParameters(text: string, parameters: Parameters): string {
  const pairs = [...parameters].map(([name, { value }]): [string, string] => [name, value]);
  const all = new URLSearchParams(pairs);
  const mode = all.get('sslmode') ?? SSL_MODES[all.get('ssl') ?? ''];
  all.delete('ssl');
  if (mode !== undefined)
    all.set('sslmode', all.get('uselibpqcompat') === 'true' ? mode : verified(mode));
  return `${text.split('?', 1)[0]}?${all.toString()}`;
}

/** The mode that each value of `ssl` means. */
const SSL_MODES: Readonly<Record<string, string>> = {
  true: 'verify-full',
  1: 'verify-full',
  false: 'disable',
  0: 'disable',
  'no-verify': 'no-verify',
};

/** The modes that are the same to node-postgres get one name: it warns about the others. */
const verified = (mode: string): string =>
  /^(prefer|require|verify-ca)$/.test(mode) ? 'verify-full' : mode;

/** Where the database is, as texts. */
type Place = Readonly<Record<keyof typeof PG_PLACE, string>>;

type Parsed = ReturnType<typeof parse>;

function placeOf(text: string, parsed: Parsed, environment: Environment): Place {
  // pg-connection-string leaves some characters of the database's name encoded.
  const path = /^[^:]*:\/\/[^/?]*\/([^?]*)/.exec(text)?.[1] ?? '';
  const named = { ...parsed, database: decodeURIComponent(path) };
  const textOf = (name: keyof Place, byDefault: string) =>
    String(named[name] || environment[PG_PLACE[name]] || byDefault);
  return {
    // Brackets belong to a URL's host; `?host=` may have them too.
    host: textOf('host', 'localhost').replace(/^\[(.+)\]$/, '$1'),
    port: textOf('port', '5432'),
    user: textOf('user', systemUser()),
    password: textOf('password', ''),
    database: textOf('database', ''),
  };
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}

function placeComplaints({ host, port, user, database }: Place): string[] {
  const complaints: string[] = [];
  if (host.includes(','))
    complaints.push(
      'DATABASE_URL names several hosts in a parameter or PGHOST: write them in the URL.',
    );
  else if (!host.startsWith('/') && isIP(host) === 0 && !/^[\p{L}\p{N}_.-]+$/u.test(host))
    complaints.push('DATABASE_URL names a host that is neither a name, an address nor a folder.');
  if (!isPort(port)) complaints.push('DATABASE_URL names a port that is not from 1 to 65535.');
  if (user === '') complaints.push('DATABASE_URL names no user.');
  if (database === '') complaints.push('DATABASE_URL names no database.');
  return complaints;
}

function tlsComplaints({ host }: Place, ssl: Parsed['ssl'], parameters: Parameters): string[] {
  const isSocket = host.startsWith('/');
  if (isSocket && ssl)
    return ['DATABASE_URL asks for TLS on a socket, which has none: leave sslmode out.'];
  if (!ssl && parameters.get('sslnegotiation')?.value === 'direct')
    return ['DATABASE_URL has sslnegotiation=direct without TLS: set sslmode=verify-full.'];
  return [];
}

function connectionOf(place: Place, ssl: Parsed['ssl'], parameters: Parameters): Connection {
  const valueOf = (name: string) => parameters.get(name)?.value;
  const connectTimeoutSeconds = Number(valueOf('connect_timeout') ?? 0);
  return {
    ...place,
    port: Number(place.port),
    tls: ssl ? tlsOf(place.host, ssl === true ? {} : (ssl as ConnectionOptions)) : undefined,
    tlsNegotiation: valueOf('sslnegotiation') === 'direct' ? 'direct' : 'postgres',
    applicationName: valueOf('application_name') ?? valueOf('fallback_application_name'),
    options: valueOf('options'),
    // To libpq 0 is no limit of the URL's own: the limit of each session stays.
    connectTimeoutMs: connectTimeoutSeconds > 0 ? connectTimeoutSeconds * 1000 : undefined,
    keepAlive: valueOf('keepalives') !== '0',
    keepAliveIdleMs: Number(valueOf('keepalives_idle') ?? 0) * 1000,
  };
}

/**
 * Said rather than left to defaults: `NODE_TLS_REJECT_UNAUTHORIZED=0` would turn verification off, and
 * a certificate is compared with "localhost" where the host is an address and not named here.
 */
const tlsOf = (host: string, ssl: ConnectionOptions): ConnectionOptions => ({
  ...ssl,
  rejectUnauthorized: ssl.rejectUnauthorized ?? true,
  ...(isIP(host) > 0 && { host }),
});
