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

/** Every refusal that a buyer can meet, each with its own facts. */
export type Refusal = Extract<Answer, { readonly code: ErrorCode }>;

/** What a screen offers next, below the refusal's message. */
export type Offer =
  /** There is nothing to buy here: back to the catalogue. */
  | { readonly offer: 'leave' }
  /** At most this many units are available now. */
  | { readonly offer: 'fewer'; readonly most: number }
  /** No unit is available, but units may return: the live stock shows it. */
  | { readonly offer: 'watch' }
  /** The same call again after this many milliseconds. */
  | { readonly offer: 'wait'; readonly ms: number }
  /** This hold is over: forget its token and begin with a new wish. */
  | { readonly offer: 'start-over' }
  /** There is an order already: show it. */
  | { readonly offer: 'show-order' };

/** Whether an answer of a mutation is a refusal. */
export function isRefusal<A extends object>(answer: A): answer is Extract<A, Refusal> {
  return 'code' in answer;
}

/** What to offer after a refusal. One that the schema has and this does not know is a compile error. */
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

/** Compiles only while every refusal is handled above; a server newer than the page ends here. */
function unknownRefusal(_refusal: never): Offer {
  return { offer: 'start-over' };
}
