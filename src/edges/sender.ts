import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** What a proxy may name a request: short, and nothing that could break a log line. */
const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/;

/**
 * The id under which a request is answered and logged: the one in X-Request-Id where trusted proxies
 * stand before this server, else a new one. A stranger's own id could pass for somebody else's.
 */
export function requestIdOf({ headers }: IncomingMessage, trustedHops: number): string {
  const given = headers['x-request-id'];
  const isTrusted = trustedHops > 0 && typeof given === 'string' && REQUEST_ID.test(given);
  return isTrusted ? given : randomUUID();
}

/**
 * The address that limits count for. Each proxy appends the address it was called from to
 * X-Forwarded-For, so of its entries the last `trustedHops` were written by proxies of ours and
 * the first of those names the caller; what stands before it is the caller's own invention.
 *
 * An IPv6 caller has a whole /64 to itself, and counts as one.
 */
export function addressOf({ headers, socket }: IncomingMessage, trustedHops: number): string {
  const near = socket.remoteAddress ?? '';
  if (trustedHops === 0) return blockOf(near);
  const entries = (headers['x-forwarded-for']?.toString() ?? '').split(',');
  const named = entries.at(-Math.min(trustedHops, entries.length))!.trim();
  return blockOf(isIP(named) === 0 ? near : named);
}

function blockOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || isIP(address) !== 6) return mapped ?? address;
  // The URL parser writes each address in one way, with one run of zeros left out where there is one.
  const { hostname } = new URL(`http://[${address.split('%')[0]!}]`);
  const [front, back] = hostname.slice(1, -1).split('::').map(groupsOf);
  const zeros = back === undefined ? 0 : 8 - front!.length - back.length;
  const groups = [...front!, ...Array<string>(zeros).fill('0'), ...(back ?? [])];
  return `${groups.slice(0, 4).join(':')}::/64`;
}

const groupsOf = (text: string): string[] => (text === '' ? [] : text.split(':'));
