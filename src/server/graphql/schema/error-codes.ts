import type { RefusalCode } from '../../../shop/refusal.ts';
import { enumOf } from './enums.ts';

export const ErrorCodeEnum = enumOf('ErrorCode', 'Why a request was refused.', {
  PRODUCT_NOT_FOUND: 'No product has this id.',
  INSUFFICIENT_STOCK: 'The request is for more units than are available.',
  SALE_NOT_OPEN: 'The sale has not started or has ended.',
  PURCHASE_LIMIT_EXCEEDED: 'The customer would exceed maxPerCustomer.',
  IDEMPOTENCY_KEY_REUSED: 'The idempotency key was used before with other arguments.',
  HOLD_NOT_FOUND: 'No hold matches this token.',
  HOLD_EXPIRED: 'The hold has expired.',
  HOLD_RELEASED: 'The hold was released.',
  HOLD_CONVERTED: 'The hold has become an order.',
  ORDER_NOT_FOUND: 'No order matches this token or id.',
  ORDER_FINAL: 'The order is in a state that this call cannot change.',
  BUSY: 'The server was too busy to process the request. No changes were made; retry later.',
  PAYMENT_UNAVAILABLE:
    'The payment provider did not answer, refused, or is not configured. Nothing was started.',
  STOCK_VERSION_CONFLICT: 'The stock has changed since expectedVersion.',
  STOCK_BELOW_COMMITTED: 'The total would fall below the held and sold units.',
  PAYMENT_EVENT_NOT_FOUND: 'No payment event has this id.',
  REFUND_NOT_FOUND: 'No refund has this id.',
  WEBHOOK_ENDPOINT_NOT_FOUND: 'No webhook endpoint has this id.',
  EVENT_NOT_FOUND: 'No event has this id, or its payload is redacted.',
} satisfies Record<RefusalCode, string>);

/** The GraphQL type of each refusal. */
export const TYPE_OF_CODE: Readonly<Record<RefusalCode, string>> = {
  PRODUCT_NOT_FOUND: 'ProductNotFound',
  INSUFFICIENT_STOCK: 'InsufficientStock',
  SALE_NOT_OPEN: 'SaleNotOpen',
  PURCHASE_LIMIT_EXCEEDED: 'PurchaseLimitExceeded',
  IDEMPOTENCY_KEY_REUSED: 'IdempotencyKeyReused',
  HOLD_NOT_FOUND: 'HoldNotFound',
  HOLD_EXPIRED: 'HoldNotActive',
  HOLD_RELEASED: 'HoldNotActive',
  HOLD_CONVERTED: 'HoldNotActive',
  ORDER_NOT_FOUND: 'OrderNotFound',
  ORDER_FINAL: 'OrderFinal',
  BUSY: 'Busy',
  PAYMENT_UNAVAILABLE: 'PaymentUnavailable',
  STOCK_VERSION_CONFLICT: 'StockVersionConflict',
  STOCK_BELOW_COMMITTED: 'StockBelowCommitted',
  PAYMENT_EVENT_NOT_FOUND: 'PaymentEventNotFound',
  REFUND_NOT_FOUND: 'RefundNotFound',
  WEBHOOK_ENDPOINT_NOT_FOUND: 'WebhookEndpointNotFound',
  EVENT_NOT_FOUND: 'EventNotFound',
};
