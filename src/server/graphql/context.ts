import type { AdminCaller } from '../../shop/admin/audit/audit-log.ts';
import type { LiveShop } from '../../live/live-shop.ts';
import type { RateLimits } from '../http/rate-limits.ts';
import { Loaders } from './schema/loaders.ts';

/** The client of an operation and its credentials. */
export interface Caller {
  /** Identifies the request in responses and logs. */
  readonly requestId: string;
  /** The address that rate limits count for: the client's, as far as proxies are trusted. */
  readonly address: string;
  /** Whether the request has the admin token. */
  readonly isAdmin: boolean;
  /** Whether the client's connection is closed; absent if unknown. */
  readonly isClosed?: boolean;
}

/** Equal for callers with the same rights: they may share one execution of an operation. */
export function rightsOf({ isAdmin }: Caller): string {
  return isAdmin ? 'admin' : 'public';
}

/** The parts of an operation's context besides the shop. */
export interface ContextOptions {
  readonly caller: Caller;
  readonly limits: RateLimits;
  /** Whether the operation is a subscription: each of its events must read current rows. */
  readonly isStream?: boolean;
}

/**
 * The context of one operation. It has no private fields: Apollo copies it for each operation, and a
 * copy loses them.
 */
export class Context {
  readonly shop: LiveShop;
  readonly caller: Caller;
  readonly limits: RateLimits;
  readonly loaders: Loaders;

  constructor(shop: LiveShop, { caller, limits, isStream = false }: ContextOptions) {
    this.shop = shop;
    this.caller = caller;
    this.limits = limits;
    this.loaders = new Loaders(shop, { isStream });
  }
}

/** The caller of an admin operation, as the audit log records it. */
export function adminCallerOf({ caller: { address, requestId } }: Context): AdminCaller {
  return { actor: 'admin token', address, requestId };
}

/**
 * Checks the HMAC of a hold token before anything else uses it, without a database query. An invalid
 * token counts against the limit of its address; a valid one always passes.
 *
 * @throws RateLimited after too many invalid tokens from this address
 */
export async function limitInvalidToken(
  { shop, caller, limits }: Context,
  token: string,
): Promise<void> {
  if (shop.holdTokens.holdIdOf(token) === undefined) await limits.count('tokens', caller);
}
