import type { IncomingMessage } from 'node:http';

/** scheme://authority and the rest, of a request target in absolute form. */
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/i;

/** A host name, an IPv4 address or an IPv6 address in brackets, with or without a port. */
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[\w.~!$&'()*+;=%-]*)(:\d*)?$/i;

/**
 * Normalizes the target of a request in place, for the comparison with the routes. The result is path
 * and query, without one slash at the end of the path. In absolute form (RFC 9112, section 3.2.2) the
 * target has the host, and the Host header is ignored.
 *
 * @returns the reason why the request is malformed; undefined if it is valid
 */
export function normalizeTarget(request: IncomingMessage): string | undefined {
  const error = hostError(request);
  if (error !== undefined) return error;
  if (!request.url!.startsWith('/') && !parseAbsoluteForm(request))
    return 'The request target is malformed.';
  request.url = withoutEndSlash(request.url!);
  return undefined;
}

/** Another target without a leading slash is left unchanged: no route matches it. */
function parseAbsoluteForm(request: IncomingMessage): boolean {
  const [, authority, rest] = ABSOLUTE_FORM.exec(request.url!) ?? [];
  if (authority === undefined || rest === undefined) return true;
  if (authority === '' || !AUTHORITY.test(authority)) return false;
  request.headers.host = authority;
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  return true;
}

function hostError({ rawHeaders, headers, httpVersion }: IncomingMessage): string | undefined {
  const hosts = countHosts(rawHeaders);
  if (hosts > 1) return 'The request has more than one Host header.';
  // Node refuses this itself, but not for an upgrade.
  if (hosts === 0 && httpVersion === '1.1') return 'The request has no Host header.';
  return AUTHORITY.test(headers.host ?? '') ? undefined : 'The Host header is malformed.';
}

/** Counts in the raw headers, because Node keeps only the first of several Host headers. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}

function withoutEndSlash(target: string): string {
  const mark = target.indexOf('?');
  const end = mark < 0 ? target.length : mark;
  return end > 1 && target[end - 1] === '/' ? target.slice(0, end - 1) + target.slice(end) : target;
}
