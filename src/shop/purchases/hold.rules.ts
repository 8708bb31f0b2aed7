import { saleStatus, type SaleWindow } from '../catalog/product.rules.ts';
import { remainingMs } from '../../lib/time.ts';
import {
  badUserInput,
  idempotencyKeyReused,
  type BadUserInput,
  type HoldNotActive,
  type IdempotencyKeyReused,
  type InsufficientStock,
  type PurchaseLimitExceeded,
  type SaleNotOpen,
} from '../refusal.ts';
import { stockStatus, type StockCount } from '../stock/stock.rules.ts';

/** What one buyer asks for. */
export interface HoldRequest {
  readonly quantity: number;
  readonly customerId: string | null;
  /** SHA-256 of the idempotency key, where one was given. */
  readonly keyHash: string | null;
}

/** What is known of the product and the buyers at the moment a batch is judged, under the lock. */
export interface HoldFacts<Earlier extends HoldArguments> {
  readonly now: Date;
  readonly product: SaleWindow & {
    readonly maxPerHold: number;
    readonly maxPerCustomer: number | null;
  };
  /** Holds made before under the keys of this batch, by key hash. */
  readonly earlier: ReadonlyMap<string, Earlier>;
  /** Units that the customers of this batch have of this product. */
  readonly unitsOf: ReadonlyMap<string, CustomerUnits>;
}

/** What one customer has of one product: active holds, pending and paid orders. */
export interface CustomerUnits {
  readonly units: number;
  /** Those of them that are paid, and so will not come back. */
  readonly paid: number;
}

/** What a hold was asked for with: the same key must come with the same. */
interface HoldArguments {
  readonly productId: number;
  readonly quantity: number;
  readonly customerId: string | null;
}

/** Why a request for a hold is turned down. */
export type HoldRefusal =
  IdempotencyKeyReused | SaleNotOpen | BadUserInput | PurchaseLimitExceeded | InsufficientStock;

/** What is to become of one request: served, answered as before, or turned down. */
export type HoldDecision<Earlier> =
  { readonly serve: HoldRequest } | { readonly repeat: Earlier | HoldRequest } | HoldRefusal;

/**
 * Decides who is served, first come, first served. A request for more than is left is refused and
 * the next one tried, so that one large request at the front does not strand the last units.
 *
 * The guards stand in their order of precedence: a repeat is recognised before anything that may
 * have changed since; then the sale, the size of the hold, the customer's limit, the stock.
 */
export function decideHolds<Earlier extends HoldArguments>(
  facts: HoldFacts<Earlier>,
  count: StockCount,
  requests: readonly HoldRequest[],
): HoldDecision<Earlier>[] {
  const served = new Map<string, HoldRequest>();
  const firstOf = (keyHash: string | null) =>
    keyHash === null ? undefined : (facts.earlier.get(keyHash) ?? served.get(keyHash));
  const unitsOf = new Map(facts.unitsOf);
  const unitsHad = (customerId: string | null) => unitsOf.get(customerId ?? '') ?? NO_UNITS;
  let left = count;
  return requests.map((request) => {
    const { quantity, customerId, keyHash } = request;
    const first = firstOf(keyHash);
    if (first !== undefined) return repeatOf(first, { ...request, productId: count.productId });
    const units = unitsHad(customerId);
    const refusal =
      saleRefusal(facts) ??
      sizeRefusal(facts, request) ??
      limitRefusal(facts, request, units) ??
      stockRefusal(left, quantity);
    if (refusal !== undefined) return refusal;
    left = { ...left, available: left.available - quantity, held: left.held + quantity };
    if (customerId !== null) unitsOf.set(customerId, { ...units, units: units.units + quantity });
    if (keyHash !== null) served.set(keyHash, request);
    return { serve: request };
  });
}

const NO_UNITS: CustomerUnits = { units: 0, paid: 0 };

/** The same hold for the same arguments, a refusal for others. */
function repeatOf<Earlier extends HoldArguments>(
  first: Earlier | HoldRequest,
  { productId, quantity, customerId }: HoldArguments,
): HoldDecision<Earlier> {
  const same =
    (!('productId' in first) || first.productId === productId) &&
    first.quantity === quantity &&
    first.customerId === customerId;
  return same ? { repeat: first } : idempotencyKeyReused;
}

function saleRefusal({ product, now }: HoldFacts<HoldArguments>): SaleNotOpen | undefined {
  const status = saleStatus(product, now);
  if (status === 'LIVE') return undefined;
  const { saleStartsAt, saleEndsAt } = product;
  const upcoming = status === 'UPCOMING';
  return {
    code: 'SALE_NOT_OPEN',
    message: upcoming
      ? `The sale opens at ${saleStartsAt!.toISOString()}.`
      : `The sale ended at ${saleEndsAt!.toISOString()}.`,
    retryable: upcoming,
    saleStatus: status,
    startsAt: saleStartsAt,
    endsAt: saleEndsAt,
    opensInMs: upcoming ? remainingMs(now, saleStartsAt!) : null,
  };
}

function sizeRefusal(
  { product }: HoldFacts<HoldArguments>,
  { quantity, customerId }: HoldRequest,
): BadUserInput | undefined {
  if (quantity > product.maxPerHold) {
    return badUserInput(
      `quantity is ${quantity}; one hold of this product takes at most ${product.maxPerHold}.`,
    );
  }
  if (product.maxPerCustomer !== null && customerId === null) {
    return badUserInput('customerId is missing; this product has a limit per customer.');
  }
  return undefined;
}

function limitRefusal(
  { product: { maxPerCustomer } }: HoldFacts<HoldArguments>,
  { quantity }: HoldRequest,
  { units, paid }: CustomerUnits,
): PurchaseLimitExceeded | undefined {
  if (maxPerCustomer === null || units + quantity <= maxPerCustomer) return undefined;
  const remaining = Math.max(maxPerCustomer - units, 0);
  return {
    code: 'PURCHASE_LIMIT_EXCEEDED',
    message: `${quantity} wanted, ${remaining} of ${maxPerCustomer} left for this customer.`,
    retryable: paid + quantity <= maxPerCustomer,
    limit: maxPerCustomer,
    remaining,
  };
}

function stockRefusal(left: StockCount, quantity: number): InsufficientStock | undefined {
  if (quantity <= left.available) return undefined;
  return {
    code: 'INSUFFICIENT_STOCK',
    message: `${quantity} wanted, ${left.available} left.`,
    retryable: quantity <= left.total - left.sold,
    availableStock: left.available,
    stockStatus: stockStatus(left),
  };
}

/** What a hold's life is judged by. */
interface HoldLife {
  readonly status: 'ACTIVE' | 'CONVERTED' | 'EXPIRED' | 'RELEASED';
  readonly expiresAt: Date;
  /** The database's clock at which it is judged. */
  readonly readAt: Date;
}

/** A hold's status to the outside: EXPIRED from the deadline on, whether or not a sweep came by. */
export function holdStatus({ status, expiresAt, readAt }: HoldLife): HoldLife['status'] {
  return status === 'ACTIVE' && readAt >= expiresAt ? 'EXPIRED' : status;
}

const ENDINGS = {
  EXPIRED: 'expired',
  RELEASED: 'was released',
  CONVERTED: 'became an order',
} as const;

/** Why this hold can no longer be used, or undefined while it is live. */
export function holdNotActive(hold: HoldLife): HoldNotActive | undefined {
  const status = holdStatus(hold);
  if (status === 'ACTIVE') return undefined;
  return {
    code: `HOLD_${status}`,
    message: `This hold ${ENDINGS[status]}.`,
    retryable: false,
    status,
  };
}
