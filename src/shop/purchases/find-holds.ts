import type { Database } from '../../postgres/database.ts';
import { HoldTable, type Hold } from './hold.entity.ts';

import type { HoldTokens } from './hold-token.ts';

export type { Hold } from './hold.entity.ts';

/** What reading holds needs of the shop. */
export interface FindHoldNeeds {
  readonly database: Database;
  readonly holdTokens: HoldTokens;
}

/** The hold that this token opens; null for an unknown or malformed one. */
export async function findHold(shop: FindHoldNeeds, token: string): Promise<Hold | null> {
  const holdId = shop.holdTokens.holdIdOf(token);
  if (holdId === undefined) return null;
  return (await shop.database.find(HoldTable, { id: holdId }))[0] ?? null;
}
