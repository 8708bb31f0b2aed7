import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  ID,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { cancelOrder } from '../../../shop/purchases/cancel-order.ts';
import { findOrder, type Order } from '../../../shop/purchases/find-orders.ts';
import { totalMinor } from '../../../shop/purchases/order.rules.ts';
import type { Refund } from '../../../shop/payments/find-refunds.ts';
import { placeOrder } from '../../../shop/payments/place-order.ts';
import { receivedText } from '../../../lib/money.ts';
import { remainingMs } from '../../../lib/time.ts';
import { Context } from '../context.ts';
import { enumOf } from './enums.ts';
import { limitInvalidToken } from './token-guard.ts';
import { ProductType, type ListedProduct } from './product.ts';
import {
  answered,
  BusyType,
  CheckoutError,
  HoldNotActive,
  HoldNotFound,
  OrderNotFound,
  outcomeOf,
} from './refusals.ts';
import { DateTime, moneyOf, MoneyType } from './scalars.ts';

export const OrderStatusEnum = enumOf('OrderStatus', 'Where an order is in its life.', {
  PENDING: 'It awaits its payment and keeps its units.',
  PAID: 'It is paid; its units are sold.',
  CANCELLED: 'It was cancelled; its units went back.',
  EXPIRED: 'It was not paid in time; its units went back.',
});

const RefundReasonEnum = enumOf('RefundReason', 'Why money must go back.', {
  PAID_TOO_LATE: 'The order had expired and its units were gone.',
  AMOUNT_MISMATCH: 'Another amount or currency than was owed.',
  DUPLICATE_PAYMENT: 'The order was paid already.',
  ORDER_NEVER_CREATED: 'No order was made for the payment.',
  ORDER_CANCELLED: 'The order was cancelled.',
});

export const RefundStatusEnum = enumOf('RefundStatus', 'Whether the money has gone back.', {
  OPEN: 'The money must still go back.',
  RESOLVED: 'The money went back.',
});

@ObjectType('Refund', { description: 'Money received that could not be honoured.' })
export class RefundType {
  @Field(() => ID, { description: 'UUIDv7.' })
  declare id: string;

  @Field(() => ID, { description: 'The order the money was meant for.' })
  declare orderId: string;

  @Field(() => String, { description: "The provider's id of the payment." })
  declare paymentId: string;

  @Field(() => MoneyType, {
    nullable: true,
    description:
      'What was received; where the event named no amount, the total of the order or its hold; null when nothing says how much.',
  })
  declare amount: MoneyType | null;

  @Field(() => RefundReasonEnum, { description: 'Why it must go back.' })
  declare reason: string;

  @Field(() => RefundStatusEnum, { description: 'Whether it has.' })
  declare status: string;

  @Field(() => DateTime, { description: 'Since when it is due.' })
  declare createdAt: Date;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it went back; null while it is open.',
  })
  declare resolvedAt: Date | null;
}

@ObjectType('Order', { description: 'A hold that someone means to pay for.' })
export class OrderType {
  @Field(() => ID, { description: 'The id that the hold announced as its orderId.' })
  declare id: string;

  @Field(() => ProductType, { description: 'What was ordered.' })
  declare product: ListedProduct;

  @Field(() => Int, { description: 'How many units.' })
  declare quantity: number;

  @Field(() => MoneyType, { description: 'Price frozen when the hold was made.' })
  declare unitPrice: MoneyType;

  @Field(() => MoneyType, { description: 'What is owed: unitPrice times quantity.' })
  declare totalAmount: MoneyType;

  @Field(() => OrderStatusEnum, { description: 'Where it is in its life.' })
  declare status: string;

  @Field(() => String, {
    nullable: true,
    description: 'The payment that paid it; null until then.',
  })
  declare paymentId: string | null;

  @Field(() => DateTime, { description: 'When it was made.' })
  declare createdAt: Date;

  @Field(() => DateTime, {
    description: 'Until when a payment is awaited; then the order expires and its units come back.',
  })
  declare paymentExpiresAt: Date;

  @Field(() => Int, {
    description:
      'Milliseconds until then by the server’s clock, 0 once the order is no longer pending.',
  })
  declare remainingMs: number;

  @Field(() => DateTime, { nullable: true, description: 'When it was paid; null until then.' })
  declare paidAt: Date | null;

  @Field(() => DateTime, { description: 'When its status last changed.' })
  declare updatedAt: Date;

  @Field(() => [RefundType], {
    description: 'Money received that could not be honoured and must go back.',
  })
  declare refunds: readonly Refund[];
}

@ObjectType('OrderFinal', {
  description: 'The order has reached a state that this call may not change.',
  implements: CheckoutError,
})
export class OrderFinal extends CheckoutError {
  @Field(() => OrderType, { description: 'The order as it stands.' })
  declare order: Order;
}

const CreateOrderResult = outcomeOf('CreateOrderResult', OrderType, 'Order', [
  HoldNotFound,
  HoldNotActive,
  BusyType,
]);
const CancelOrderResult = outcomeOf('CancelOrderResult', OrderType, 'Order', [
  OrderNotFound,
  OrderFinal,
  BusyType,
]);

@Resolver(() => OrderType)
export class OrderResolver {
  @Query(() => OrderType, {
    nullable: true,
    description: 'The order made from this hold; null for an unknown token or before createOrder.',
  })
  async order(
    @Arg('holdToken', () => String, { description: 'The hold token.' }) holdToken: string,
    @Ctx() context: Context,
  ): Promise<Order | null> {
    await limitInvalidToken(context, holdToken);
    return findOrder(context.shop, holdToken);
  }

  @Mutation(() => CreateOrderResult, {
    description: "Repeating it returns the same order, also after the hold's deadline.",
  })
  async createOrder(
    @Arg('holdToken', () => String, { description: 'The hold token.' }) holdToken: string,
    @Ctx() context: Context,
  ): Promise<object> {
    await limitInvalidToken(context, holdToken);
    return answered(() => placeOrder(context.shop, holdToken));
  }

  @Mutation(() => CancelOrderResult, {
    description:
      'Cancels an order that awaits payment and gives its units back. Cancelling a cancelled order returns it again.',
  })
  async cancelOrder(
    @Arg('holdToken', () => String, { description: 'The hold token.' }) holdToken: string,
    @Ctx() context: Context,
  ): Promise<object> {
    await limitInvalidToken(context, holdToken);
    return answered(() => cancelOrder(context.shop, holdToken));
  }

  @FieldResolver(() => ProductType)
  async product(@Root() { productId }: Order, @Ctx() { loaders }: Context): Promise<ListedProduct> {
    return (await loaders.product.load(productId))!;
  }

  @FieldResolver(() => MoneyType)
  unitPrice(@Root() { unitPriceMinor, currency }: Order): MoneyType {
    return moneyOf({ minor: unitPriceMinor, currency });
  }

  @FieldResolver(() => MoneyType)
  totalAmount(@Root() order: Order): MoneyType {
    return moneyOf({ minor: totalMinor(order), currency: order.currency });
  }

  @FieldResolver(() => Int)
  remainingMs(@Root() order: Order): number {
    return order.status === 'PENDING' ? remainingMs(order.readAt, order.paymentExpiresAt) : 0;
  }

  @FieldResolver(() => [RefundType])
  refunds(@Root() { id }: Order, @Ctx() { loaders }: Context): Promise<readonly Refund[]> {
    return loaders.refunds.load(id);
  }
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
