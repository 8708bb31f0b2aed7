/** What a payment session can be; docs/payments.md explains each. */
export const PAYMENT_SESSION_STATUSES = ['STARTING', 'STARTED', 'REFUSED', 'ENDED'] as const;

/** The status of a payment session. */
export type PaymentSessionStatus = (typeof PAYMENT_SESSION_STATUSES)[number];

/** The wait after the first failed attempt, in milliseconds; each further one doubles it. */
const FIRST_WAIT_MS = 2000;

/** Longest wait, in milliseconds. */
const WAIT_MS_MAX = 3600_000;

/** Part of a wait by which it varies, so that calls that failed together spread out. */
const JITTER = 0.2;

/**
 * The wait until the next attempt of a call to a provider, in milliseconds.
 *
 * @param failures failed attempts, 1 or more
 * @param random a number from 0 to 1
 */
export function providerWaitMs(failures: number, random: number): number {
  const planned = Math.min(FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 20), WAIT_MS_MAX);
  return Math.round(planned * (1 + JITTER * (2 * random - 1)));
}

/** Longest URL of a return page, in characters. */
const URL_MAX = 2048;

/**
 * Why a return URL is refused, a sentence without its full stop; undefined if it is valid.
 *
 * @param isAllowed whether pages of an origin may use the shop
 */
export function returnUrlComplaint(
  text: string,
  isAllowed: (origin: string) => boolean,
): string | undefined {
  if (text.length > URL_MAX)
    return `returnUrl has ${text.length} characters; it may have at most ${URL_MAX}`;
  // Other URL parsers keep white space, control characters and backslashes, which this one changes.
  if (!/^https?:\/\/[^\s\\\p{Cc}\p{Cs}]+$/iu.test(text) || !URL.canParse(text))
    return 'returnUrl must be an http or https URL';
  const { origin, username, password } = new URL(text);
  if (username !== '' || password !== '') return 'returnUrl must not have a user or a password';
  return isAllowed(origin) ? undefined : 'returnUrl must have an origin of ALLOWED_ORIGINS';
}
