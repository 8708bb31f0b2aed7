import type { IncomingMessage } from 'node:http';
import { forwarded } from './client-address.ts';

/** Some proxies name the scheme of the websocket itself. */
const PAGE_SCHEMES: Readonly<Record<string, string>> = { ws: 'http', wss: 'https' };

/**
 * Whether a page of this origin came from this server: scheme, host and port equal those of the
 * request. Trusted proxies name them in X-Forwarded-Proto and X-Forwarded-Host. Where none names the
 * scheme, either is right: a proxy that ends TLS may pass on the Host header alone.
 */
export function isOwnOrigin(
  origin: string,
  { headers }: IncomingMessage,
  trustedHops: number,
): boolean {
  const page = webOrigin(origin);
  if (page === undefined) return false;
  const named = forwarded(headers['x-forwarded-proto'], trustedHops).toLowerCase();
  const scheme = PAGE_SCHEMES[named] ?? (named || page.split(':', 1)[0]);
  const host = forwarded(headers['x-forwarded-host'], trustedHops) || headers.host;
  return page === webOrigin(`${scheme}://${host}`);
}

/** The normalised origin, for the schemes of web pages alone; undefined where the text is no origin. */
function webOrigin(text: string): string | undefined {
  // A longer text is no origin: an Origin header has no path, and a Host header no user.
  if (!/^https?:\/\/[^/?#@\\\s]+$/i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text).origin;
}
