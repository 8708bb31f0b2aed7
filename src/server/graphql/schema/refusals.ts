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
import { HoldStatusEnum, SaleStatusEnum, StockStatusEnum } from './enums.ts';
import { ErrorCodeEnum, TYPE_OF_CODE } from './error-codes.ts';
import { DateTime } from './scalars.ts';

const refusalType = ({ code }: Refusal): string => TYPE_OF_CODE[code as RefusalCode];

/** The type resolver of each union and interface, by its name. */
export const TYPE_RESOLVERS = new Map<string, (value: never) => string>();

function registerTypeResolver<Value>(
  name: string,
  resolve: (value: Value) => string,
): (value: Value) => string {
  TYPE_RESOLVERS.set(name, resolve);
  return resolve;
}

@InterfaceType('CheckoutError', {
  description:
    'An expected failure. Every failure in a mutation’s result union implements this interface.',
  resolveType: registerTypeResolver('CheckoutError', refusalType),
})
export abstract class CheckoutError {
  @Field(() => ErrorCodeEnum, { description: 'The failure as a code.' })
  declare code: RefusalCode;

  @Field(() => String, { description: 'The failure as one sentence for people.' })
  declare message: string;

  @Field(() => Boolean, { description: 'Whether the same call may succeed later.' })
  declare retryable: boolean;
}

/** A failure with no fields of its own. */
function plainFailure(name: string, description: string): ClassType<CheckoutError> {
  @ObjectType(name, { description, implements: CheckoutError })
  class PlainFailure extends CheckoutError {}
  return PlainFailure as unknown as ClassType<CheckoutError>;
}

export const ProductNotFound = plainFailure('ProductNotFound', 'No product has this id.');
export const IdempotencyKeyReused = plainFailure(
  'IdempotencyKeyReused',
  'The idempotency key was used before with other arguments. The first result is unchanged.',
);
export const HoldNotFound = plainFailure('HoldNotFound', 'The token is unknown or malformed.');
export const OrderNotFound = plainFailure(
  'OrderNotFound',
  'The token is unknown, its hold has no order, or no order has this id.',
);
export const PaymentUnavailable = plainFailure(
  'PaymentUnavailable',
  'The payment provider did not answer, refused, or is not configured. Nothing was started.',
);
export const PaymentEventNotFound = plainFailure(
  'PaymentEventNotFound',
  'No payment event has this id.',
);
export const RefundNotFound = plainFailure('RefundNotFound', 'No refund has this id.');
export const WebhookEndpointNotFound = plainFailure(
  'WebhookEndpointNotFound',
  'No webhook endpoint has this id.',
);
export const EventNotFound = plainFailure(
  'EventNotFound',
  'No event has this id, or its payload is redacted.',
);

@ObjectType('InsufficientStock', {
  description: 'The request is for more units than are available.',
  implements: CheckoutError,
})
export class InsufficientStock extends CheckoutError {
  @Field(() => Int, { description: 'Units available now.' })
  declare availableStock: number;

  @Field(() => StockStatusEnum, { description: 'Whether units may become available again.' })
  declare stockStatus: string;
}

@ObjectType('SaleNotOpen', {
  description: 'The sale has not started or has ended.',
  implements: CheckoutError,
})
export class SaleNotOpen extends CheckoutError {
  @Field(() => SaleStatusEnum, { description: 'The state of the sale.' })
  declare saleStatus: string;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the sale starts; null if it has no start time.',
  })
  declare startsAt: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the sale ends; null if it has no end time.',
  })
  declare endsAt: Date | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'Milliseconds until the sale opens, at most 2147483647 (24 days); null if it has ended.',
  })
  declare opensInMs: number | null;
}

@ObjectType('PurchaseLimitExceeded', {
  description: 'The customer would exceed maxPerCustomer.',
  implements: CheckoutError,
})
export class PurchaseLimitExceeded extends CheckoutError {
  @Field(() => Int, { description: 'The product’s maxPerCustomer.' })
  declare limit: number;

  @Field(() => Int, { description: 'Units that this customer may still hold.' })
  declare remaining: number;
}

@ObjectType('HoldNotActive', {
  description: 'The hold has expired, was released or, for releaseHold, has become an order.',
  implements: CheckoutError,
})
export class HoldNotActive extends CheckoutError {
  @Field(() => HoldStatusEnum, { description: 'How the hold ended.' })
  declare status: string;
}

@ObjectType('Busy', {
  description:
    'A lock or a database connection timed out, or the queue for the product is full. No changes were made; retry after retryAfterMs.',
  implements: CheckoutError,
})
export class BusyType extends CheckoutError {
  @Field(() => Int, { description: 'Milliseconds to wait before a retry.' })
  declare retryAfterMs: number;
}

@ObjectType('StockVersionConflict', {
  description: 'The stock has changed since expectedVersion.',
  implements: CheckoutError,
})
export class StockVersionConflict extends CheckoutError {
  @Field(() => Int, { description: 'The current stock version.' })
  declare currentVersion: number;
}

@ObjectType('StockBelowCommitted', {
  description: 'The total would fall below the held and sold units.',
  implements: CheckoutError,
})
export class StockBelowCommitted extends CheckoutError {
  @Field(() => Int, { description: 'Units held and sold.' })
  declare committed: number;
}

/** The union of a mutation's success and its possible failures. */
export function outcomeOf(
  name: string,
  success: ClassType,
  successName: string,
  failures: readonly ClassType[],
) {
  return createUnionType({
    name,
    description: `The ${successName}, or the reason for the refusal.`,
    types: () => [success, ...failures],
    resolveType: registerTypeResolver(name, (value: object) =>
      isRefusal(value) ? refusalType(value) : successName,
    ),
  });
}

/**
 * Runs a use case for a mutation. BusyFault becomes the typed result Busy.
 *
 * @throws GraphQLError BAD_USER_INPUT for input that is invalid
 */
export async function toMutationResult<Answer extends object>(
  useCase: () => Promise<Answer>,
): Promise<Answer | Busy> {
  try {
    return throwIfBadInput(await useCase());
  } catch (error) {
    if (!(error instanceof BusyFault)) throw error;
    const { message, retryAfterMs } = error;
    return { code: 'BUSY', message, retryable: true, retryAfterMs };
  }
}

/** Returns the answer. @throws GraphQLError BAD_USER_INPUT if the answer refuses the input */
export function throwIfBadInput<Answer extends object>(answer: Answer): Answer {
  if (isRefusal(answer) && answer.code === 'BAD_USER_INPUT')
    throw badUserInputError(answer.message);
  return answer;
}

/** The GraphQL error for malformed input. */
export function badUserInputError(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}
