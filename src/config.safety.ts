/** What safety looks at of the settings that were read. */
export interface SettingsToJudge {
  readonly NODE_ENV: string;
  readonly HOST?: string | undefined;
  readonly DATABASE_URL?: string | undefined;
  readonly HOLD_TOKEN_SECRETS?: readonly string[] | undefined;
  readonly PAYMENT_WEBHOOK_SECRETS?: readonly string[] | undefined;
  readonly STRIPE_WEBHOOK_SECRETS?: readonly string[] | undefined;
  readonly ADMIN_TOKEN?: string | undefined;
  readonly METRICS_TOKEN?: string | undefined;
}

/** Without these production does not start. */
const REQUIRED = [
  'DATABASE_URL',
  'PAYMENT_WEBHOOK_SECRETS',
  'HOLD_TOKEN_SECRETS',
  'ADMIN_TOKEN',
] as const;

/** Shortest secret that is not guessed: 24 bytes. */
const SECRET_BYTES_MIN = 24;

/**
 * What must not run: production without its secrets, or an open webhook that strangers can reach.
 *
 * @param malformed settings that are set to something unreadable: neither missing nor judged
 */
export function unsafe(read: SettingsToJudge, malformed: readonly string[] = []): string[] {
  if (malformed.includes('NODE_ENV')) return [];
  if (read.NODE_ENV === 'production') {
    return [
      ...REQUIRED.filter((name) => read[name] === undefined && !malformed.includes(name)).map(
        (name) => `${name} must be set in production.`,
      ),
      ...secretsOf(read)
        .filter(([, bytes]) => bytes < SECRET_BYTES_MIN)
        .map(([name]) => `${name} has a secret shorter than ${SECRET_BYTES_MIN} bytes.`),
    ];
  }
  const unsigned = !malformed.includes('PAYMENT_WEBHOOK_SECRETS') && !read.PAYMENT_WEBHOOK_SECRETS;
  const open = unsigned && !isLoopback(read.HOST ?? '127.0.0.1');
  return open ? ['PAYMENT_WEBHOOK_SECRETS must be set when HOST is not a loopback address.'] : [];
}

/** Every secret that is set: its setting, and how many bytes it has. */
function secretsOf(read: SettingsToJudge): (readonly [name: string, bytes: number])[] {
  const {
    HOLD_TOKEN_SECRETS = [],
    STRIPE_WEBHOOK_SECRETS = [],
    PAYMENT_WEBHOOK_SECRETS = [],
  } = read;
  const base64 = (secret: string) => Buffer.from(secret.slice('whsec_'.length), 'base64').length;
  return [
    ...HOLD_TOKEN_SECRETS.map((one) => ['HOLD_TOKEN_SECRETS', Buffer.byteLength(one)] as const),
    ...STRIPE_WEBHOOK_SECRETS.map(
      (one) => ['STRIPE_WEBHOOK_SECRETS', Buffer.byteLength(one)] as const,
    ),
    ...PAYMENT_WEBHOOK_SECRETS.map((one) => ['PAYMENT_WEBHOOK_SECRETS', base64(one)] as const),
    ...(['ADMIN_TOKEN', 'METRICS_TOKEN'] as const).flatMap((name) =>
      read[name] === undefined ? [] : [[name, Buffer.byteLength(read[name])] as const],
    ),
  ];
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/.test(host);
}
