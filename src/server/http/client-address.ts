import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

/** A valid X-Request-Id: short, and without characters that could break a log line. */
const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/;

/**
 * The request id for responses and logs: X-Request-Id if this server has trusted proxies, else a new one.
 * An untrusted client could send the id of another request.
 */
export function requestIdOf({ headers }: IncomingMessage, trustedHops: number): string {
  const given = headers['x-request-id'];
  const isTrusted = trustedHops > 0 && typeof given === 'string' && REQUEST_ID.test(given);
  return isTrusted ? given : randomUUID();
}

/**
 * The address that rate limits count for. Each proxy appends the address of its client to
 * X-Forwarded-For. Trusted proxies wrote the last `trustedHops` entries, and the first of those is the
 * client. Earlier entries may be the client's own. `Forwarded` is not read, because a proxy without
 * support for it forwards the client's value.
 *
 * For an entry without an address (`unknown`, `_hidden`), the peer's address counts.
 */
export function addressOf({ headers, socket }: IncomingMessage, trustedHops: number): string {
  const peer = socket.remoteAddress ?? '';
  const client = forwarded(headers['x-forwarded-for'], trustedHops);
  return (client && blockOf(client)) || blockOf(peer) || peer;
}

/**
 * The entry of an X-Forwarded-* header that the first trusted proxy wrote; empty if no proxy is trusted
 * or none wrote one. Empty elements of a list are not entries (RFC 9110, 5.6.1).
 */
export function forwarded(header: string | string[] | undefined, trustedHops: number): string {
  if (trustedHops === 0) return '';
  const entries = (header?.toString() ?? '')
    .split(',')
    .map((entry) => entry.trim().replaceAll('"', ''))
    .filter(Boolean);
  return entries.at(-Math.min(trustedHops, entries.length)) ?? '';
}

/**
 * The block of addresses that one client has: one IPv4 address, or an IPv6 /64. Proxies write addresses
 * with and without a port, with brackets and with a zone. Undefined for text without an address.
 */
function blockOf(entry: string): string | undefined {
  const address = addressIn(entry.trim()) ?? addressIn(entry.trim().replace(/:\d*$/, ''));
  if (address === undefined || address.kind() === 'ipv4') return address?.toString();
  const [a, b, c, d] = address.toNormalizedString().split(':');
  return `${a}:${b}:${c}:${d}::/64`;
}

function addressIn(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  // The parser also takes short, octal and hexadecimal forms of IPv4, which no proxy writes.
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare);
  if (!ipaddr.IPv6.isValid(bare)) return undefined;
  const address = ipaddr.process(bare);
  return (address.kind() === 'ipv6' && translated(address as ipaddr.IPv6)) || address;
}

/** The IPv4 address inside a NAT64 or SIIT address: one /64 of those has all clients of the IPv4 internet. */
function translated(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const isTranslated = ['rfc6052', 'rfc6145'].includes(address.range());
  return isTranslated ? new ipaddr.IPv4(address.toByteArray().slice(12)) : undefined;
}
