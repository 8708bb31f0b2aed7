import { addressOfHost, isPublicAddress } from '../../lib/network-address.ts';

/** Maximum characters of an endpoint's URL. */
const URL_MAX = 2048;

/** Where endpoints may be. */
export interface EndpointPolicy {
  /** Whether `http` is accepted beside `https`: in development. */
  readonly allowHttp: boolean;
  /** Whether addresses of private networks are accepted. */
  readonly allowPrivateNetworks: boolean;
}

/**
 * Why no events may be sent to this URL, a sentence without its full stop; undefined where they may. A
 * name is resolved and checked again before each attempt.
 */
export function endpointUrlComplaint(text: string, policy: EndpointPolicy): string | undefined {
  if (text.length > URL_MAX) return `url has ${text.length} characters; it may have ${URL_MAX}`;
  const url = URL.parse(text);
  const protocols = policy.allowHttp ? ['https:', 'http:'] : ['https:'];
  if (url === null || !protocols.includes(url.protocol))
    return `url must begin with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`;
  return partsComplaint(url, policy);
}

function partsComplaint(
  { username, password, hash, hostname }: URL,
  { allowPrivateNetworks }: EndpointPolicy,
): string | undefined {
  if (username !== '' || password !== '') return 'url must not have a user or a password';
  if (hash !== '') return 'url must not have a fragment';
  return allowPrivateNetworks || !isPrivateHost(hostname)
    ? undefined
    : 'url must not name a private, loopback or link-local address';
}

function isPrivateHost(hostname: string): boolean {
  const address = addressOfHost(hostname);
  return address === undefined ? /(^|\.)localhost\.?$/.test(hostname) : !isPublicAddress(address);
}
