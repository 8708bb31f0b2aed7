import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings, SettingsError } from '../../src/config.ts';
import { SETTINGS } from '../../src/config.settings.ts';
import { markShown } from '../../src/platform/kept-secret.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flash-sale-settings-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

type Environment = Readonly<Record<string, string>>;

/** Reads the settings of this environment and this `.env`, in a folder of their own. */
function read(environment: Environment = {}, envFile?: string) {
  const file = join(folder, '.env');
  if (envFile !== undefined) writeFileSync(file, envFile);
  return readSettings({ DATA_DIR: join(folder, 'data'), ...environment }, file);
}

function complaintsOf(environment: Environment, envFile?: string): readonly string[] {
  try {
    read(environment, envFile);
  } catch (error) {
    if (error instanceof SettingsError) return error.complaints;
    throw error;
  }
  return [];
}

const webhookSecret = (bytes: number, fill = 'k') =>
  `whsec_${Buffer.alloc(bytes, fill).toString('base64')}`;

const production: Environment = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://shop:pw@db/shop',
  PAYMENT_WEBHOOK_SECRETS: webhookSecret(32),
  HOLD_TOKEN_SECRETS: 'h'.repeat(32),
  ADMIN_TOKEN: 'a'.repeat(32),
};

const leaveOut = (environment: Environment, ...names: string[]): Environment =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)));

describe('defaults', () => {
  test('with nothing set a development server runs on this machine alone', () => {
    const settings = read();

    expect(settings).toMatchObject({
      PORT: 4000,
      HOST: '127.0.0.1',
      DATABASE_URL: undefined,
      NODE_ENV: 'development',
      HOLD_TTL_SECONDS: 120,
      ORDER_PAYMENT_TTL_SECONDS: 600,
      PARKED_EVENT_TTL_HOURS: 24,
      SWEEP_CRON: '* * * * * *',
      PAYMENT_WEBHOOK_SECRETS: undefined,
      STRIPE_WEBHOOK_SECRETS: undefined,
      WEBHOOK_REQUIRE_AMOUNT: false,
      DATABASE_POOL_MAX: 10,
      HOLD_BATCH_MAX: 500,
      HOLD_QUEUE_MAX: 5000,
      CONNECTIONS_MAX: 18_000,
      ALLOWED_ORIGINS: undefined,
      SHUTDOWN_GRACE_SECONDS: 10,
      GRAPHQL_EXPLORER: true,
      LOG_LEVEL: 'info',
      SEED_DEMO: true,
      METRICS_TOKEN: undefined,
      HOLDS_PER_MINUTE: undefined,
      TRUSTED_PROXY_HOPS: 0,
      WORKERS: 1,
      SERVERS: 1,
      ALLOW_DATA_LOSS: false,
      OTEL_EXPORTER_OTLP_ENDPOINT: undefined,
      production: false,
    });
  });

  test('in production it listens everywhere, without explorer and demo', () => {
    expect(read(production)).toMatchObject({
      HOST: '0.0.0.0',
      GRAPHQL_EXPLORER: false,
      SEED_DEMO: false,
      production: true,
      adminTokenIsNew: false,
    });
  });

  test('what is set in production stays set', () => {
    const set = { HOST: '10.0.0.1', GRAPHQL_EXPLORER: 'true', SEED_DEMO: 'true' };

    expect(read({ ...production, ...set })).toMatchObject({
      HOST: '10.0.0.1',
      GRAPHQL_EXPLORER: true,
      SEED_DEMO: true,
    });
  });

  test('the default that is shown is the one that is read', () => {
    const settings = read() as unknown as Record<string, unknown>;
    const plain = Object.entries(SETTINGS).filter(([, { shownDefault }]) =>
      /^(\d+|true|false|info|development|\* .*)$/.test(shownDefault),
    );

    expect(plain.length).toBeGreaterThan(10);
    for (const [name, { shownDefault }] of plain) {
      expect(`${name} ${String(settings[name])}`).toBe(`${name} ${shownDefault}`);
    }
  });

  test('settings are frozen', () => {
    const settings = read();

    expect(Object.isFrozen(settings)).toBe(true);
  });
});

describe('development secrets', () => {
  test('are made once, kept in DATA_DIR for their owner alone, and new until they are shown', () => {
    const first = read();
    const second = read();
    markShown(join(folder, 'data'), 'admin-token');
    const third = read();

    expect([first, second, third].map(({ adminTokenIsNew }) => adminTokenIsNew)).toEqual([
      true,
      true,
      false,
    ]);
    expect(second.ADMIN_TOKEN).toBe(first.ADMIN_TOKEN);
    expect(second.HOLD_TOKEN_SECRETS).toEqual(first.HOLD_TOKEN_SECRETS);
    expect(Buffer.from(first.ADMIN_TOKEN, 'base64url')).toHaveLength(32);
    expect(first.HOLD_TOKEN_SECRETS).not.toContain(first.ADMIN_TOKEN);
    expect(readFileSync(join(folder, 'data/admin-token'), 'utf8')).toBe(first.ADMIN_TOKEN);
    expect(statSync(join(folder, 'data/admin-token')).mode & 0o777).toBe(0o600);
  });

  test('are not made where they are set', () => {
    const settings = read({ ADMIN_TOKEN: 'mine', HOLD_TOKEN_SECRETS: 'new, old' });

    expect(settings).toMatchObject({
      ADMIN_TOKEN: 'mine',
      adminTokenIsNew: false,
      HOLD_TOKEN_SECRETS: ['new', 'old'],
    });
    expect(() => statSync(join(folder, 'data'))).toThrow('ENOENT');
  });

  test('are different in another folder', () => {
    expect(read().ADMIN_TOKEN).not.toBe(read({ DATA_DIR: join(folder, 'other') }).ADMIN_TOKEN);
  });
});

describe('.env', () => {
  test('is read, and the environment wins over it', () => {
    const settings = read({ PORT: '5000' }, 'PORT=6000\nHOLD_TTL_SECONDS=60\n');

    expect(settings).toMatchObject({ PORT: 5000, HOLD_TTL_SECONDS: 60 });
  });

  test('an empty value counts as not set, in the environment and in the file', () => {
    const settings = read({ PORT: '', HOLD_TTL_SECONDS: '' }, 'PORT=6000\nHOLD_BATCH_MAX=\n');

    expect(settings).toMatchObject({ PORT: 6000, HOLD_TTL_SECONDS: 120, HOLD_BATCH_MAX: 500 });
  });

  test('a name that is no setting is a typing error and refused', () => {
    const complaints = complaintsOf({}, 'HOLD_TTL=60\nPORT=6000\nport=1\n');

    expect(complaints).toEqual([
      `HOLD_TTL in ${join(folder, '.env')} is not a setting.`,
      `port in ${join(folder, '.env')} is not a setting.`,
    ]);
  });

  test.each(['toString', 'constructor'])(
    '%s, which every object has, is no setting either',
    (name) => {
      expect(complaintsOf({}, `${name}=1\n`)).toHaveLength(1);
    },
  );

  test('unknown names in the environment are nobody’s business', () => {
    expect(complaintsOf({ PATH: '/bin', HOLD_TTL: '60', toString: '1' })).toEqual([]);
  });

  test('need not be there', () => {
    expect(read({ PORT: '5000' })).toMatchObject({ PORT: 5000 });
  });
});

describe('complaints', () => {
  test('come all at once, one line each, those of the file too', () => {
    const environment = { PORT: 'http', HOLD_TTL_SECONDS: '0', LOG_LEVEL: 'loud', SEED_DEMO: '1' };

    const complaints = complaintsOf(environment, 'TYPO=1\nDATABASE_URL=mysql://db\n');

    expect(complaints.map((line) => line.split(' ')[0]!).toSorted()).toEqual([
      'DATABASE_URL',
      'HOLD_TTL_SECONDS',
      'LOG_LEVEL',
      'PORT',
      'SEED_DEMO',
      'TYPO',
    ]);
    for (const line of complaints) expect(line).toMatch(/^[^\n]+\.$/);
    expect(() => read(environment)).toThrow('PORT must be a whole number.');
  });

  test.each([
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '4000.5'],
    ['PORT', ' 4000'],
    ['PORT', '0x10'],
    ['DATABASE_URL', 'db.example/shop'],
    ['NODE_ENV', 'staging'],
    ['HOLD_TTL_SECONDS', '0.19'],
    ['HOLD_TTL_SECONDS', '0'],
    ['HOLD_TTL_SECONDS', '-5'],
    ['HOLD_TTL_SECONDS', '1e3'],
    ['HOLD_TTL_SECONDS', '.5'],
    ['HOLD_TTL_SECONDS', '2 min'],
    ['HOLD_TTL_SECONDS', 'Infinity'],
    ['HOLD_TTL_SECONDS', '2592001'],
    ['ORDER_PAYMENT_TTL_SECONDS', '0.1'],
    ['ORDER_PAYMENT_TTL_SECONDS', '2592001'],
    ['PARKED_EVENT_TTL_HOURS', '721'],
    ['SWEEP_CRON', '* * * * *'],
    ['SWEEP_CRON', '* * * * * * *'],
    ['SWEEP_CRON', '61 * * * * *'],
    ['SWEEP_CRON', 'every second'],
    ['HOLD_TOKEN_SECRETS', ','],
    ['PAYMENT_WEBHOOK_SECRETS', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['PAYMENT_WEBHOOK_SECRETS', 'whsec_'],
    ['PAYMENT_WEBHOOK_SECRETS', 'whsec_not base64'],
    ['PAYMENT_WEBHOOK_SECRETS', `${'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'},sk_live`],
    ['PAYMENT_WEBHOOK_SECRETS', ' , '],
    ['STRIPE_WEBHOOK_SECRETS', 'two words'],
    ['WEBHOOK_REQUIRE_AMOUNT', 'yes'],
    ['WEBHOOK_REQUIRE_AMOUNT', 'TRUE'],
    ['DATABASE_POOL_MAX', '0'],
    ['HOLD_BATCH_MAX', '0'],
    ['HOLD_BATCH_MAX', '10001'],
    ['HOLD_QUEUE_MAX', '0'],
    ['HOLD_QUEUE_MAX', '1e3'],
    ['WORKERS', '0'],
    ['WORKERS', '257'],
    ['SHUTDOWN_GRACE_SECONDS', '-1'],
    ['GRAPHQL_EXPLORER', '1'],
    ['LOG_LEVEL', 'verbose'],
    ['HOLDS_PER_MINUTE', '0'],
    ['TRUSTED_PROXY_HOPS', 'all'],
    ['TRUSTED_PROXY_HOPS', '11'],
    ['SERVERS', '0'],
    ['ALLOW_DATA_LOSS', 'yes'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'ftp://collector'],
  ])('%s=%s is refused', (name, text) => {
    const complaints = complaintsOf({ [name]: text });

    expect(complaints).toEqual([expect.stringMatching(new RegExp(`^${name} .*[^.]\\.$`))]);
  });

  test.each([
    ['PORT', '0', 0],
    ['HOLD_TTL_SECONDS', '0.2', 0.2],
    ['HOLD_TTL_SECONDS', '1.5', 1.5],
    ['HOLD_TTL_SECONDS', '2592000', 2_592_000],
    ['ORDER_PAYMENT_TTL_SECONDS', '0.2', 0.2],
    ['PARKED_EVENT_TTL_HOURS', '0', 0],
    ['PARKED_EVENT_TTL_HOURS', '0.01', 0.01],
    ['SWEEP_CRON', '*/5 * * * * *', '*/5 * * * * *'],
    ['SHUTDOWN_GRACE_SECONDS', '0', 0],
    ['WEBHOOK_REQUIRE_AMOUNT', 'true', true],
    ['GRAPHQL_EXPLORER', 'false', false],
    ['SEED_DEMO', 'false', false],
    ['LOG_LEVEL', 'silent', 'silent'],
    ['NODE_ENV', 'test', 'test'],
    [
      'ALLOWED_ORIGINS',
      'https://a.example, https://b.example,',
      ['https://a.example', 'https://b.example'],
    ],
    ['STRIPE_WEBHOOK_SECRETS', 'whsec_one,whsec_two', ['whsec_one', 'whsec_two']],
    ['DATABASE_URL', 'postgresql://db/shop', 'postgresql://db/shop'],
  ])('%s=%s is accepted', (name, text, value) => {
    expect(read({ [name]: text })).toHaveProperty(name, value);
  });

  test('a webhook secret that cannot be decoded is refused at start, not at the first payment', () => {
    for (const cut of [1, 2, 3]) {
      const secret = webhookSecret(33).slice(0, -cut);

      expect(complaintsOf({ PAYMENT_WEBHOOK_SECRETS: secret })).toHaveLength(1);
    }
  });
});

describe('production', () => {
  const required = ['DATABASE_URL', 'PAYMENT_WEBHOOK_SECRETS', 'HOLD_TOKEN_SECRETS', 'ADMIN_TOKEN'];

  test('does not start without its database and secrets, one line for each', () => {
    expect(complaintsOf({ NODE_ENV: 'production' })).toEqual(
      required.map((name) => `${name} must be set in production.`),
    );
    expect(() => statSync(join(folder, 'data'))).toThrow('ENOENT');
  });

  test.each(required)('does not start without %s', (name) => {
    expect(complaintsOf(leaveOut(production, name))).toEqual([
      `${name} must be set in production.`,
    ]);
  });

  test('does not start with secrets of 23 bytes, and does with 24', () => {
    const secrets = (bytes: number) => ({
      ...production,
      PAYMENT_WEBHOOK_SECRETS: webhookSecret(bytes),
      STRIPE_WEBHOOK_SECRETS: 's'.repeat(bytes),
      HOLD_TOKEN_SECRETS: 'h'.repeat(bytes),
      ADMIN_TOKEN: 'a'.repeat(bytes),
      METRICS_TOKEN: 'm'.repeat(bytes),
    });

    const tooShort = complaintsOf(secrets(23));

    expect(tooShort.toSorted()).toEqual(
      [
        'ADMIN_TOKEN',
        'HOLD_TOKEN_SECRETS',
        'METRICS_TOKEN',
        'PAYMENT_WEBHOOK_SECRETS',
        'STRIPE_WEBHOOK_SECRETS',
      ].map((name) => `${name} has a secret shorter than 24 bytes.`),
    );
    expect(complaintsOf(secrets(24))).toEqual([]);
  });

  test('hears what is malformed, missing and too short in one list, each once', () => {
    const complaints = complaintsOf({
      NODE_ENV: 'production',
      PORT: 'http',
      DATABASE_URL: 'mysql://db',
      HOLD_TOKEN_SECRETS: 'short',
      ADMIN_TOKEN: 'a'.repeat(32),
    });

    expect(complaints.toSorted()).toEqual([
      'DATABASE_URL must begin with postgres:// or postgresql://.',
      'HOLD_TOKEN_SECRETS has a secret shorter than 24 bytes.',
      'PAYMENT_WEBHOOK_SECRETS must be set in production.',
      'PORT must be a whole number.',
    ]);
  });

  test('looks at every secret of a list', () => {
    const lists = { ...production, HOLD_TOKEN_SECRETS: `${'h'.repeat(32)},short` };

    expect(complaintsOf(lists)).toEqual(['HOLD_TOKEN_SECRETS has a secret shorter than 24 bytes.']);
  });

  test('prints no secret in what it complains of', () => {
    const secret = 'hunter2-hunter2';
    const complaints = [
      complaintsOf({ ...production, HOLD_TOKEN_SECRETS: secret, ADMIN_TOKEN: secret }),
      complaintsOf({
        PAYMENT_WEBHOOK_SECRETS: secret,
        DATABASE_URL: `mysql://u:${secret}@db`,
        STRIPE_WEBHOOK_SECRETS: `${secret} ${secret}`,
      }),
      complaintsOf({}, `ADMIN_TOKENS=${secret}\n`),
    ].flat();

    expect(complaints).toHaveLength(6);
    expect(complaints.join('\n')).not.toContain('hunter2');
  });
});

describe('unsigned webhooks', () => {
  test.each(['127.0.0.1', '127.0.0.53', 'localhost', '::1', '[::1]'])(
    'are accepted in development on %s',
    (host) => {
      expect(complaintsOf({ HOST: host })).toEqual([]);
    },
  );

  test.each([
    '0.0.0.0',
    '::',
    '192.168.1.5',
    '127.0.0.1.example.com',
    '1270.0.0.1',
    'localhost.example.com',
    'shop.example',
  ])('do not start in development on %s, and signed ones do', (host) => {
    expect(complaintsOf({ HOST: host })).toEqual([
      'PAYMENT_WEBHOOK_SECRETS must be set when HOST is not a loopback address.',
    ]);
    expect(complaintsOf({ HOST: host, PAYMENT_WEBHOOK_SECRETS: webhookSecret(8) })).toEqual([]);
  });

  test('are refused in test as in development', () => {
    expect(complaintsOf({ NODE_ENV: 'test', HOST: '0.0.0.0' })).toHaveLength(1);
  });
});
