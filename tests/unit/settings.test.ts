import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings, SettingsError } from '../../src/config/settings.ts';
import { SETTINGS } from '../../src/config/settings.table.ts';
import type { Settings } from '../../src/config/domain-settings.ts';
import { isLoopback } from '../../src/config/safety.ts';
import { markSecretPrinted } from '../../src/config/dev-secret.ts';
import { readDatabaseUrl } from '../../src/postgres/url/database-url.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flash-sale-settings-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

type Environment = Readonly<Record<string, string>>;

/** Reads the settings of this environment and this `.env`, in a folder of their own. */
function read(environment: Environment = {}, envFile?: string | Buffer) {
  const file = join(folder, '.env');
  if (envFile !== undefined) writeFileSync(file, envFile);
  return readSettings({ DATA_DIR: join(folder, 'data'), ...environment }, file);
}

function complaintsOf(environment: Environment, envFile?: string | Buffer): readonly string[] {
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
  DATABASE_URL: 'postgres://shop:pw@db/shop?sslmode=verify-full',
  PAYMENT_WEBHOOK_SECRETS: webhookSecret(32),
  HOLD_TOKEN_SECRETS: 'h'.repeat(32),
  ADMIN_TOKEN: 'a'.repeat(32),
};

/** The parsed settings, in the units of their names. */
const VALUE_OF: Readonly<Record<keyof typeof SETTINGS, (settings: Settings) => unknown>> = {
  PORT: ({ port }) => port,
  HOST: ({ host }) => host,
  DATABASE_URL: ({ connection }) => connection,
  // Used by a check of readSettings only.
  DATABASE_ALLOW_PLAINTEXT: () => SETTINGS.DATABASE_ALLOW_PLAINTEXT.type.parse(undefined),
  DATA_DIR: ({ dataDir }) => dataDir,
  NODE_ENV: ({ production: isProduction }) => (isProduction ? 'production' : 'development'),
  HOLD_TTL_SECONDS: ({ holdTtlMs }) => holdTtlMs / 1000,
  ORDER_PAYMENT_TTL_SECONDS: ({ orderPaymentTtlMs }) => orderPaymentTtlMs / 1000,
  PARKED_EVENT_TTL_HOURS: ({ parkedEventTtlMs }) => parkedEventTtlMs / 3_600_000,
  SWEEP_CRON: ({ sweepCron }) => sweepCron,
  HOLD_TOKEN_SECRETS: ({ holdTokenSecrets }) => holdTokenSecrets,
  PAYMENT_WEBHOOK_SECRETS: ({ webhookSecrets }) => webhookSecrets,
  STRIPE_WEBHOOK_SECRETS: ({ stripeWebhookSecrets }) => stripeWebhookSecrets,
  STRIPE_SECRET_KEY: ({ stripeSecretKey }) => stripeSecretKey,
  STRIPE_API_URL: ({ stripeApiUrl }) => stripeApiUrl,
  STRIPE_ALLOW_TEST_MODE: ({ allowStripeTestMode }) => allowStripeTestMode,
  WEBHOOKS_ALLOW_PRIVATE_NETWORKS: ({ endpointPolicy }) => endpointPolicy.allowPrivateNetworks,
  REFUNDS_AUTOMATIC: ({ refundsAutomatic }) => refundsAutomatic,
  WEBHOOK_REQUIRE_AMOUNT: ({ requireAmount }) => requireAmount,
  ADMIN_TOKEN: ({ adminToken }) => adminToken,
  METRICS_TOKEN: ({ metricsToken }) => metricsToken,
  DATABASE_POOL_MAX: ({ poolMax }) => poolMax,
  HOLD_BATCH_MAX: ({ batchMax }) => batchMax,
  HOLD_QUEUE_MAX: ({ queueMax }) => queueMax,
  HOLDS_PER_MINUTE: ({ holdsPerMinute }) => holdsPerMinute,
  CONNECTIONS_MAX: ({ connectionsMax }) => connectionsMax,
  KEEP_ALIVE_SECONDS: ({ keepAliveSeconds }) => keepAliveSeconds,
  TRUSTED_PROXY_HOPS: ({ trustedHops }) => trustedHops,
  ALLOWED_ORIGINS: ({ allowedOrigins }) => allowedOrigins,
  WORKERS: ({ workers }) => workers,
  SERVERS: ({ servers }) => servers,
  SHUTDOWN_GRACE_SECONDS: ({ graceMs }) => graceMs / 1000,
  ALLOW_DATA_LOSS: ({ allowDataLoss }) => allowDataLoss,
  GRAPHQL_EXPLORER: ({ explorer }) => explorer,
  STOREFRONT: ({ storefront }) => storefront,
  CONSOLE: ({ console }) => console,
  OTEL_EXPORTER_OTLP_ENDPOINT: ({ tracesUrl }) => tracesUrl,
  LOG_LEVEL: ({ logLevel }) => logLevel,
  SEED_DEMO: ({ seedDemo }) => seedDemo,
};

function expectSetting(settings: Settings, name: string, value: unknown): void {
  const expected = name === 'DATABASE_URL' ? readDatabaseUrl(value as string).connection : value;
  expect(VALUE_OF[name as keyof typeof SETTINGS](settings)).toEqual(expected);
}

const leaveOut = (environment: Environment, ...names: string[]): Environment =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)));

describe('defaults', () => {
  test('without settings a development server listens only on this machine', () => {
    const settings = read();

    expect(settings).toMatchObject({
      production: false,
      host: '127.0.0.1',
      port: 4000,
      connectionsMax: 18_000,
      keepAliveSeconds: 75,
      trustedHops: 0,
      allowedOrigins: undefined,
      graceMs: 10_000,
      workers: 1,
      connection: undefined,
      poolMax: 10,
      servers: 1,
      allowDataLoss: false,
      seedDemo: true,
      holdTtlMs: 120_000,
      orderPaymentTtlMs: 600_000,
      parkedEventTtlMs: 86_400_000,
      sweepCron: '* * * * * *',
      requireAmount: false,
      batchMax: 500,
      queueMax: 5000,
      holdsPerMinute: undefined,
      webhookSecrets: undefined,
      stripeWebhookSecrets: undefined,
      allowStripeTestMode: true,
      metricsToken: undefined,
      explorer: true,
      tracesUrl: undefined,
      logLevel: 'info',
    });
  });

  test('a production server listens on every address, without explorer and demo', () => {
    expect(read(production)).toMatchObject({
      host: '0.0.0.0',
      explorer: false,
      seedDemo: false,
      allowStripeTestMode: false,
      production: true,
      adminTokenIsNew: false,
    });
  });

  test('settings that are set in production win over its defaults', () => {
    const set = { HOST: '10.0.0.1', GRAPHQL_EXPLORER: 'true', SEED_DEMO: 'true' };

    expect(read({ ...production, ...set })).toMatchObject({
      host: '10.0.0.1',
      explorer: true,
      seedDemo: true,
    });
  });

  test('the documented default of each setting is the effective one', () => {
    const settings = read();
    const plain = Object.entries(SETTINGS).filter(([, { shownDefault }]) =>
      /^(\d+|true|false|info|development|\* .*)$/.test(shownDefault),
    );

    expect(plain.length).toBeGreaterThan(10);
    for (const [name, { shownDefault }] of plain) {
      const value = VALUE_OF[name as keyof typeof SETTINGS](settings);
      expect(`${name} ${String(value)}`).toBe(`${name} ${shownDefault}`);
    }
  });

  test('settings are frozen', () => {
    const settings = read();

    expect(Object.isFrozen(settings)).toBe(true);
  });
});

describe('development secrets', () => {
  test('are generated once, stored in DATA_DIR readable by their owner only, and new until they are shown', () => {
    const first = read();
    const second = read();
    markSecretPrinted(join(folder, 'data'), 'admin-token');
    const third = read();

    expect([first, second, third].map(({ adminTokenIsNew }) => adminTokenIsNew)).toEqual([
      true,
      true,
      false,
    ]);
    expect(second.adminToken).toBe(first.adminToken);
    expect(second.holdTokenSecrets).toEqual(first.holdTokenSecrets);
    expect(Buffer.from(first.adminToken, 'base64url')).toHaveLength(32);
    expect(first.holdTokenSecrets).not.toContain(first.adminToken);
    expect(readFileSync(join(folder, 'data/admin-token'), 'utf8')).toBe(first.adminToken);
    expect(statSync(join(folder, 'data/admin-token')).mode & 0o777).toBe(0o600);
  });

  test('are not generated where they are set', () => {
    const settings = read({ ADMIN_TOKEN: 'mine', HOLD_TOKEN_SECRETS: 'new, old' });

    expect(settings).toMatchObject({
      adminToken: 'mine',
      adminTokenIsNew: false,
      holdTokenSecrets: ['new', 'old'],
    });
    expect(() => statSync(join(folder, 'data'))).toThrow('ENOENT');
  });

  test('are different in another folder', () => {
    expect(read().adminToken).not.toBe(read({ DATA_DIR: join(folder, 'other') }).adminToken);
  });
});

describe('.env', () => {
  test('is read, and the environment wins over it', () => {
    const settings = read({ PORT: '5000' }, 'PORT=6000\nHOLD_TTL_SECONDS=60\n');

    expect(settings).toMatchObject({ port: 5000, holdTtlMs: 60_000 });
  });

  test('an empty value counts as not set, in the environment and in the file', () => {
    const settings = read({ PORT: '', HOLD_TTL_SECONDS: '' }, 'PORT=6000\nHOLD_BATCH_MAX=\n');

    expect(settings).toMatchObject({ port: 6000, holdTtlMs: 120_000, batchMax: 500 });
  });

  test('a name that is no setting is refused as a typing error', () => {
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

  test('unknown names in the environment are ignored', () => {
    expect(complaintsOf({ PATH: '/bin', HOLD_TTL: '60', toString: '1' })).toEqual([]);
  });

  const FORMS: readonly (readonly [form: string, file: string | Buffer])[] = [
    ['a byte-order mark', '\uFEFFPORT=6000\nADMIN_TOKEN=mine\n'],
    ['UTF-16, low byte first', Buffer.from('\uFEFFPORT=6000\r\nADMIN_TOKEN=mine\r\n', 'utf16le')],
    [
      'UTF-16, high byte first',
      Buffer.from('\uFEFFPORT=6000\nADMIN_TOKEN=mine\n', 'utf16le').swap16(),
    ],
    ['a mark before a comment', '\uFEFF# ours\nPORT=6000\nADMIN_TOKEN=mine\n'],
    ['a mark before export', '\uFEFFexport PORT=6000\nexport ADMIN_TOKEN=mine'],
    ['CRLF', 'PORT=6000\r\n\r\nADMIN_TOKEN=mine\r\n'],
    ['CR alone', 'PORT=6000\rADMIN_TOKEN=mine\r'],
    ['export', 'export PORT=6000\nexport\tADMIN_TOKEN=mine\n'],
    ['double quotes', 'PORT="6000"\nADMIN_TOKEN="mine"\n'],
    ['single quotes, CRLF', "PORT='6000'\r\nADMIN_TOKEN='mine'\r\n"],
    ['spaces and comments', '  PORT = 6000 # the port\n# a comment\n\n ADMIN_TOKEN=mine  \n'],
  ];

  test.each(FORMS)('is read with %s', (_form, file) => {
    expect(read({}, file)).toMatchObject({ port: 6000, adminToken: 'mine' });
  });

  test('a line that assigns nothing is refused by its number, without its text', () => {
    const file = '# PORT\nPORT=6000\nADMIN_TOKEN: hunter2\nHOST="::1\n"\nhunter2\n';

    expect(complaintsOf({}, file)).toEqual([
      `Line 3 of ${join(folder, '.env')} is not NAME=value.`,
      `Line 6 of ${join(folder, '.env')} is not NAME=value.`,
    ]);
  });

  test.each(['"', "'", '`'])('a quotation mark %s that is not closed is refused', (mark) => {
    expect(complaintsOf({}, `PORT=6000\nADMIN_TOKEN=${mark}hunter2\n`)).toEqual([
      `ADMIN_TOKEN in ${join(folder, '.env')} has a quotation mark that is not closed.`,
    ]);
  });

  test('a folder of that name is refused', () => {
    mkdirSync(join(folder, '.env'));

    expect(complaintsOf({})).toEqual([`${join(folder, '.env')} is a directory, not a file.`]);
  });

  test('is optional', () => {
    expect(read({ PORT: '5000' })).toMatchObject({ port: 5000 });
  });
});

describe('complaints', () => {
  test('are reported all at once, one line each, including those of the file', () => {
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
    // The migrations need a second session.
    ['DATABASE_POOL_MAX', '1'],
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
    ['NODE_ENV', 'test', 'development'],
    [
      'ALLOWED_ORIGINS',
      'https://a.example, https://b.example,',
      ['https://a.example', 'https://b.example'],
    ],
    ['STRIPE_WEBHOOK_SECRETS', 'whsec_one,whsec_two', ['whsec_one', 'whsec_two']],
    ['DATABASE_URL', 'postgresql://db/shop', 'postgresql://db/shop'],
  ])('%s=%s is accepted', (name, text, value) => {
    expectSetting(read({ [name]: text }), name, value);
  });

  test('a webhook secret that cannot be decoded is refused at start, not at the first payment', () => {
    for (const cut of [1, 2, 3]) {
      const secret = webhookSecret(33).slice(0, -cut);

      expect(complaintsOf({ PAYMENT_WEBHOOK_SECRETS: secret })).toHaveLength(1);
    }
  });
});

describe('secrets, tokens and URLs', () => {
  const SECRETS = [
    ['HOLD_TOKEN_SECRETS', 'one-secret', ['one-secret']],
    ['PAYMENT_WEBHOOK_SECRETS', webhookSecret(24), [webhookSecret(24)]],
    ['STRIPE_WEBHOOK_SECRETS', 'whsec_abc', ['whsec_abc']],
    ['ADMIN_TOKEN', 'a token', 'a token'],
    ['METRICS_TOKEN', 'a-token', 'a-token'],
    ['DATABASE_URL', 'postgres://shop:pw@db/shop', 'postgres://shop:pw@db/shop'],
  ] as const;
  const URLS = [
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://collector:4318', 'http://collector:4318'],
    ['ALLOWED_ORIGINS', 'https://shop.example', ['https://shop.example']],
    ['HOST', 'localhost', 'localhost'],
  ] as const;

  /** Writes a file beside `.env` and gives its path. */
  function file(content: string | Buffer, name = 'secret'): string {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  }

  test.each([...SECRETS, ...URLS])(
    '%s is read without surrounding white space',
    (name, text, value) => {
      for (const around of [`${text}\n`, `${text}\r\n`, `  ${text} \t`, `\n${text}\n\n`])
        expectSetting(read({ [name]: around }), name, value);
    },
  );

  test.each([...SECRETS, ...URLS])(
    '%s with what a header cannot carry is refused',
    (name, text) => {
      const middle = text.length - 2;
      for (const character of ['\n', '\r\n', '\t', '\0', '\u001b', '\u007f', '\u0085', '\uFFFD']) {
        const broken = text.slice(0, middle) + character + text.slice(middle);

        expect([character, complaintsOf({ [name]: broken })]).toEqual([
          character,
          [expect.stringMatching(new RegExp(`^${name} must .*\\.$`))],
        ]);
      }
    },
  );

  const IN_HEADERS = [...SECRETS, ...URLS].filter(([name]) => name !== 'DATABASE_URL');

  test.each(IN_HEADERS)('%s with letters that are not ASCII is refused', (name, text) => {
    for (const letter of ['ü', '“', '\u00a0', '\u200b', '€', '🙂'])
      expect(complaintsOf({ [name]: text.replace(/.$/, `${letter}$&`) })).toHaveLength(1);
  });

  test.each(SECRETS)('%s of white space only is refused, not treated as missing', (name) => {
    expect(complaintsOf({ [name]: ' \n' })).toHaveLength(1);
  });

  test.each(SECRETS)('%s comes from the file that %s_FILE names', (name, text, value) => {
    const contents = [text, `${text}\n`, `${text}\r\n`, `\uFEFF${text}\n`];
    const utf16 = Buffer.from(`\uFEFF${text}\r\n`, 'utf16le');

    for (const content of [...contents, utf16])
      expectSetting(read({ [`${name}_FILE`]: file(content) }), name, value);
    expectSetting(read({}, `${name}_FILE=${file(text)}\n`), name, value);
    expectSetting(read({ [`${name}_FILE`]: `${file(text)}\n` }), name, value);
  });

  test('a list in a file has one entry a line, or commas between its entries', () => {
    const [one, two] = [webhookSecret(24, 'a'), webhookSecret(24, 'b')];

    for (const content of [`${one}\n${two}\n`, `${one}\r\n\r\n${two}`, `${one}, ${two}\n`])
      expect(read({ PAYMENT_WEBHOOK_SECRETS_FILE: file(content) })).toMatchObject({
        webhookSecrets: [one, two],
      });
    expect(complaintsOf({ ADMIN_TOKEN_FILE: file('one\ntwo\n') })).toEqual([
      'ADMIN_TOKEN must be printable ASCII in one line.',
    ]);
  });

  test('a file is read through symbolic links, as orchestrators mount secrets', () => {
    symlinkSync(file('mine'), join(folder, 'link'));

    expect(read({ ADMIN_TOKEN_FILE: join(folder, 'link') })).toMatchObject({ adminToken: 'mine' });
  });

  test.each([
    ['a file that does not exist', () => join(folder, 'missing')],
    ['a file that does not exist', () => join(file('x'), 'below')],
    ['an empty file', () => file('')],
    ['an empty file', () => file('\uFEFF \r\n')],
    ['a directory, not a file', () => folder],
    ['something that is not a regular file', () => '/dev/zero'],
    ['a file of more than 64 KiB', () => file('x'.repeat(70_000))],
    [
      'a file that cannot be read (ELOOP)',
      () => {
        symlinkSync('loop', join(folder, 'loop'));
        return join(folder, 'loop');
      },
    ],
  ])('a NAME_FILE that names %s gives one complaint for each secret', (why, path) => {
    const named = path();
    for (const [name] of SECRETS)
      expect(complaintsOf({ ...leaveOut(production, name), [`${name}_FILE`]: named })).toEqual([
        `${name}_FILE names ${why}.`,
      ]);
  });

  test('NAME and NAME_FILE in one place are refused, and the environment wins over .env', () => {
    const both = 'ADMIN_TOKEN_FILE and ADMIN_TOKEN are both set: set one of them.';
    const path = file('from-file');

    expect(complaintsOf({ ADMIN_TOKEN: 'x', ADMIN_TOKEN_FILE: path })).toEqual([both]);
    expect(complaintsOf({}, `ADMIN_TOKEN=x\nADMIN_TOKEN_FILE=${path}\n`)).toEqual([both]);
    expect(read({ ADMIN_TOKEN: 'x', ADMIN_TOKEN_FILE: '' }).adminToken).toBe('x');
    expect(read({ ADMIN_TOKEN: 'x' }, `ADMIN_TOKEN_FILE=${path}\n`).adminToken).toBe('x');
    expect(read({ ADMIN_TOKEN_FILE: path }, 'ADMIN_TOKEN=x\n').adminToken).toBe('from-file');
  });

  test('a setting that is no secret has no _FILE variant', () => {
    expect(complaintsOf({}, 'PORT_FILE=port\nADMIN_TOKENS_FILE=tokens\n')).toHaveLength(2);
  });

  test('a secret from a file is checked like any other, and no complaint shows it', () => {
    const complaints = complaintsOf({
      ...leaveOut(production, 'ADMIN_TOKEN', 'PAYMENT_WEBHOOK_SECRETS'),
      ADMIN_TOKEN_FILE: file('hunter2'),
      PAYMENT_WEBHOOK_SECRETS_FILE: file('hunter2', 'other'),
    });

    expect(complaints).toEqual([
      'PAYMENT_WEBHOOK_SECRETS must be comma-separated whsec_… secrets.',
      'ADMIN_TOKEN has a secret shorter than 24 bytes.',
    ]);
  });
});

describe('ALLOWED_ORIGINS', () => {
  test.each([
    ['https://shop.example', 'https://shop.example'],
    ['https://shop.example/', 'https://shop.example'],
    ['HTTPS://Shop.Example/', 'https://shop.example'],
    ['https://shop.example:443', 'https://shop.example'],
    ['http://shop.example:80/', 'http://shop.example'],
    ['http://localhost:3000/', 'http://localhost:3000'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['http://[0:0:0:0:0:0:0:1]/', 'http://[::1]'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['https://xn--mller-kva.example', 'https://xn--mller-kva.example'],
  ])('%s is %s', (text, origin) => {
    expect(read({ ALLOWED_ORIGINS: ` ${text} ,https://b.example` })).toMatchObject({
      allowedOrigins: [origin, 'https://b.example'],
    });
  });

  test.each([
    ['*', 'must name each origin; * and null are not accepted'],
    ['null', 'must name each origin; * and null are not accepted'],
    ['https://*.shop.example', 'must name each origin; wildcards are not accepted'],
    ['https://*', 'must name each origin; wildcards are not accepted'],
    ['https://shop.example:*', 'must name each origin; wildcards are not accepted'],
    ['shop.example', 'must begin each origin with http:// or https://'],
    ['localhost:3000', 'must begin each origin with http:// or https://'],
    ['//shop.example', 'must begin each origin with http:// or https://'],
    ['https:shop.example', 'must begin each origin with http:// or https://'],
    ['https:/shop.example', 'must begin each origin with http:// or https://'],
    ['https:///shop.example', 'must begin each origin with http:// or https://'],
    ['https://', 'must begin each origin with http:// or https://'],
    ['ftp://shop.example', 'must begin each origin with http:// or https://'],
    ['file:///srv', 'must begin each origin with http:// or https://'],
    ['chrome-extension://abc', 'must begin each origin with http:// or https://'],
    ['"https://shop.example"', 'must begin each origin with http:// or https://'],
    ['https://shop.example/app', 'must have origins only, without a path'],
    ['https://shop.example//', 'must have origins only, without a path'],
    ['https://shop.example/*', 'must name each origin; wildcards are not accepted'],
    ['https://shop.example?', 'must have origins only, without a path'],
    ['https://shop.example#top', 'must have origins only, without a path'],
    ['https://shop.example\\', 'must have origins only, without a path'],
    ['https://shop.example:port', 'must have a valid host and port in each origin'],
    ['https://shop.example:70000', 'must have a valid host and port in each origin'],
    ['https://[::1', 'must have a valid host and port in each origin'],
    ['https://a.example https://b.example', 'must be printable ASCII, with commas between'],
    ['https://müller.example', 'must be printable ASCII, with commas between'],
  ])('%s is refused with the reason', (text, reason) => {
    expect(complaintsOf({ ALLOWED_ORIGINS: `https://a.example,${text}` })).toEqual([
      `ALLOWED_ORIGINS ${reason}: ${JSON.stringify(text)}.`,
    ]);
  });

  test('a user name or password is refused and not shown', () => {
    for (const text of ['https://u:hunter2@shop.example', 'https://hunter2@shop.example'])
      expect(complaintsOf({ ALLOWED_ORIGINS: text })).toEqual([
        'ALLOWED_ORIGINS must not have a user name or a password.',
      ]);
  });

  test('no origin at all is refused', () => {
    expect(complaintsOf({ ALLOWED_ORIGINS: ' , ' })).toEqual([
      'ALLOWED_ORIGINS must name at least one value.',
    ]);
  });
});

describe('HOST', () => {
  test.each([
    ['[::1]', '::1'],
    ['::1', '::1'],
    [' 127.0.0.1\n', '127.0.0.1'],
    ['[::ffff:127.0.0.1]', '::ffff:127.0.0.1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['localhost', 'localhost'],
    ['shop-1.example', 'shop-1.example'],
  ])('%s is %s', (text, host) => {
    expect(read({ HOST: text, PAYMENT_WEBHOOK_SECRETS: webhookSecret(24) })).toMatchObject({
      host,
    });
  });

  test.each([
    'http://127.0.0.1',
    '127.0.0.1:4000',
    '[::1]:4000',
    '[::1',
    '[localhost]x',
    '*',
    'two words',
    'a/b',
    '::1::',
  ])('%s is refused', (text) => {
    expect(complaintsOf({ HOST: text })).toContainEqual(
      'HOST must be an IP address or a host name, without a scheme or a port.',
    );
  });

  test.each([
    ['127.0.0.1', true],
    ['127.255.255.254', true],
    ['::1', true],
    ['[::1]', true],
    ['0:0:0:0:0:0:0:1', true],
    ['::ffff:127.0.0.1', true],
    ['[::ffff:7f00:1]', true],
    ['LocalHost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['::ffff:10.0.0.1', false],
    ['127.0.0.256', false],
    ['127.0.0.1.example.com', false],
    ['localhost.example.com', false],
    ['notlocalhost', false],
  ])('that only this machine can reach %s is %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});

describe('DATA_DIR', () => {
  test('a file of that name gives one plain complaint', () => {
    writeFileSync(join(folder, 'data'), '');

    expect(complaintsOf({})).toEqual([expect.stringMatching(/^DATA_DIR \S+ cannot be used \(E/)]);
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

  test('starts without PAYMENT_WEBHOOK_SECRETS where STRIPE_WEBHOOK_SECRETS is set', () => {
    const stripeOnly = {
      ...leaveOut(production, 'PAYMENT_WEBHOOK_SECRETS'),
      STRIPE_WEBHOOK_SECRETS: `whsec_${'s'.repeat(32)}`,
    };

    expect(complaintsOf(stripeOnly)).toEqual([]);
    expect(complaintsOf({ ...stripeOnly, STRIPE_WEBHOOK_SECRETS: 'two words' })).toEqual([
      'STRIPE_WEBHOOK_SECRETS must be comma-separated secrets.',
    ]);
    expect(complaintsOf({ ...stripeOnly, STRIPE_WEBHOOK_SECRETS: '' })).toEqual([
      'PAYMENT_WEBHOOK_SECRETS must be set in production.',
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

  test('reports malformed, missing and too short settings in one list, each once', () => {
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

  test('checks every secret of a list', () => {
    const lists = { ...production, HOLD_TOKEN_SECRETS: `${'h'.repeat(32)},short` };

    expect(complaintsOf(lists)).toEqual(['HOLD_TOKEN_SECRETS has a secret shorter than 24 bytes.']);
  });

  test.each([
    ['another machine', 'postgres://shop:pw@db/shop'],
    ['another machine by address', 'postgres://shop:pw@[2001:db8::7]/shop'],
    ['another machine that TLS is turned off for', 'postgres://shop:pw@db/shop?sslmode=disable'],
    ['another machine in a parameter', 'postgres://shop:pw@localhost/shop?host=10.0.0.7'],
  ])('does not connect to %s without TLS, unless a setting allows it', (_what, DATABASE_URL) => {
    const plain = { ...production, DATABASE_URL };

    expect(complaintsOf(plain)).toEqual([
      'DATABASE_URL names another machine without TLS: add sslmode=verify-full, or set DATABASE_ALLOW_PLAINTEXT=true.',
    ]);
    expect(complaintsOf({ ...plain, DATABASE_ALLOW_PLAINTEXT: 'true' })).toEqual([]);
    expect(complaintsOf({ DATABASE_URL })).toEqual([]);
  });

  test.each([
    ['this machine', 'postgres://shop:pw@localhost/shop'],
    ['this machine by address', 'postgres://shop:pw@[::1]/shop'],
    ['a socket', 'postgres://shop:pw@/shop?host=/run/postgresql'],
    ['another machine with unverified TLS', 'postgres://shop:pw@db/shop?sslmode=no-verify'],
  ])('connects to %s', (_what, DATABASE_URL) => {
    expect(complaintsOf({ ...production, DATABASE_URL })).toEqual([]);
  });

  test('reports the errors of a URL together with those of other settings', () => {
    const complaints = complaintsOf({
      ...production,
      DATABASE_URL: 'postgres://shop:hunter2%@db/shop',
      PORT: 'x',
    });

    expect(complaints).toEqual([
      expect.stringMatching(/^PORT /),
      expect.stringMatching(/^DATABASE_URL has a % /),
    ]);
    expect(complaints.join()).not.toContain('hunter2');
  });

  test('prints no secret in a complaint', () => {
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
  ])('are refused in development on %s, where signed ones are accepted', (host) => {
    expect(complaintsOf({ HOST: host })).toEqual([
      'PAYMENT_WEBHOOK_SECRETS must be set when HOST is not a loopback address.',
    ]);
    expect(complaintsOf({ HOST: host, PAYMENT_WEBHOOK_SECRETS: webhookSecret(8) })).toEqual([]);
  });

  test('are off where only Stripe is configured and other machines can reach the server', () => {
    const stripeOnly = { HOST: '0.0.0.0', STRIPE_WEBHOOK_SECRETS: 'whsec_abc' };

    expect(complaintsOf(stripeOnly)).toEqual([]);
  });

  test('are refused in test as in development', () => {
    expect(complaintsOf({ NODE_ENV: 'test', HOST: '0.0.0.0' })).toHaveLength(1);
  });
});
