/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** Why a product can or cannot be held right now. */
export type StockStatus =
  /** Some units are free. */
  | 'AVAILABLE'
  /** Nothing free, but some units are only held or awaiting payment and may come back. */
  | 'ALL_HELD'
  /** Every unit is paid for. */
  | 'SOLD_OUT';

/** Where a product’s sale stands, by the database’s clock. */
export type SaleStatus =
  /** The sale has not begun. */
  | 'UPCOMING'
  /** The product can be held now. */
  | 'LIVE'
  /** The sale is over. */
  | 'ENDED';

/** Where an order is in its life. */
export type OrderStatus =
  /** It awaits its payment and keeps its units. */
  | 'PENDING'
  /** It is paid; its units are sold. */
  | 'PAID'
  /** It was cancelled; its units went back. */
  | 'CANCELLED'
  /** It was not paid in time; its units went back. */
  | 'EXPIRED';

/** Why money must go back. */
export type RefundReason =
  /** The order had expired and its units were gone. */
  | 'PAID_TOO_LATE'
  /** Another amount or currency than was owed. */
  | 'AMOUNT_MISMATCH'
  /** The order was paid already. */
  | 'DUPLICATE_PAYMENT'
  /** No order was made for the payment. */
  | 'ORDER_NEVER_CREATED'
  /** The order was cancelled. */
  | 'ORDER_CANCELLED';

/** Whether the money has gone back. */
export type RefundStatus =
  /** The money must still go back. */
  | 'OPEN'
  /** The money went back. */
  | 'RESOLVED';

/** Where a hold is in its life; each end is final. */
export type HoldStatus =
  /** Its units are promised to its buyer until the deadline. */
  | 'ACTIVE'
  /** It became an order. */
  | 'CONVERTED'
  /** Its deadline passed without an order; its units went back. */
  | 'EXPIRED'
  /** Its buyer gave the units back. */
  | 'RELEASED';

/** Why a request was turned down. */
export type ErrorCode =
  /** No product has this id. */
  | 'PRODUCT_NOT_FOUND'
  /** More was wanted than is free. */
  | 'INSUFFICIENT_STOCK'
  /** The sale has not begun, or is over. */
  | 'SALE_NOT_OPEN'
  /** The customer would have more than the product allows. */
  | 'PURCHASE_LIMIT_EXCEEDED'
  /** The key was used before with other arguments. */
  | 'IDEMPOTENCY_KEY_REUSED'
  /** The token opens nothing. */
  | 'HOLD_NOT_FOUND'
  /** The hold’s deadline has passed. */
  | 'HOLD_EXPIRED'
  /** The hold was released. */
  | 'HOLD_RELEASED'
  /** The hold became an order. */
  | 'HOLD_CONVERTED'
  /** No order was made from this hold, or none has this id. */
  | 'ORDER_NOT_FOUND'
  /** The order has reached a state that this call may not change. */
  | 'ORDER_FINAL'
  /** Nothing was done: a lock, a connection or a place in the queue was not available in time. */
  | 'BUSY'
  /** The stock has moved on since the version named. */
  | 'STOCK_VERSION_CONFLICT'
  /** Fewer units would be left than are held and sold. */
  | 'STOCK_BELOW_COMMITTED'
  /** No payment event has this id. */
  | 'PAYMENT_EVENT_NOT_FOUND'
  /** No refund has this id. */
  | 'REFUND_NOT_FOUND';

/** What a buyer wants to hold. */
export type CreateHoldInput = {
  /** The product. */
  readonly productId: string | number;
  /** 1 to the product's maxPerHold. */
  readonly quantity?: number;
  /** Stable reference of the buyer, 1 to 128 characters; needed where the product has maxPerCustomer. Compared byte for byte: case, spaces and Unicode forms count. The limit rests on this value alone, so the caller must authenticate the buyer. */
  readonly customerId?: string | null | undefined;
  /** 16 to 128 printable ASCII characters of the client's own randomness, best a UUID. Who presents it with the same arguments receives the hold and its token, so it is as secret as the token. Same key and arguments: the same hold, however often and however parallel. */
  readonly idempotencyKey?: string | null | undefined;
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