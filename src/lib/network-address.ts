import ipaddr from 'ipaddr.js';

/**
 * Whether an IP address belongs to a host on the public internet. Loopback, link-local, private, metadata
 * and reserved addresses do not, and neither does an IPv6 address that embeds an IPv4 one: it may lead to
 * a private one.
 */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';
}

/** The address in a URL's host, without the brackets of IPv6; undefined for a name. */
export function addressOfHost(hostname: string): string | undefined {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  return ipaddr.isValid(address) ? address : undefined;
}
