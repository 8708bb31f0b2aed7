import ipaddr from 'ipaddr.js';
import type { Connection } from '../postgres/url/connection.ts';

/** The settings that the safety checks read. */
interface SafetySettings {
  readonly NODE_ENV: string;
  readonly HOST?: string | undefined;
  readonly DATABASE_URL?: string | undefined;
  readonly HOLD_TOKEN_SECRETS?: readonly string[] | undefined;
  readonly PAYMENT_WEBHOOK_SECRETS?: readonly string[] | undefined;
  readonly STRIPE_WEBHOOK_SECRETS?: readonly string[] | undefined;
  readonly STRIPE_SECRET_KEY?: string | undefined;
  readonly STRIPE_API_URL?: string | undefined;
  readonly ADMIN_TOKEN?: string | undefined;
  readonly METRICS_TOKEN?: string | undefined;
}

/** Production does not start without these. */
const REQUIRED = [
  'DATABASE_URL',
  'PAYMENT_WEBHOOK_SECRETS',
  'HOLD_TOKEN_SECRETS',
  'ADMIN_TOKEN',
] as const;

/** Minimum length of a secret that cannot be guessed. */
const SECRET_BYTES_MIN = 24;

/**
 * Complaints about unsafe settings: production without its secrets, or an unsigned webhook on a
 * reachable address.
 *
 * @param malformed settings with a malformed value: they are not reported as missing
 */
export function unsafe(read: SafetySettings, malformed: readonly string[] = []): string[] {
  if (malformed.includes('NODE_ENV')) return [];
  const isMissing = (name: keyof SafetySettings): boolean =>
    read[name] === undefined && !malformed.includes(name);
  // If only Stripe is configured, the other webhook is off and needs no secret.
  const isWebhookBare = isMissing('PAYMENT_WEBHOOK_SECRETS') && isMissing('STRIPE_WEBHOOK_SECRETS');
  if (read.NODE_ENV === 'production') {
    return [
      ...REQUIRED.filter((name) =>
        name === 'PAYMENT_WEBHOOK_SECRETS' ? isWebhookBare : isMissing(name),
      ).map((name) => `${name} must be set in production.`),
      ...standIns(read),
      ...shortSecrets(read),
    ];
  }
  const isOpen = isWebhookBare && !isLoopback(read.HOST ?? '127.0.0.1');
  return isOpen ? ['PAYMENT_WEBHOOK_SECRETS must be set when HOST is not a loopback address.'] : [];
}

/** Production asks Stripe itself. */
function standIns({ STRIPE_API_URL }: SafetySettings): string[] {
  return STRIPE_API_URL === undefined ? [] : ['STRIPE_API_URL must not be set in production.'];
}

function shortSecrets(read: SafetySettings): string[] {
  return secretsOf(read)
    .filter(([, bytes]) => bytes < SECRET_BYTES_MIN)
    .map(([name]) => `${name} has a secret shorter than ${SECRET_BYTES_MIN} bytes.`);
}

/** The settings that decide whether unsigned payment events are accepted. */
interface WebhookExposure {
  readonly production: boolean;
  readonly host: string;
}

/** Whether unsigned payment events are accepted without a secret: only in development, on loopback. */
export function isUnsignedAccepted({ production, host }: WebhookExposure): boolean {
  return !production && isLoopback(host);
}

/**
 * Complaints about an unencrypted database connection to another machine in production.
 *
 * @param connection the parsed DATABASE_URL
 */
export function exposed(
  read: { readonly NODE_ENV: string; readonly DATABASE_ALLOW_PLAINTEXT?: boolean },
  connection: Connection | undefined,
): string[] {
  if (read.NODE_ENV !== 'production' || read.DATABASE_ALLOW_PLAINTEXT !== false) return [];
  if (connection === undefined || connection.tls !== undefined) return [];
  const hosts = connection.hosts?.all ?? [connection];
  if (hosts.every(({ host }) => host.startsWith('/') || isLoopback(host))) return [];
  return [
    'DATABASE_URL names another machine without TLS: add sslmode=verify-full, or set DATABASE_ALLOW_PLAINTEXT=true.',
  ];
}

/** Every secret that is set: the name of its setting and its length in bytes. */
function secretsOf(read: SafetySettings): (readonly [name: string, bytes: number])[] {
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
    ...(['ADMIN_TOKEN', 'METRICS_TOKEN', 'STRIPE_SECRET_KEY'] as const).flatMap((name) =>
      read[name] === undefined ? [] : [[name, Buffer.byteLength(read[name])] as const],
    ),
  ];
}

/** Whether the address is a loopback address, IPv6 with or without brackets. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, '$1');
  if (/^localhost\.?$/i.test(address)) return true;
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
}
