import type { SaleStatus } from '../refusal.ts';

/** When a product may be held; a missing end is open. */
export interface SaleWindow {
  readonly saleStartsAt: Date | null;
  readonly saleEndsAt: Date | null;
}

/** Where the sale stands at an instant: the start belongs to it, the end does not. */
export function saleStatus({ saleStartsAt, saleEndsAt }: SaleWindow, now: Date): SaleStatus {
  if (saleEndsAt !== null && now >= saleEndsAt) return 'ENDED';
  if (saleStartsAt !== null && now < saleStartsAt) return 'UPCOMING';
  return 'LIVE';
}

const PRODUCT_ID = /^[1-9]\d{0,9}$/;

/** Postgres's largest integer: no product can have an id beyond it. */
const INTEGER_MAX = 2_147_483_647;

/** A product's id out of its string form; undefined where no product can have it. */
export function parseProductId(text: string): number | undefined {
  if (!PRODUCT_ID.test(text)) return undefined;
  const id = Number(text);
  return id <= INTEGER_MAX ? id : undefined;
}
