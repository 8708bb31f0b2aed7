import type { StockStatus } from '../refusal.ts';

/** The counters of one product at one version; available + held + sold = total, always. */
export interface StockCount {
  readonly productId: number;
  readonly version: number;
  readonly total: number;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
  /** When the last unit was taken, while none is available; null otherwise. */
  readonly soldOutAt: Date | null;
  /** The database's clock when these counters were read or changed. */
  readonly readAt: Date;
}

/** Why a product can or cannot be held right now. */
export function stockStatus({
  available,
  held,
}: Pick<StockCount, 'available' | 'held'>): StockStatus {
  if (available > 0) return 'AVAILABLE';
  return held > 0 ? 'ALL_HELD' : 'SOLD_OUT';
}
