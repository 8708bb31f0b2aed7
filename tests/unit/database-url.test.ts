import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientConfig, DatabaseClient } from '../../src/postgres/url/connection.ts';
import { readDatabaseUrl } from '../../src/postgres/url/database-url.ts';

const PASSWORD = 'hunter2';

/** The options of every session, from an accepted URL. */
function read(url: string, environment = {}) {
  const { connection, complaints } = readDatabaseUrl(url, environment);
  expect(complaints).toEqual([]);
  return connection!;
}

const complaintsOf = (url: string, environment = {}) =>
  readDatabaseUrl(url, environment).complaints;

const kind = { applicationName: 'flash-sale', options: '-c timezone=UTC' };

describe('a URL that is accepted', () => {
  test.each([
    ['a host', 'postgres://u:p@db.example/shop', { host: 'db.example', port: 5432 }],
    ['an IPv4 address', 'postgresql://u:p@10.0.0.7:6432/shop', { host: '10.0.0.7', port: 6432 }],
    ['an IPv6 address', 'postgres://u:p@[2001:db8::7]:6432/shop', { host: '2001:db8::7' }],
    [
      'a socket in a parameter',
      'postgres://u:p@/shop?host=/run/postgresql',
      { host: '/run/postgresql' },
    ],
    ['a socket without a user', 'postgres:///shop?host=/run/postgresql&user=u', { user: 'u' }],
    [
      'a socket in the host',
      'postgres://u:p@%2Frun%2Fpostgresql:5433/shop',
      { host: '/run/postgresql', port: 5433 },
    ],
    [
      'a socket beside a host',
      'postgres://u:p@localhost/shop?host=/cloudsql/a:b:c',
      { host: '/cloudsql/a:b:c' },
    ],
    [
      'reserved characters',
      'postgres://a%40b:%25%23%2F%3F%3A@h/sh%23op',
      { user: 'a@b', password: '%#/?:', database: 'sh#op' },
    ],
    [
      'an unencoded space',
      'postgres://u:p@h/shop?options=-c search_path=sale',
      { options: '-c search_path=sale' },
    ],
    [
      'an application name',
      'postgres://u:p@h/shop?application_name=till',
      { applicationName: 'till' },
    ],
    [
      'a fallback of it',
      'postgres://u:p@h/shop?fallback_application_name=till',
      { applicationName: 'till' },
    ],
    ['a timeout', 'postgres://u:p@h/shop?connect_timeout=7', { connectTimeoutMs: 7000 }],
    [
      'no timeout of its own, as libpq writes it',
      'postgres://u:p@h/shop?connect_timeout=0',
      { connectTimeoutMs: undefined },
    ],
    [
      'keepalives',
      'postgres://u:p@h/shop?keepalives=1&keepalives_idle=30',
      { keepAlive: true, keepAliveIdleMs: 30_000 },
    ],
    ['no keepalives', 'postgres://u:p@h/shop?keepalives=0', { keepAlive: false }],
    ['an encoding', 'postgres://u:p@h/shop?client_encoding=utf-8', { host: 'h' }],
  ])('%s is read', (_what, url, expected) => {
    expect(read(url)).toMatchObject(expected);
  });

  test.each([
    ['', undefined],
    ['sslmode=disable', undefined],
    ['ssl=false', undefined],
    ['ssl=0', undefined],
    ['ssl=true', { rejectUnauthorized: true }],
    ['ssl=no-verify', { rejectUnauthorized: false }],
    ['sslmode=prefer', { rejectUnauthorized: true }],
    ['sslmode=require', { rejectUnauthorized: true }],
    ['sslmode=verify-ca', { rejectUnauthorized: true }],
    ['sslmode=verify-full', { rejectUnauthorized: true }],
    ['sslmode=no-verify', { rejectUnauthorized: false }],
    ['uselibpqcompat=true&sslmode=require', { rejectUnauthorized: false }],
    ['uselibpqcompat=true&sslmode=verify-full', { rejectUnauthorized: true }],
    ['sslnegotiation=direct', { rejectUnauthorized: true }],
  ])('"%s" has the same TLS meaning as in node-postgres', (parameters, tls) => {
    expect(read(`postgres://u:p@h/shop?${parameters}`).tls).toEqual(tls);
  });

  test('a certificate is compared with the address where the host is one', () => {
    const { tls } = read('postgres://u:p@127.0.0.1/shop?sslmode=verify-full');

    expect(tls).toMatchObject({ host: '127.0.0.1' });
  });

  test('the settings of the shop win over those of the URL', () => {
    const connection = read('postgres://u:p@h/shop?options=-c timezone=Asia/Tokyo');

    expect(clientConfig(connection, kind)).toMatchObject({
      options: '-c timezone=Asia/Tokyo -c timezone=UTC',
      application_name: 'flash-sale',
    });
  });
});

describe('a URL with several hosts', () => {
  const PAIR = 'postgres://u:p,q@a.example,[::1]:6432/shop?target_session_attrs=read-write';

  test('names them in order, each with its port', () => {
    expect(read(PAIR).hosts!.all).toEqual([
      { host: 'a.example', port: 5432, tls: undefined },
      { host: '::1', port: 6432, tls: undefined },
    ]);
    expect(read(PAIR).password).toBe('p,q');
  });

  test('verifies the certificate of each host against its own name', () => {
    const { hosts } = read(`${PAIR}&sslmode=verify-full`);

    expect(hosts!.all.map(({ tls }) => tls)).toEqual([
      { rejectUnauthorized: true },
      { rejectUnauthorized: true, host: '::1' },
    ]);
  });

  test('moves on once when many sessions fail together, and abandons the others once one may write', () => {
    const hosts = read(PAIR).hosts!;
    const [first, second] = hosts.all;

    hosts.confirmed(first!);
    hosts.failed(first!);
    hosts.failed(first!);
    hosts.confirmed(first!);
    const moved = hosts.candidate;
    const before = hosts.isAbandoned(first!);
    hosts.confirmed(second!);

    expect(moved).toBe(second);
    expect([before, hosts.isAbandoned(first!), hosts.isAbandoned(second!)]).toEqual([
      false,
      true,
      false,
    ]);
  });
});

describe('a URL that is refused', () => {
  test.each([
    ['a % in the password', `postgres://u:${PASSWORD}%@h/shop`, /has a % /],
    ['half a character in it', `postgres://u:${PASSWORD}%E0%A4@h/shop`, /has a % /],
    ['a zero byte in it', `postgres://u:${PASSWORD}%00@h/shop`, /has a % /],
    ['a # in it', `postgres://u:${PASSWORD}#x@h/shop`, /has a #: .*%23/],
    ['a # after digits', `postgres://u:12#${PASSWORD}@h/shop`, /has a #: .*%23/],
    ['a / in it', `postgres://u:12/${PASSWORD}@h/shop`, /has a \/ or \?/],
    ['a ? in it', `postgres://u:12?${PASSWORD}@h/shop`, /has a \/ or \?/],
    [
      'a ? after an @',
      `postgres://u@c:12?${PASSWORD}@h/shop`,
      /a parameter that is not supported\.$/,
    ],
    [
      'a & in the parameter password',
      `postgres://u@h/shop?password=12&${PASSWORD}`,
      /a parameter that is not supported\.$/,
    ],
    [
      'a & and a = in the parameter password',
      `postgres://u@h/shop?password=12&${PASSWORD}=x&sslmode=disable`,
      /a parameter that is not supported\.$/,
    ],
    ['a tab in it', `postgres://u:${PASSWORD}\tx@h/shop`, /control character/],
    ['no database', `postgres://u:${PASSWORD}@h`, /names no database/],
    ['no database after a slash', `postgres://u:${PASSWORD}@h/`, /names no database/],
    ['port 0', `postgres://u:${PASSWORD}@h:0/shop`, /names a port/],
    ['a port out of range', `postgres://u:${PASSWORD}@h:65536/shop`, /names a port/],
    ['such a port in a parameter', `postgres://u:${PASSWORD}@h/shop?port=65536`, /names a port/],
    ['a port of letters', `postgres://u:${PASSWORD}@h:x/shop`, /must look like/],
    ['an IPv6 address without brackets', `postgres://u:${PASSWORD}@::1/shop`, /must look like/],
    ['one host twice', `postgres://u:${PASSWORD}@a,a/shop?target_session_attrs=primary`, /twice/],
    ['an empty host of two', `postgres://u:${PASSWORD}@a,/shop`, /an empty host/],
    [
      'a session that may be read-only',
      `postgres://u:${PASSWORD}@a,b/shop?target_session_attrs=any`,
      /target_session_attrs in DATABASE_URL must be read-write or primary/,
    ],
    ['two hosts with ports', `postgres://u:${PASSWORD}@a:1,b:2/shop`, /several hosts/],
    ['two hosts in a parameter', `postgres://u:${PASSWORD}@/shop?host=a,b`, /several hosts/],
    ['two encoded hosts', `postgres://u:${PASSWORD}@a%2Cb/shop`, /several hosts/],
    ['a host that is none', `postgres://u:${PASSWORD}@h/shop?host=./run`, /names a host/],
    ['an unknown parameter', `postgres://u:${PASSWORD}@h/shop?pgbouncer=true`, /: pgbouncer\.$/],
    [
      'a statement timeout',
      `postgres://u:${PASSWORD}@h/shop?statement_timeout=0`,
      /: statement_timeout\.$/,
    ],
    [
      'one parameter twice',
      `postgres://u:${PASSWORD}@h/shop?sslmode=verify-full&sslmode=disable`,
      /sslmode twice/,
    ],
    ['an empty parameter', `postgres://u:${PASSWORD}@h/shop?sslmode=`, /has no value/],
    ['an unknown mode', `postgres://u:${PASSWORD}@h/shop?sslmode=allow`, /must be disable, /],
    [
      'ssl beside sslmode',
      `postgres://u:${PASSWORD}@h/shop?ssl=true&sslmode=disable`,
      /both ssl and sslmode/,
    ],
    [
      'a missing file',
      `postgres://u:${PASSWORD}@h/shop?sslrootcert=/no/such`,
      /cannot be read \(ENOENT\)/,
    ],
    [
      'a certificate without key',
      `postgres://u:${PASSWORD}@h/shop?sslcert=${import.meta.filename}`,
      /holds no certificate/,
    ],
    [
      'a key without certificate',
      `postgres://u:${PASSWORD}@h/shop?sslkey=${import.meta.filename}`,
      /needs sslcert/,
    ],
    [
      'libpq’s verify-ca without authority',
      `postgres://u:${PASSWORD}@h/shop?uselibpqcompat=true&sslmode=verify-ca`,
      /needs sslrootcert/,
    ],
    [
      'TLS on a socket',
      `postgres://u:${PASSWORD}@/shop?host=/run&sslmode=require`,
      /TLS on a socket/,
    ],
    [
      'direct negotiation without TLS',
      `postgres://u:${PASSWORD}@h/shop?sslmode=disable&sslnegotiation=direct`,
      /without TLS/,
    ],
    ['an invalid timeout', `postgres://u:${PASSWORD}@h/shop?connect_timeout=soon`, /whole seconds/],
    ['another encoding', `postgres://u:${PASSWORD}@h/shop?client_encoding=latin1`, /must be UTF8/],
  ])('%s gets one complaint without the password', (_what, url, reason) => {
    const complaints = complaintsOf(url);

    expect(complaints).toEqual([expect.stringMatching(reason)]);
    expect(complaints[0]).not.toContain(PASSWORD);
    expect(complaints[0]).toContain('DATABASE_URL');
  });

  test('a file without a certificate is no authority', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flash-sale-url-'));
    const file = join(folder, 'ca.pem');
    writeFileSync(file, 'nothing');

    const complaints = complaintsOf(`postgres://u:p@h/shop?sslrootcert=${file}`);
    rmSync(folder, { recursive: true });

    expect(complaints).toEqual([
      'sslrootcert in DATABASE_URL names a file that holds no certificate.',
    ]);
  });
});

describe('PG* variables', () => {
  const VARIABLES = {
    PGHOST: 'db.example',
    PGPORT: '6432',
    PGUSER: 'till',
    PGPASSWORD: 'secret',
    PGDATABASE: 'sale',
    PGSSLMODE: 'verify-full',
    PGAPPNAME: 'till 4',
    PGOPTIONS: '-c search_path=sale',
    PGCONNECT_TIMEOUT: '9',
  };

  test('complete what the URL leaves out', () => {
    expect(read('postgres://', VARIABLES)).toMatchObject({
      host: 'db.example',
      port: 6432,
      user: 'till',
      password: 'secret',
      database: 'sale',
      tls: { rejectUnauthorized: true },
      applicationName: 'till 4',
      options: '-c search_path=sale',
      connectTimeoutMs: 9000,
    });
  });

  test('change nothing that the URL names', () => {
    const url =
      'postgres://u:p@h:1/shop?ssl=false&application_name=a&options=-c jit=off&connect_timeout=1';

    expect(read(url, VARIABLES)).toEqual(read(url));
  });

  test('are reported by their name when they are malformed', () => {
    expect(complaintsOf('postgres://u:p@h/shop', { PGSSLMODE: 'maybe' })).toEqual([
      expect.stringMatching(/^PGSSLMODE must be disable, /),
    ]);
  });

  test('reach a session only through the parsed URL', () => {
    const before = { ...process.env };
    Object.assign(process.env, VARIABLES, {
      PGREPLICATION: 'database',
      PGSSLNEGOTIATION: 'direct',
      PGCLIENT_ENCODING: 'latin1',
    });
    try {
      const connection = read('postgres://u:p@h/shop');
      const client = new DatabaseClient(clientConfig(connection, { applicationName: 'till 1' }));
      const { connectionParameters } = client as unknown as { connectionParameters: object };

      expect(connectionParameters).toMatchObject({
        host: 'h',
        port: 5432,
        user: 'u',
        password: 'p',
        database: 'shop',
        ssl: false,
        sslnegotiation: 'postgres',
        client_encoding: 'UTF8',
        replication: undefined,
        application_name: 'till 1',
        options: undefined,
      });
    } finally {
      process.env = before;
    }
  });
});
