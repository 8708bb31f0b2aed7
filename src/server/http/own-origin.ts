import type { IncomingMessage } from 'node:http';
import { forwarded } from './client-address.ts';

/** Some proxies send the scheme of the websocket. */
const PAGE_SCHEMES: Readonly<Record<string, string>> = { ws: 'http', wss: 'https' };

/**
 * Whether a page of this origin came from this server: scheme, host and port equal those of the
 * request. Trusted proxies send them in X-Forwarded-Proto and X-Forwarded-Host. Without a scheme, both
 * http and https match: a proxy that ends TLS may forward only the Host header.
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

/** The normalised origin of a web page; undefined if the text is no http or https origin. */
function webOrigin(text: string): string | undefined {
  // An Origin header has no path, and a Host header has no user.
  if (!/^https?:\/\/[^/?#@\\\s]+$/i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text).origin;
}
