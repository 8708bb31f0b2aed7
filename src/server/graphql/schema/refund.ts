import { Field, FieldResolver, ID, ObjectType, Resolver, Root } from 'type-graphql';
import { receivedText } from '../../../lib/money.ts';
import type { Refund } from '../../../shop/payments/list-payments.ts';
import type { RefundReason, RefundStatus } from '../../../shop/payments/settlement/refund.rules.ts';
import { enumOf } from './enums.ts';
import { DateTime, MoneyType } from './scalars.ts';

const RefundReasonEnum = enumOf('RefundReason', 'Why a payment must be refunded.', {
  PAID_TOO_LATE: 'The order had expired and its units were no longer available.',
  AMOUNT_MISMATCH: 'The amount or currency differs from totalAmount.',
  DUPLICATE_PAYMENT: 'The order was already paid.',
  ORDER_NEVER_CREATED: 'No order was created for the payment.',
  ORDER_CANCELLED: 'The order was cancelled.',
} satisfies Record<RefundReason, string>);

export const RefundStatusEnum = enumOf('RefundStatus', 'Whether the refund is complete.', {
  OPEN: 'The money must still be returned: by the provider, or by an admin if the provider cannot be asked or refused.',
  SENT: 'The provider was asked to return the money and has not confirmed it yet.',
  RESOLVED: 'The money was returned.',
} satisfies Record<RefundStatus, string>);

@ObjectType('Refund', { description: 'A payment that must be returned to the buyer.' })
export class RefundType {
  @Field(() => ID, { description: 'UUIDv7.' })
  declare id: string;

  @Field(() => ID, { description: 'The order that the payment names.' })
  declare orderId: string;

  @Field(() => String, { description: "The provider's id of the payment." })
  declare paymentId: string;

  @Field(() => MoneyType, {
    nullable: true,
    description:
      'The amount received. If the payment event names no amount, the total of the order or its hold; null if the amount is unknown.',
  })
  declare amount: MoneyType | null;

  @Field(() => RefundReasonEnum, { description: 'Why the payment must be refunded.' })
  declare reason: string;

  @Field(() => RefundStatusEnum, { description: 'Whether the refund is complete.' })
  declare status: string;

  @Field(() => DateTime, { description: 'When the refund was opened.' })
  declare createdAt: Date;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the refund was resolved; null while it is open.',
  })
  declare resolvedAt: Date | null;

  @Field(() => String, {
    nullable: true,
    description: 'Why the last call to the provider failed or was refused; null if none did.',
  })
  declare failureReason: string | null;
}

@Resolver(() => RefundType)
export class RefundResolver {
  @FieldResolver(() => MoneyType, { nullable: true })
  amount(@Root() { amount, currency }: Refund): MoneyType | null {
    return amount === null || currency === null
      ? null
      : { amount: receivedText(amount, currency), currency };
  }
}
