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

export type OfferFragment = { readonly id: string, readonly name: string, readonly description: string | null, readonly totalStock: number, readonly availableStock: number, readonly heldStock: number, readonly soldStock: number, readonly stockStatus: StockStatus, readonly stockVersion: number, readonly saleStatus: SaleStatus, readonly saleStartsAt: string | null, readonly soldOutAt: string | null, readonly maxPerHold: number, readonly maxPerCustomer: number | null, readonly imageUrl: string | null, readonly updatedAt: string, readonly price: { readonly amount: string, readonly currency: string } };

export type OffersQueryVariables = Exact<{ [key: string]: never; }>;


export type OffersQuery = { readonly serverTime: string, readonly products: { readonly nodes: ReadonlyArray<{ readonly id: string, readonly name: string, readonly description: string | null, readonly totalStock: number, readonly availableStock: number, readonly heldStock: number, readonly soldStock: number, readonly stockStatus: StockStatus, readonly stockVersion: number, readonly saleStatus: SaleStatus, readonly saleStartsAt: string | null, readonly soldOutAt: string | null, readonly maxPerHold: number, readonly maxPerCustomer: number | null, readonly imageUrl: string | null, readonly updatedAt: string, readonly price: { readonly amount: string, readonly currency: string } }> } };

export type OfferChangedSubscriptionVariables = Exact<{
  ids: ReadonlyArray<string | number> | string | number;
}>;


export type OfferChangedSubscription = { readonly stockChanged: { readonly id: string, readonly name: string, readonly description: string | null, readonly totalStock: number, readonly availableStock: number, readonly heldStock: number, readonly soldStock: number, readonly stockStatus: StockStatus, readonly stockVersion: number, readonly saleStatus: SaleStatus, readonly saleStartsAt: string | null, readonly soldOutAt: string | null, readonly maxPerHold: number, readonly maxPerCustomer: number | null, readonly imageUrl: string | null, readonly updatedAt: string, readonly price: { readonly amount: string, readonly currency: string } } };

export type StartPaymentMutationVariables = Exact<{
  token: string;
  returnUrl: string;
}>;


export type StartPaymentMutation = { readonly startPayment:
    | { readonly __typename: 'PaymentSession', readonly provider: string, readonly url: string | null }
    | { readonly __typename: 'OrderNotFound', readonly code: ErrorCode, readonly message: string }
    | { readonly __typename: 'OrderFinal', readonly code: ErrorCode, readonly message: string }
    | { readonly __typename: 'PaymentUnavailable', readonly code: ErrorCode, readonly message: string }
    | { readonly __typename: 'Busy', readonly code: ErrorCode, readonly message: string }
   };

export const OfferFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Offer"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"description"}},{"kind":"Field","name":{"kind":"Name","value":"price"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"totalStock"}},{"kind":"Field","name":{"kind":"Name","value":"availableStock"}},{"kind":"Field","name":{"kind":"Name","value":"heldStock"}},{"kind":"Field","name":{"kind":"Name","value":"soldStock"}},{"kind":"Field","name":{"kind":"Name","value":"stockStatus"}},{"kind":"Field","name":{"kind":"Name","value":"stockVersion"}},{"kind":"Field","name":{"kind":"Name","value":"saleStatus"}},{"kind":"Field","name":{"kind":"Name","value":"saleStartsAt"}},{"kind":"Field","name":{"kind":"Name","value":"soldOutAt"}},{"kind":"Field","name":{"kind":"Name","value":"maxPerHold"}},{"kind":"Field","name":{"kind":"Name","value":"maxPerCustomer"}},{"kind":"Field","name":{"kind":"Name","value":"imageUrl"}},{"kind":"Field","name":{"kind":"Name","value":"updatedAt"}}]}}]} as unknown as DocumentNode<OfferFragment, unknown>;
export const OffersDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Offers"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"serverTime"}},{"kind":"Field","name":{"kind":"Name","value":"products"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"50"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Offer"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Offer"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"description"}},{"kind":"Field","name":{"kind":"Name","value":"price"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"totalStock"}},{"kind":"Field","name":{"kind":"Name","value":"availableStock"}},{"kind":"Field","name":{"kind":"Name","value":"heldStock"}},{"kind":"Field","name":{"kind":"Name","value":"soldStock"}},{"kind":"Field","name":{"kind":"Name","value":"stockStatus"}},{"kind":"Field","name":{"kind":"Name","value":"stockVersion"}},{"kind":"Field","name":{"kind":"Name","value":"saleStatus"}},{"kind":"Field","name":{"kind":"Name","value":"saleStartsAt"}},{"kind":"Field","name":{"kind":"Name","value":"soldOutAt"}},{"kind":"Field","name":{"kind":"Name","value":"maxPerHold"}},{"kind":"Field","name":{"kind":"Name","value":"maxPerCustomer"}},{"kind":"Field","name":{"kind":"Name","value":"imageUrl"}},{"kind":"Field","name":{"kind":"Name","value":"updatedAt"}}]}}]} as unknown as DocumentNode<OffersQuery, OffersQueryVariables>;
export const OfferChangedDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"OfferChanged"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"ids"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"stockChanged"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"productIds"},"value":{"kind":"Variable","name":{"kind":"Name","value":"ids"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Offer"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Offer"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Product"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"description"}},{"kind":"Field","name":{"kind":"Name","value":"price"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"currency"}}]}},{"kind":"Field","name":{"kind":"Name","value":"totalStock"}},{"kind":"Field","name":{"kind":"Name","value":"availableStock"}},{"kind":"Field","name":{"kind":"Name","value":"heldStock"}},{"kind":"Field","name":{"kind":"Name","value":"soldStock"}},{"kind":"Field","name":{"kind":"Name","value":"stockStatus"}},{"kind":"Field","name":{"kind":"Name","value":"stockVersion"}},{"kind":"Field","name":{"kind":"Name","value":"saleStatus"}},{"kind":"Field","name":{"kind":"Name","value":"saleStartsAt"}},{"kind":"Field","name":{"kind":"Name","value":"soldOutAt"}},{"kind":"Field","name":{"kind":"Name","value":"maxPerHold"}},{"kind":"Field","name":{"kind":"Name","value":"maxPerCustomer"}},{"kind":"Field","name":{"kind":"Name","value":"imageUrl"}},{"kind":"Field","name":{"kind":"Name","value":"updatedAt"}}]}}]} as unknown as DocumentNode<OfferChangedSubscription, OfferChangedSubscriptionVariables>;
export const StartPaymentDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"StartPayment"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"token"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"returnUrl"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"startPayment"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"holdToken"},"value":{"kind":"Variable","name":{"kind":"Name","value":"token"}}},{"kind":"Argument","name":{"kind":"Name","value":"returnUrl"},"value":{"kind":"Variable","name":{"kind":"Name","value":"returnUrl"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"PaymentSession"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"provider"}},{"kind":"Field","name":{"kind":"Name","value":"url"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"CheckoutError"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}}]} as unknown as DocumentNode<StartPaymentMutation, StartPaymentMutationVariables>;