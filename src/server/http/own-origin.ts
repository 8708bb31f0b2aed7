import type { IncomingMessage } from 'node:http';
import { forwarded } from './client-address.ts';

/**
 * Whether a page of this origin came from this server: scheme, host and port equal those of the
 * request. Trusted proxies name them in X-Forwarded-Proto and X-Forwarded-Host, where they change them.
 */
export function isOwnOrigin(
  origin: string,
  { headers }: IncomingMessage,
  trustedHops: number,
): boolean {
  const scheme = forwarded(headers['x-forwarded-proto'], trustedHops) || 'http';
  const host = forwarded(headers['x-forwarded-host'], trustedHops) || headers.host;
  const own = webOrigin(`${scheme}://${host}`);
  return own !== undefined && own === webOrigin(origin);
}

/** The normalised origin, for the schemes of web pages alone; undefined where the text is no origin. */
function webOrigin(text: string): string | undefined {
  // A longer text is no origin: an Origin header has no path, and a Host header no user.
  if (!/^https?:\/\/[^/?#@\\\s]+$/i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text).origin;
}
