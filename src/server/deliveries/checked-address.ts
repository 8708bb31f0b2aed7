import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { addressOfHost, isPublicAddress } from '../../lib/network-address.ts';

/** Resolves a name to all its addresses; a parameter for tests. */
export type Resolve = (
  hostname: string,
) => Promise<readonly { readonly address: string; readonly family: number }[]>;

const resolveByDns: Resolve = (hostname) => lookup(hostname, { all: true, verbatim: true });

/** What an attempt may connect to. */
export interface AddressPolicy {
  readonly allowPrivateNetworks: boolean;
  readonly resolve?: Resolve;
}

/** The URL's host has an address that no event may be sent to. */
class RefusedAddressError extends Error {}

/**
 * Resolves the host of a URL and checks every address of it. The result leads to the checked address, so
 * a name cannot be public for the check and private for the connection.
 *
 * @throws RefusedAddressError where one of the addresses is not public
 */
export async function checkedLookup(
  { hostname }: URL,
  { allowPrivateNetworks, resolve = resolveByDns }: AddressPolicy,
): Promise<LookupFunction> {
  const literal = addressOfHost(hostname);
  const found =
    literal === undefined
      ? await resolve(hostname)
      : [{ address: literal, family: literal.includes(':') ? 6 : 4 }];
  const refused = found.find(({ address }) => !allowPrivateNetworks && !isPublicAddress(address));
  if (refused !== undefined)
    throw new RefusedAddressError(
      `The host has the address ${refused.address}, which is not public.`,
    );
  const [first] = found;
  if (first === undefined) throw new RefusedAddressError('The host has no address.');
  return (_hostname, options, answer) =>
    options.all === true ? answer(null, [{ ...first }]) : answer(null, first.address, first.family);
}
