/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** Why a product can or cannot be held right now. */
export type StockStatus =
  /** Units are available. */
  | 'AVAILABLE'
  /** No units are available. Some are held or await payment and may become available again. */
  | 'ALL_HELD'
  /** Every unit is sold. */
  | 'SOLD_OUT';

/** The state of a product’s sale, by the database’s clock. */
export type SaleStatus =
  /** The sale has not started. */
  | 'UPCOMING'
  /** The sale is open. */
  | 'LIVE'
  /** An admin has paused the sale. createHold answers SaleNotOpen. */
  | 'PAUSED'
  /** The sale has ended. */
  | 'ENDED';

/** The state of an order. */
export type OrderStatus =
  /** The order awaits payment. Its units stay held. */
  | 'PENDING'
  /** The order is paid. Its units are sold. */
  | 'PAID'
  /** The order was cancelled. Its units are available again. */
  | 'CANCELLED'
  /** The payment deadline passed. The units are available again. */
  | 'EXPIRED';

/** Why a payment must be refunded. */
export type RefundReason =
  /** The order had expired and its units were no longer available. */
  | 'PAID_TOO_LATE'
  /** The amount or currency differs from totalAmount. */
  | 'AMOUNT_MISMATCH'
  /** The order was already paid. */
  | 'DUPLICATE_PAYMENT'
  /** No order was created for the payment. */
  | 'ORDER_NEVER_CREATED'
  /** The order was cancelled. */
  | 'ORDER_CANCELLED';

/** Whether the refund is complete. */
export type RefundStatus =
  /** The money must still be returned: by the provider, or by an admin if the provider cannot be asked or refused. */
  | 'OPEN'
  /** The provider was asked to return the money and has not confirmed it yet. */
  | 'SENT'
  /** The money was returned. */
  | 'RESOLVED';

/** The state of a hold. Every state except ACTIVE is final. */
export type HoldStatus =
  /** The units are reserved for the buyer until expiresAt. */
  | 'ACTIVE'
  /** The hold became an order. */
  | 'CONVERTED'
  /** The deadline passed without an order. The units are available again. */
  | 'EXPIRED'
  /** The buyer released the hold. The units are available again. */
  | 'RELEASED';

/** Why a request was refused. */
export type ErrorCode =
  /** No product has this id. */
  | 'PRODUCT_NOT_FOUND'
  /** The request is for more units than are available. */
  | 'INSUFFICIENT_STOCK'
  /** The sale has not started or has ended. */
  | 'SALE_NOT_OPEN'
  /** The customer would exceed maxPerCustomer. */
  | 'PURCHASE_LIMIT_EXCEEDED'
  /** The idempotency key was used before with other arguments. */
  | 'IDEMPOTENCY_KEY_REUSED'
  /** No hold matches this token. */
  | 'HOLD_NOT_FOUND'
  /** The hold has expired. */
  | 'HOLD_EXPIRED'
  /** The hold was released. */
  | 'HOLD_RELEASED'
  /** The hold has become an order. */
  | 'HOLD_CONVERTED'
  /** No order matches this token or id. */
  | 'ORDER_NOT_FOUND'
  /** The order is in a state that this call cannot change. */
  | 'ORDER_FINAL'
  /** The server was too busy to process the request. No changes were made; retry later. */
  | 'BUSY'
  /** The payment provider did not answer, refused, or is not configured. Nothing was started. */
  | 'PAYMENT_UNAVAILABLE'
  /** The stock has changed since expectedVersion. */
  | 'STOCK_VERSION_CONFLICT'
  /** The total would fall below the held and sold units. */
  | 'STOCK_BELOW_COMMITTED'
  /** No payment event has this id. */
  | 'PAYMENT_EVENT_NOT_FOUND'
  /** No refund has this id. */
  | 'REFUND_NOT_FOUND'
  /** No webhook endpoint has this id. */
  | 'WEBHOOK_ENDPOINT_NOT_FOUND'
  /** No event has this id, or its payload is redacted. */
  | 'EVENT_NOT_FOUND';

/** The units to hold. */
export type CreateHoldInput = {
  /** The product. */
  readonly productId: string | number;
  /** 1 to the product's maxPerHold. */
  readonly quantity?: number;
  /** Stable reference of the buyer, 1 to 128 characters. Required if the product has maxPerCustomer. Compared byte for byte: case, spaces and Unicode forms count. The limit depends on this value alone, so the caller must authenticate the buyer. */
  readonly customerId?: string | null | undefined;
  /** A random key chosen by the client, 16 to 128 printable ASCII characters; a UUID is a good choice. Repeated or parallel requests with the same key and arguments return the same hold. The response contains the token, so keep the key as secret as the token. */
  readonly idempotencyKey?: string | null | undefined;
  /** The client's own notes: at most 20 strings, keys of 1 to 40 characters (letters, digits, _ . -), values up to 500 characters. Copied to the order and its events. A repeated idempotencyKey needs the same notes. */
  readonly metadata?: Readonly<Record<string, string>> | null | undefined;
};

export type ShownStockFragment = { readonly id: string, readonly availableStock: number, readonly stockStatus: StockStatus, readonly saleStatus: SaleStatus, readonly stockVersion: number, readonly updatedAt: string };

export type ShownProductFragment = { readonly name: string, readonly description: string | null, readonly maxPerHold: number, readonly id: string, readonly availableStock: number, readonly stockStatus: StockStatus, readonly saleStatus: SaleStatus, readonly stockVersion: number, readonly updatedAt: string, readonly price: { readonly amount: string, readonly currency: string } };

export type ShownHoldFragment = { readonly token: string, readonly quantity: number, readonly status: HoldStatus, readonly remainingMs: number, readonly orderId: string, readonly totalAmount: { readonly amount: string, readonly currency: string } };

export type ShownOrderFragment = { readonly id: string, readonly status: OrderStatus, readonly remainingMs: number, readonly totalAmount: { readonly amount: string, readonly currency: string }, readonly refunds: ReadonlyArray<{ readonly reason: RefundReason, readonly status: RefundStatus }> };

export type ProductQueryVariables = Exact<{
  id: string | number;
}>;


export type ProductQuery = { readonly product: { readonly name: string, readonly description: string | null, readonly maxPerHold: number, readonly id: string, readonly availableStock: number, readonly stockStatus: StockStatus, readonly saleStatus: SaleStatus, readonly stockVersion: number, readonly updatedAt: string, readonly price: { readonly amount: string, readonly currency: string } } | null };

export type StockChangedSubscriptionVariables = Exact<{
  productIds: ReadonlyArray<string | number> | string | number;
}>;


export type StockChangedSubscription = { readonly stockChanged: { readonly name: string, readonly description: string | null, readonly maxPerHold: number, readonly id: string, readonly availableStock: number, readonly stockStatus: StockStatus, readonly saleStatus: SaleStatus, readonly stockVersion: number, readonly updatedAt: string, readonly price: { readonly amount: string, readonly currency: string } } };

export type HoldChangedSubscriptionVariables = Exact<{
  token: string;
}>;


export type HoldChangedSubscription = { readonly holdChanged: { readonly token: string, readonly quantity: number, readonly status: HoldStatus, readonly remainingMs: number, readonly orderId: string, readonly totalAmount: { readonly amount: string, readonly currency: string } } };

export type OrderChangedSubscriptionVariables = Exact<{
  token: string;
}>;


export type OrderChangedSubscription = { readonly orderChanged: { readonly id: string, readonly status: OrderStatus, readonly remainingMs: number, readonly totalAmount: { readonly amount: string, readonly currency: string }, readonly refunds: ReadonlyArray<{ readonly reason: RefundReason, readonly status: RefundStatus }> } };

export type CreateHoldMutationVariables = Exact<{
  input: CreateHoldInput;
}>;


export type CreateHoldMutation = { readonly createHold:
    | { readonly __typename: 'Hold', readonly token: string, readonly quantity: number, readonly status: HoldStatus, readonly remainingMs: number, readonly orderId: string, readonly totalAmount: { readonly amount: string, readonly currency: string } }
    | { readonly __typename: 'ProductNotFound', readonly code: ErrorCode, readonly message: string }
    | { readonly __typename: 'InsufficientStock', readonly code: ErrorCode, readonly message: string, readonly availableStock: number, readonly stockStatus: StockStatus }
    | { readonly __typename: 'SaleNotOpen', readonly code: ErrorCode, readonly message: string, readonly opensInMs: number | null }
    | { readonly __typename: 'PurchaseLimitExceeded', readonly code: ErrorCode, readonly message: string, readonly remaining: number }
    | { readonly __typename: 'IdempotencyKeyReused', readonly code: ErrorCode, readonly message: string }
    | { readonly __typename: 'Busy', readonly code: ErrorCode, readonly message: string, readonly retryAfterMs: number }
   };

export type ReleaseHoldMutationVariables = Exact<{
  token: string;
}>;


export type ReleaseHoldMutation = { readonly releaseHold:
    | { readonly __typename: 'Hold', readonly token: string, readonly quantity: number, readonly status: HoldStatus, readonly remainingMs: number, readonly orderId: string, readonly totalAmount: { readonly amount: string, readonly currency: string } }
    | { readonly __typename: 'HoldNotFound', readonly code: ErrorCode, readonly message: string }
    | { readonly __typename: 'HoldNotActive', readonly code: ErrorCode, readonly message: string }
    | { readonly __typename: 'Busy', readonly code: ErrorCode, readonly message: string, readonly retryAfterMs: number }
   };

export type CreateOrderMutationVariables = Exact<{
  token: string;
}>;


export type CreateOrderMutation = { readonly createOrder:
    | { readonly __typename: 'Order', readonly id: string, readonly status: OrderStatus, readonly remainingMs: number, readonly totalAmount: { readonly amount: string, readonly currency: string }, readonly refunds: ReadonlyArray<{ readonly reason: RefundReason, readonly status: RefundStatus }> }
    | { readonly __typename: 'HoldNotFound', readonly code: ErrorCode, readonly message: string }
    | { readonly __typename: 'HoldNotActive', readonly code: ErrorCode, readonly message: string }
    | { readonly __typename: 'Busy', readonly code: ErrorCode, readonly message: string, readonly retryAfterMs: number }
   };

export type CancelOrderMutationVariables = Exact<{
  token: string;
}>;


export type CancelOrderMutation = { readonly cancelOrder:
    | { readonly __typename: 'Order', readonly id: string, readonly status: OrderStatus, readonly remainingMs: number, readonly totalAmount: { readonly amount: string, readonly currency: string }, readonly refunds: ReadonlyArray<{ readonly reason: RefundReason, readonly status: RefundStatus }> }
    | { readonly __typename: 'OrderNotFound', readonly code: ErrorCode, readonly message: string }
    | { readonly __typename: 'OrderFinal', readonly code: ErrorCode, readonly message: string, readonly order: { readonly id: string, readonly status: OrderStatus, readonly remainingMs: number, readonly totalAmount: { readonly amount: string, readonly currency: string }, readonly refunds: ReadonlyArray<{ readonly reason: RefundReason, readonly status: RefundStatus }> } }
    | { readonly __typename: 'Busy', readonly code: ErrorCode, readonly message: string, readonly retryAfterMs: number }
   };

export const ShownStockFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownStock"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"availableStock"}},{"kind":"Field","name":{"kind":"Name","value":"stockStatus"}},{"kind":"Field","name":{"kind":"Name","value":"saleStatus"}},{"kind":"Field","name":{"kind":"Name","value":"stockVersion"}},{"kind":"Field","name":{"kind":"Name","value":"updatedAt"}}]}}]} as unknown as DocumentNode<ShownStockFragment, unknown>;
export const ShownProductFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownProduct"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"description"}},{"kind":"Field","name":{"kind":"Name","value":"price"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"maxPerHold"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"ShownStock"}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownStock"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"availableStock"}},{"kind":"Field","name":{"kind":"Name","value":"stockStatus"}},{"kind":"Field","name":{"kind":"Name","value":"saleStatus"}},{"kind":"Field","name":{"kind":"Name","value":"stockVersion"}},{"kind":"Field","name":{"kind":"Name","value":"updatedAt"}}]}}]} as unknown as DocumentNode<ShownProductFragment, unknown>;
export const ShownHoldFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownHold"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Hold"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"token"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}},{"kind":"Field","name":{"kind":"Name","value":"totalAmount"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"remainingMs"}},{"kind":"Field","name":{"kind":"Name","value":"orderId"}}]}}]} as unknown as DocumentNode<ShownHoldFragment, unknown>;
export const ShownOrderFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownOrder"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Order"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"totalAmount"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"remainingMs"}},{"kind":"Field","name":{"kind":"Name","value":"refunds"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"status"}}]}}]}}]} as unknown as DocumentNode<ShownOrderFragment, unknown>;
export const ProductDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Product"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"product"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ShownProduct"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownStock"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"availableStock"}},{"kind":"Field","name":{"kind":"Name","value":"stockStatus"}},{"kind":"Field","name":{"kind":"Name","value":"saleStatus"}},{"kind":"Field","name":{"kind":"Name","value":"stockVersion"}},{"kind":"Field","name":{"kind":"Name","value":"updatedAt"}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownProduct"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"description"}},{"kind":"Field","name":{"kind":"Name","value":"price"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"maxPerHold"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"ShownStock"}}]}}]} as unknown as DocumentNode<ProductQuery, ProductQueryVariables>;
export const StockChangedDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"StockChanged"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"productIds"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"stockChanged"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"productIds"},"value":{"kind":"Variable","name":{"kind":"Name","value":"productIds"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ShownProduct"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownStock"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"availableStock"}},{"kind":"Field","name":{"kind":"Name","value":"stockStatus"}},{"kind":"Field","name":{"kind":"Name","value":"saleStatus"}},{"kind":"Field","name":{"kind":"Name","value":"stockVersion"}},{"kind":"Field","name":{"kind":"Name","value":"updatedAt"}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownProduct"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"description"}},{"kind":"Field","name":{"kind":"Name","value":"price"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"maxPerHold"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"ShownStock"}}]}}]} as unknown as DocumentNode<StockChangedSubscription, StockChangedSubscriptionVariables>;
export const HoldChangedDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"HoldChanged"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"token"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"holdChanged"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"token"},"value":{"kind":"Variable","name":{"kind":"Name","value":"token"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ShownHold"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownHold"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Hold"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"token"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}},{"kind":"Field","name":{"kind":"Name","value":"totalAmount"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"remainingMs"}},{"kind":"Field","name":{"kind":"Name","value":"orderId"}}]}}]} as unknown as DocumentNode<HoldChangedSubscription, HoldChangedSubscriptionVariables>;
export const OrderChangedDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"OrderChanged"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"token"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"orderChanged"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"holdToken"},"value":{"kind":"Variable","name":{"kind":"Name","value":"token"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ShownOrder"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownOrder"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Order"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"totalAmount"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"remainingMs"}},{"kind":"Field","name":{"kind":"Name","value":"refunds"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"status"}}]}}]}}]} as unknown as DocumentNode<OrderChangedSubscription, OrderChangedSubscriptionVariables>;
export const CreateHoldDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"CreateHold"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CreateHoldInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"createHold"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"ShownHold"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"CheckoutError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InsufficientStock"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"availableStock"}},{"kind":"Field","name":{"kind":"Name","value":"stockStatus"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"SaleNotOpen"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"opensInMs"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"PurchaseLimitExceeded"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"remaining"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Busy"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"retryAfterMs"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownHold"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Hold"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"token"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}},{"kind":"Field","name":{"kind":"Name","value":"totalAmount"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"remainingMs"}},{"kind":"Field","name":{"kind":"Name","value":"orderId"}}]}}]} as unknown as DocumentNode<CreateHoldMutation, CreateHoldMutationVariables>;
export const ReleaseHoldDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ReleaseHold"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"token"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"releaseHold"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"token"},"value":{"kind":"Variable","name":{"kind":"Name","value":"token"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"ShownHold"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"CheckoutError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Busy"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"retryAfterMs"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownHold"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Hold"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"token"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}},{"kind":"Field","name":{"kind":"Name","value":"totalAmount"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"remainingMs"}},{"kind":"Field","name":{"kind":"Name","value":"orderId"}}]}}]} as unknown as DocumentNode<ReleaseHoldMutation, ReleaseHoldMutationVariables>;
export const CreateOrderDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"CreateOrder"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"token"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"createOrder"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"holdToken"},"value":{"kind":"Variable","name":{"kind":"Name","value":"token"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"ShownOrder"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"CheckoutError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Busy"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"retryAfterMs"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownOrder"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Order"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"totalAmount"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"remainingMs"}},{"kind":"Field","name":{"kind":"Name","value":"refunds"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"status"}}]}}]}}]} as unknown as DocumentNode<CreateOrderMutation, CreateOrderMutationVariables>;
export const CancelOrderDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"CancelOrder"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"token"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cancelOrder"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"holdToken"},"value":{"kind":"Variable","name":{"kind":"Name","value":"token"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"ShownOrder"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"CheckoutError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"OrderFinal"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"order"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ShownOrder"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Busy"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"retryAfterMs"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ShownOrder"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Order"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"totalAmount"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"remainingMs"}},{"kind":"Field","name":{"kind":"Name","value":"refunds"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"status"}}]}}]}}]} as unknown as DocumentNode<CancelOrderMutation, CancelOrderMutationVariables>;