import type { Shop } from '../../shop.ts';
import { Loaders } from './loaders.ts';

/** Who asks, as far as the operation's credentials say. */
export interface Caller {
  /** Names this request in answers and logs. */
  readonly requestId: string;
  /** Network address it comes from; null where the connection is gone already. */
  readonly address: string | null;
  /** Whether the right admin token came with it. */
  readonly isAdmin: boolean;
}

/** Equal for callers who are answered the same: what the one is told may be told to the other. */
export function rightsOf({ isAdmin }: Caller): string {
  return isAdmin ? 'operator' : 'anyone';
}

/**
 * What one operation carries. Plain fields only: Apollo hands each operation a copy of it, which
 * would lack private ones.
 */
export class Context {
  readonly shop: Shop;
  readonly caller: Caller;
  readonly loaders: Loaders;

  /** @param isStream whether it lives as long as a subscription, whose every event must read afresh */
  constructor(shop: Shop, caller: Caller, isStream = false) {
    this.shop = shop;
    this.caller = caller;
    this.loaders = new Loaders(shop, { cache: !isStream });
  }
}
