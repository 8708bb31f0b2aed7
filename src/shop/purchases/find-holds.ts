import type { Hold } from './hold.entity.ts';

import type { Shop } from '../shop.ts';

export type { Hold } from './hold.entity.ts';

/** The hold that this token opens; null for an unknown or malformed one. */
export async function findHold(shop: Shop, token: string): Promise<Hold | null> {
  const holdId = shop.holdTokens.holdIdOf(token);
  if (holdId === undefined) return null;
  return shop.reads.hold.load(holdId);
}
