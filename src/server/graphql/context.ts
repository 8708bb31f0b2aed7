import type { LiveShop } from '../../live/live-shop.ts';
import type { RateLimits } from '../http/rate-limits.ts';
import { Loaders } from './schema/loaders.ts';

/** Who asks, as far as the operation's credentials say. */
export interface Caller {
  /** Names this request in answers and logs. */
  readonly requestId: string;
  /** What limits count for: the client's address, as far as proxies are trusted. */
  readonly address: string;
  /** Whether the right admin token came with it. */
  readonly isAdmin: boolean;
  /** Whether its connection is closed; absent where that is not known. */
  readonly isGone?: boolean;
}

/** Equal for callers who are answered the same: what the one is told may be told to the other. */
export function rightsOf({ isAdmin }: Caller): string {
  return isAdmin ? 'operator' : 'anyone';
}

/** What an operation's context is made of, beside the shop. */
export interface ContextOptions {
  readonly caller: Caller;
  readonly limits: RateLimits;
  /** Whether it lives as long as a subscription, whose every event must read afresh. */
  readonly isStream?: boolean;
}

/**
 * What one operation carries. Plain fields only: Apollo hands each operation a copy of it, which
 * would lack private ones.
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
