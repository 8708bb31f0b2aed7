import type { EndedHoldStatus } from './purchases/status.rules.ts';

/**
 * Every expected refusal. A refusal is a value, not an error. "Sold out" is the most frequent answer of
 * a flash sale. In a batch one buyer is refused and the next one gets a hold. The shapes are those of
 * the GraphQL types of the same name, so no conversion is needed.
 */

/** Before, during or after the sale of a product, or paused by an admin. */
export const SALE_STATUSES = ['UPCOMING', 'LIVE', 'PAUSED', 'ENDED'] as const;

/** The state of a product's sale. */
export type SaleStatus = (typeof SALE_STATUSES)[number];

/** Why a product can or cannot be held right now. */
export type StockStatus = 'AVAILABLE' | 'ALL_HELD' | 'SOLD_OUT';

interface RefusalOf<Code extends string> {
  readonly code: Code;
  /** One plain sentence for a person: what was requested and what is available. */
  readonly message: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
}

/** No product has this id. */
export type ProductNotFound = RefusalOf<'PRODUCT_NOT_FOUND'>;

/** More units were requested than are available. */
export interface InsufficientStock extends RefusalOf<'INSUFFICIENT_STOCK'> {
  readonly availableStock: number;
  readonly stockStatus: StockStatus;
}

/** The sale has not started, is paused, or has ended. */
export interface SaleNotOpen extends RefusalOf<'SALE_NOT_OPEN'> {
  readonly saleStatus: SaleStatus;
  readonly startsAt: Date | null;
  readonly endsAt: Date | null;
  readonly opensInMs: number | null;
}

/** This customer has, or would have, more than the product allows. */
export interface PurchaseLimitExceeded extends RefusalOf<'PURCHASE_LIMIT_EXCEEDED'> {
  readonly limit: number;
  readonly remaining: number;
}

/** The key was used before with other arguments; the first result is unchanged. */
export type IdempotencyKeyReused = RefusalOf<'IDEMPOTENCY_KEY_REUSED'>;

/** No hold matches the token. */
export type HoldNotFound = RefusalOf<'HOLD_NOT_FOUND'>;

/** The hold has ended; the code is the way it ended. */
export interface HoldNotActive extends RefusalOf<`HOLD_${EndedHoldStatus}`> {
  readonly status: EndedHoldStatus;
}

/** No order has been made from this hold, or none has this id. */
export type OrderNotFound = RefusalOf<'ORDER_NOT_FOUND'>;

/** The order has reached a state that this call may not change. */
export interface OrderFinal<Order> extends RefusalOf<'ORDER_FINAL'> {
  readonly order: Order;
}

/** A lock, a connection or a place in the queue was not available in time: nothing was done. */
export interface Busy extends RefusalOf<'BUSY'> {
  readonly retryAfterMs: number;
}

/** The payment provider did not answer, refused, or is not configured: nothing was started. */
export type PaymentUnavailable = RefusalOf<'PAYMENT_UNAVAILABLE'>;

/** The stock has changed since the version that the admin expected. */
export interface StockVersionConflict extends RefusalOf<'STOCK_VERSION_CONFLICT'> {
  readonly currentVersion: number;
}

/** Fewer units would be left than are held and sold. */
export interface StockBelowCommitted extends RefusalOf<'STOCK_BELOW_COMMITTED'> {
  readonly committed: number;
}

/** No payment event has the requested id. */
export type PaymentEventNotFound = RefusalOf<'PAYMENT_EVENT_NOT_FOUND'>;

/** No refund has the requested id. */
export type RefundNotFound = RefusalOf<'REFUND_NOT_FOUND'>;

/** No webhook endpoint has the id that was asked for. */
export type WebhookEndpointNotFound = RefusalOf<'WEBHOOK_ENDPOINT_NOT_FOUND'>;

/** No event has the id that was asked for, or its payload is redacted. */
export type EventNotFound = RefusalOf<'EVENT_NOT_FOUND'>;

/** Input that can never be right for this product: an error of the request, not an outcome. */
export type BadUserInput = RefusalOf<'BAD_USER_INPUT'>;

/** Every code a refusal can carry. */
export type RefusalCode =
  | ProductNotFound['code']
  | InsufficientStock['code']
  | SaleNotOpen['code']
  | PurchaseLimitExceeded['code']
  | IdempotencyKeyReused['code']
  | HoldNotFound['code']
  | HoldNotActive['code']
  | OrderNotFound['code']
  | OrderFinal<unknown>['code']
  | Busy['code']
  | PaymentUnavailable['code']
  | StockVersionConflict['code']
  | StockBelowCommitted['code']
  | PaymentEventNotFound['code']
  | RefundNotFound['code']
  | WebhookEndpointNotFound['code']
  | EventNotFound['code'];

/** The fields that every refusal has. */
export interface Refusal {
  readonly code: RefusalCode | BadUserInput['code'];
  readonly message: string;
  readonly retryable: boolean;
}

/** Whether a use case refused the request; rows of the shop have no `code`. */
export function isRefusal(answer: object): answer is Refusal {
  return 'code' in answer && 'retryable' in answer;
}

/** No product has the requested id. */
export const productNotFound: ProductNotFound = {
  code: 'PRODUCT_NOT_FOUND',
  message: 'No product has this id.',
  retryable: false,
};

/** The key belongs to an earlier request with other arguments. */
export const idempotencyKeyReused: IdempotencyKeyReused = {
  code: 'IDEMPOTENCY_KEY_REUSED',
  message:
    'This idempotency key was used before with other arguments; the first result is unchanged.',
  retryable: false,
};

/** The token is unknown or malformed. */
export const holdNotFound: HoldNotFound = {
  code: 'HOLD_NOT_FOUND',
  message: 'No hold has this token.',
  retryable: false,
};

/** The token is unknown, or no order was made with it. */
export const orderNotFound: OrderNotFound = {
  code: 'ORDER_NOT_FOUND',
  message: 'No order was made from this hold.',
  retryable: false,
};

/** No payment can be made now. @param why the predicate of the sentence @param retryable whether a later call may succeed */
export function paymentUnavailable(why: string, retryable: boolean): PaymentUnavailable {
  return { code: 'PAYMENT_UNAVAILABLE', message: `The payment provider ${why}.`, retryable };
}

/** The admin named an id that no order has. */
export const noSuchOrder: OrderNotFound = { ...orderNotFound, message: 'No order has this id.' };

/** No event was received under this id. */
export const paymentEventNotFound: PaymentEventNotFound = {
  code: 'PAYMENT_EVENT_NOT_FOUND',
  message: 'No payment event has this id.',
  retryable: false,
};

/** No refund was opened under this id. */
export const refundNotFound: RefundNotFound = {
  code: 'REFUND_NOT_FOUND',
  message: 'No refund has this id.',
  retryable: false,
};

/** No endpoint was created under this id, or it is deleted. */
export const webhookEndpointNotFound: WebhookEndpointNotFound = {
  code: 'WEBHOOK_ENDPOINT_NOT_FOUND',
  message: 'No webhook endpoint has this id.',
  retryable: false,
};

/** No event was written under this id, or it has no payload any more. */
export const eventNotFound: EventNotFound = {
  code: 'EVENT_NOT_FOUND',
  message: 'No event has this id, or its payload is redacted.',
  retryable: false,
};

/** A fault of the input, for the developer of the client. */
export function badUserInput(message: string): BadUserInput {
  return { code: 'BAD_USER_INPUT', message, retryable: false };
}
