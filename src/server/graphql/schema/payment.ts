import { Arg, Ctx, Field, FieldResolver, Mutation, ObjectType, Resolver, Root } from 'type-graphql';
import type { PaymentSession } from '../../../shop/payments/providers/payment-session.ts';
import { startPayment } from '../../../shop/payments/start-payment.ts';
import { Context, limitInvalidToken } from '../context.ts';
import { OrderFinal } from './order.ts';
import {
  BusyType,
  OrderNotFound,
  outcomeOf,
  PaymentUnavailable,
  toMutationResult,
} from './refusals.ts';
import { DateTime, moneyOf, MoneyType } from './scalars.ts';

@ObjectType('PaymentSession', {
  description: 'A payment that the buyer can now make at the provider.',
})
class PaymentSessionType {
  @Field(() => String, { description: 'The name of the provider.' })
  declare provider: string;

  @Field(() => String, {
    description:
      "The provider's id. Stripe: of the payment intent, or of the Checkout Session with returnUrl.",
  })
  declare id: string;

  @Field(() => String, {
    nullable: true,
    description:
      "What the provider's own frontend library needs; null if the buyer is sent to url.",
  })
  declare clientSecret: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'A hosted page to send the buyer to; null if clientSecret is used.',
  })
  declare url: string | null;

  @Field(() => MoneyType, { description: 'The amount to pay: the total of the order.' })
  declare amount: MoneyType;

  @Field(() => DateTime, {
    description: "The order's payment deadline. The session is cancelled at the provider then.",
  })
  declare expiresAt: Date;
}

const StartPaymentResult = outcomeOf('StartPaymentResult', PaymentSessionType, 'PaymentSession', [
  OrderNotFound,
  OrderFinal,
  PaymentUnavailable,
  BusyType,
]);

@Resolver(() => PaymentSessionType)
export class PaymentResolver {
  @Mutation(() => StartPaymentResult, {
    description:
      'Starts the payment of this order at the provider, or returns the one already started; never twice, in any number of parallel calls.',
  })
  async startPayment(
    @Arg('holdToken', () => String, { description: 'The hold token.' }) holdToken: string,
    @Arg('provider', () => String, {
      nullable: true,
      description: 'A configured provider; the first one if omitted.',
    })
    provider: string | null | undefined,
    @Arg('returnUrl', () => String, {
      nullable: true,
      description:
        'Where a hosted page sends the buyer afterwards. Its origin must be one of ALLOWED_ORIGINS.',
    })
    returnUrl: string | null | undefined,
    @Ctx() context: Context,
  ): Promise<object> {
    await limitInvalidToken(context, holdToken);
    const request = { holdToken, provider: provider ?? null, returnUrl: returnUrl ?? null };
    return toMutationResult(() => startPayment(context.shop, request));
  }

  @FieldResolver(() => MoneyType)
  amount(@Root() { amount }: PaymentSession): MoneyType {
    return moneyOf(amount);
  }
}
