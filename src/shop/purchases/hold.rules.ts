import { saleStatus, type Sale } from '../catalog/product.rules.ts';
import { remainingMs, isPast, type EndedHoldStatus, type HoldStatus } from './status.rules.ts';
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
import { isSameMetadata, type Metadata } from './metadata.rules.ts';

/** A request of one buyer for units of a product. */
export interface HoldRequest {
  readonly quantity: number;
  readonly customerId: string | null;
  readonly metadata: Metadata;
  /** SHA-256 of the idempotency key, if there is one. */
  readonly keyHash: string | null;
}

/** Facts about the product and the buyers of a batch, read under the lock. */
export interface HoldFacts<Earlier extends HoldArguments> {
  readonly now: Date;
  readonly product: Sale & {
    readonly maxPerHold: number;
    readonly maxPerCustomer: number | null;
  };
  /** Earlier holds with the idempotency keys of this batch, by key hash. */
  readonly earlier: ReadonlyMap<string, Earlier>;
  /** Units of this product that the customers of this batch already have. */
  readonly unitsOf: ReadonlyMap<string, CustomerUnits>;
}

/** Units of one product in a customer's active holds and pending and paid orders. */
export interface CustomerUnits {
  readonly units: number;
  /** Those in paid orders: they do not become available again. */
  readonly paid: number;
}

/** The arguments of a hold: a repeated idempotency key must have the same ones. */
interface HoldArguments {
  readonly productId: number;
  readonly quantity: number;
  readonly customerId: string | null;
  readonly metadata: Metadata;
}

/** Why a request for a hold is refused. */
export type HoldRefusal =
  IdempotencyKeyReused | SaleNotOpen | BadUserInput | PurchaseLimitExceeded | InsufficientStock;

/**
 * The decision on one request: a new hold, an earlier hold of its key, the hold of an earlier request
 * of the batch, or a refusal.
 */
export type HoldDecision<Earlier> =
  | { readonly kind: 'create'; readonly request: HoldRequest }
  | { readonly kind: 'earlier'; readonly hold: Earlier }
  | { readonly kind: 'repeat'; readonly request: HoldRequest }
  | HoldRefusal;

/**
 * Decides the requests in the order of their arrival. A request for more units than are available is
 * refused and the next one is tried. A large request does not block the last units.
 *
 * The guards run in their order of precedence. The repeated key is first, because the rest may have
 * changed since. The sale, the size of the hold, the customer's limit and the stock follow.
 */
export function decideHolds<Earlier extends HoldArguments>(
  facts: HoldFacts<Earlier>,
  count: StockCount,
  requests: readonly HoldRequest[],
): HoldDecision<Earlier>[] {
  const created = new Map<string, HoldRequest>();
  const unitsOf = new Map(facts.unitsOf);
  let left = count;
  return requests.map((request) => {
    const { quantity, customerId, keyHash } = request;
    const repeated = repeatOf(facts, created, { ...request, productId: count.productId });
    if (repeated !== undefined) return repeated;
    const units = unitsOf.get(customerId ?? '') ?? NO_UNITS;
    const refusal = refusalOf(facts, left, request, units);
    if (refusal !== undefined) return refusal;
    left = { ...left, available: left.available - quantity, held: left.held + quantity };
    if (customerId !== null) unitsOf.set(customerId, { ...units, units: units.units + quantity });
    if (keyHash !== null) created.set(keyHash, request);
    return { kind: 'create', request };
  });
}

const NO_UNITS: CustomerUnits = { units: 0, paid: 0 };

/** A key that was used before: the same hold for the same arguments, a refusal for others. */
function repeatOf<Earlier extends HoldArguments>(
  { earlier }: HoldFacts<Earlier>,
  created: ReadonlyMap<string, HoldRequest>,
  request: HoldRequest & HoldArguments,
): HoldDecision<Earlier> | undefined {
  const { keyHash, productId } = request;
  if (keyHash === null) return undefined;
  const hold = earlier.get(keyHash);
  if (hold !== undefined)
    return hasSameArguments(hold, request) ? { kind: 'earlier', hold } : idempotencyKeyReused;
  const first = created.get(keyHash);
  if (first === undefined) return undefined;
  return hasSameArguments({ ...first, productId }, request)
    ? { kind: 'repeat', request: first }
    : idempotencyKeyReused;
}

function hasSameArguments(first: HoldArguments, second: HoldArguments): boolean {
  return (
    first.productId === second.productId &&
    first.quantity === second.quantity &&
    first.customerId === second.customerId &&
    isSameMetadata(first.metadata, second.metadata)
  );
}

/** The first guard that refuses the request, the repeated key aside. */
function refusalOf(
  facts: HoldFacts<HoldArguments>,
  left: StockCount,
  request: HoldRequest,
  units: CustomerUnits,
): HoldRefusal | undefined {
  return (
    saleRefusal(facts) ??
    sizeRefusal(facts, request) ??
    limitRefusal(facts, request, units) ??
    stockRefusal(left, request.quantity)
  );
}

function saleRefusal({ product, now }: HoldFacts<HoldArguments>): SaleNotOpen | undefined {
  const status = saleStatus(product, now);
  if (status === 'LIVE') return undefined;
  const { saleStartsAt, saleEndsAt } = product;
  const upcoming = status === 'UPCOMING';
  const messages = {
    UPCOMING: () => `The sale opens at ${saleStartsAt!.toISOString()}.`,
    PAUSED: () => 'The sale is paused.',
    ENDED: () => `The sale ended at ${saleEndsAt!.toISOString()}.`,
  };
  return {
    code: 'SALE_NOT_OPEN',
    message: messages[status](),
    retryable: status !== 'ENDED',
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
    message: `${quantity} requested, ${remaining} of ${maxPerCustomer} remaining for this customer.`,
    retryable: paid + quantity <= maxPerCustomer,
    limit: maxPerCustomer,
    remaining,
  };
}

function stockRefusal(left: StockCount, quantity: number): InsufficientStock | undefined {
  if (quantity <= left.available) return undefined;
  return {
    code: 'INSUFFICIENT_STOCK',
    message: `${quantity} requested, ${left.available} available.`,
    retryable: quantity <= left.total - left.sold,
    availableStock: left.available,
    stockStatus: stockStatus(left),
  };
}

/** A hold's stored status, its deadline and the database's clock. */
interface HoldState {
  readonly status: HoldStatus;
  readonly expiresAt: Date;
  readonly readAt: Date;
}

/** A hold's status as every API shows it: EXPIRED from the deadline on, even before a sweep. */
export function holdStatus({ status, expiresAt, readAt }: HoldState): HoldStatus {
  return status === 'ACTIVE' && isPast(expiresAt, readAt) ? 'EXPIRED' : status;
}

const ENDINGS = {
  EXPIRED: 'expired',
  RELEASED: 'was released',
  CONVERTED: 'became an order',
} as const satisfies Record<EndedHoldStatus, string>;

/** Why this hold can no longer be used; undefined while it is active. */
export function holdNotActive(hold: HoldState): HoldNotActive | undefined {
  const status = holdStatus(hold);
  if (status === 'ACTIVE') return undefined;
  return {
    code: `HOLD_${status}`,
    message: `This hold ${ENDINGS[status]}.`,
    retryable: false,
    status,
  };
}
