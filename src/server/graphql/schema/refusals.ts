import { GraphQLError } from 'graphql';
import {
  createUnionType,
  Field,
  Int,
  InterfaceType,
  ObjectType,
  type ClassType,
} from 'type-graphql';
import { BusyFault } from '../../../lib/faults.ts';
import { isRefusal, type Busy, type Refusal, type RefusalCode } from '../../../shop/refusal.ts';
import { enumOf, HoldStatusEnum, SaleStatusEnum, StockStatusEnum } from './enums.ts';
import { DateTime } from './scalars.ts';

export const ErrorCodeEnum = enumOf('ErrorCode', 'Why a request was turned down.', {
  PRODUCT_NOT_FOUND: 'No product has this id.',
  INSUFFICIENT_STOCK: 'More was wanted than is free.',
  SALE_NOT_OPEN: 'The sale has not begun, or is over.',
  PURCHASE_LIMIT_EXCEEDED: 'The customer would have more than the product allows.',
  IDEMPOTENCY_KEY_REUSED: 'The key was used before with other arguments.',
  HOLD_NOT_FOUND: 'The token opens nothing.',
  HOLD_EXPIRED: 'The hold’s deadline has passed.',
  HOLD_RELEASED: 'The hold was released.',
  HOLD_CONVERTED: 'The hold became an order.',
  ORDER_NOT_FOUND: 'No order was made from this hold, or none has this id.',
  ORDER_FINAL: 'The order has reached a state that this call may not change.',
  BUSY: 'Nothing was done: a lock, a connection or a place in the queue was not available in time.',
  STOCK_VERSION_CONFLICT: 'The stock has moved on since the version named.',
  STOCK_BELOW_COMMITTED: 'Fewer units would be left than are held and sold.',
  PAYMENT_EVENT_NOT_FOUND: 'No payment event has this id.',
  REFUND_NOT_FOUND: 'No refund has this id.',
} satisfies Record<RefusalCode, string>);

const TYPE_OF_CODE: Readonly<Record<RefusalCode, string>> = {
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
  STOCK_VERSION_CONFLICT: 'StockVersionConflict',
  STOCK_BELOW_COMMITTED: 'StockBelowCommitted',
  PAYMENT_EVENT_NOT_FOUND: 'PaymentEventNotFound',
  REFUND_NOT_FOUND: 'RefundNotFound',
};

const refusalType = ({ code }: Refusal): string => TYPE_OF_CODE[code as RefusalCode];

/** How the type of a union's or interface's value is told, by the name of the union or interface. */
export const TYPE_RESOLVERS = new Map<string, (value: never) => string>();

function typesOf<Value>(name: string, tell: (value: Value) => string): (value: Value) => string {
  TYPE_RESOLVERS.set(name, tell);
  return tell;
}

@InterfaceType('CheckoutError', {
  description:
    'An expected failure: every mutation’s result is a union whose failures implement this.',
  resolveType: typesOf('CheckoutError', refusalType),
})
export abstract class CheckoutError {
  @Field(() => ErrorCodeEnum, { description: 'Which failure it is.' })
  declare code: RefusalCode;

  @Field(() => String, { description: 'One plain sentence for a person.' })
  declare message: string;

  @Field(() => Boolean, { description: 'Whether the same call may succeed later.' })
  declare retryable: boolean;
}

/** A failure that says no more than its code and sentence. */
function plainFailure(name: string, description: string): ClassType<CheckoutError> {
  @ObjectType(name, { description, implements: CheckoutError })
  class PlainFailure extends CheckoutError {}
  return PlainFailure as unknown as ClassType<CheckoutError>;
}

export const ProductNotFound = plainFailure('ProductNotFound', 'No product has this id.');
export const IdempotencyKeyReused = plainFailure(
  'IdempotencyKeyReused',
  'The key was used before with other arguments. The first result stands.',
);
export const HoldNotFound = plainFailure('HoldNotFound', 'The token is unknown or malformed.');
export const OrderNotFound = plainFailure(
  'OrderNotFound',
  'The token is unknown, no order was made from its hold, or no order has this id.',
);
export const PaymentEventNotFound = plainFailure(
  'PaymentEventNotFound',
  'No payment event has this id.',
);
export const RefundNotFound = plainFailure('RefundNotFound', 'No refund has this id.');

@ObjectType('InsufficientStock', {
  description: 'More was wanted than is free.',
  implements: CheckoutError,
})
export class InsufficientStock extends CheckoutError {
  @Field(() => Int, { description: 'Units that are free.' })
  declare availableStock: number;

  @Field(() => StockStatusEnum, { description: 'Whether units may come back.' })
  declare stockStatus: string;
}

@ObjectType('SaleNotOpen', {
  description: 'The sale has not begun, or is over.',
  implements: CheckoutError,
})
export class SaleNotOpen extends CheckoutError {
  @Field(() => SaleStatusEnum, { description: 'Where the sale stands.' })
  declare saleStatus: string;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the sale begins; null where it has no beginning.',
  })
  declare startsAt: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the sale ends; null where it has no end.',
  })
  declare endsAt: Date | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Milliseconds until it opens, at most 2147483647 (24 days); null when it is over.',
  })
  declare opensInMs: number | null;
}

@ObjectType('PurchaseLimitExceeded', {
  description: 'The customer would have more than the product allows.',
  implements: CheckoutError,
})
export class PurchaseLimitExceeded extends CheckoutError {
  @Field(() => Int, { description: 'Most units one customer may have.' })
  declare limit: number;

  @Field(() => Int, { description: 'What this customer may still hold.' })
  declare remaining: number;
}

@ObjectType('HoldNotActive', {
  description: 'EXPIRED, RELEASED or (for releaseHold) CONVERTED: code says which.',
  implements: CheckoutError,
})
export class HoldNotActive extends CheckoutError {
  @Field(() => HoldStatusEnum, { description: 'How the hold ended.' })
  declare status: string;
}

@ObjectType('Busy', {
  description:
    "The product's lock or a connection was not had in time, or too many wait. Nothing was done; try again after retryAfterMs.",
  implements: CheckoutError,
})
export class BusyType extends CheckoutError {
  @Field(() => Int, { description: 'Milliseconds after which trying again makes sense.' })
  declare retryAfterMs: number;
}

@ObjectType('StockVersionConflict', {
  description: 'The stock has moved on since the version named.',
  implements: CheckoutError,
})
export class StockVersionConflict extends CheckoutError {
  @Field(() => Int, { description: 'The version the stock has now.' })
  declare currentVersion: number;
}

@ObjectType('StockBelowCommitted', {
  description: 'Fewer units would be left than are held and sold.',
  implements: CheckoutError,
})
export class StockBelowCommitted extends CheckoutError {
  @Field(() => Int, { description: 'Units held and sold.' })
  declare committed: number;
}

/** A mutation's result: its success, or one of the failures that it can have. */
export function outcomeOf(
  name: string,
  success: ClassType,
  successName: string,
  failures: readonly ClassType[],
) {
  return createUnionType({
    name,
    description: `${successName}, or why not.`,
    types: () => [success, ...failures],
    resolveType: typesOf(name, (value: object) =>
      isRefusal(value) ? refusalType(value) : successName,
    ),
  });
}

/**
 * Runs a use case for a mutation: a busy shop is one of its typed answers, and input that can never
 * be right is an error of the request.
 */
export async function answered<Answer extends object>(
  useCase: () => Promise<Answer>,
): Promise<Answer | Busy> {
  try {
    return rightful(await useCase());
  } catch (error) {
    if (!(error instanceof BusyFault)) throw error;
    const { message, retryAfterMs } = error;
    return { code: 'BUSY', message, retryable: true, retryAfterMs };
  }
}

/** The answer, unless it says that the input was wrong. */
export function rightful<Answer extends object>(answer: Answer): Answer {
  if (isRefusal(answer) && answer.code === 'BAD_USER_INPUT')
    throw badUserInputError(answer.message);
  return answer;
}

/** Malformed input, as GraphQL tells it. */
export function badUserInputError(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}
