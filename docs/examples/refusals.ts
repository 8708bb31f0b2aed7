import type {
  CancelOrderMutation,
  CreateHoldMutation,
  CreateOrderMutation,
  ErrorCode,
  ReleaseHoldMutation,
} from './generated/operations.ts';

type Answer =
  | CreateHoldMutation['createHold']
  | ReleaseHoldMutation['releaseHold']
  | CreateOrderMutation['createOrder']
  | CancelOrderMutation['cancelOrder'];

/** Every refusal for a buyer, each with its facts. */
export type Refusal = Extract<Answer, { readonly code: ErrorCode }>;

/** What a screen offers next, below the refusal's message. */
export type Offer =
  /** The product is not available: return to the catalogue. */
  | { readonly offer: 'leave' }
  /** At most this many units are available now. */
  | { readonly offer: 'fewer'; readonly most: number }
  /** No unit is available, but units may return: the live stock shows it. */
  | { readonly offer: 'watch' }
  /** The same call again after this many milliseconds. */
  | { readonly offer: 'wait'; readonly ms: number }
  /** This hold has ended: drop its token and start a new request. */
  | { readonly offer: 'start-over' }
  /** There is an order already: show it. */
  | { readonly offer: 'show-order' };

/** Whether an answer of a mutation is a refusal. */
export function isRefusal<A extends object>(answer: A): answer is Extract<A, Refusal> {
  return 'code' in answer;
}

/** The offer after a refusal. A refusal of the schema that is missing here is a compile error. */
export function offerAfter(refusal: Refusal): Offer {
  switch (refusal.__typename) {
    case 'ProductNotFound':
      return { offer: 'leave' };
    case 'InsufficientStock':
      if (refusal.availableStock > 0) return { offer: 'fewer', most: refusal.availableStock };
      return { offer: refusal.stockStatus === 'SOLD_OUT' ? 'leave' : 'watch' };
    case 'SaleNotOpen':
      return refusal.opensInMs === null
        ? { offer: 'leave' }
        : { offer: 'wait', ms: refusal.opensInMs };
    case 'PurchaseLimitExceeded':
      return refusal.remaining > 0
        ? { offer: 'fewer', most: refusal.remaining }
        : { offer: 'leave' };
    case 'Busy':
      return { offer: 'wait', ms: refusal.retryAfterMs };
    case 'HoldNotActive':
      return { offer: refusal.code === 'HOLD_CONVERTED' ? 'show-order' : 'start-over' };
    case 'IdempotencyKeyReused':
    case 'HoldNotFound':
    case 'OrderNotFound':
      return { offer: 'start-over' };
    case 'OrderFinal':
      return { offer: 'show-order' };
    default:
      return unknownRefusal(refusal);
  }
}

/** Compiles only if every refusal is handled above. A refusal of a newer server ends here. */
function unknownRefusal(_refusal: never): Offer {
  return { offer: 'start-over' };
}
