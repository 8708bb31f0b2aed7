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
import type { Metadata as Notes } from '../../../shop/purchases/metadata.rules.ts';
import { type OrderStatus, remainingMs } from '../../../shop/purchases/status.rules.ts';
import { findOrder, type Order } from '../../../shop/purchases/reads/find-purchases.ts';
import { totalMinor } from '../../../shop/purchases/order.rules.ts';
import { createOrder } from '../../../shop/payments/create-order.ts';
import type { Refund } from '../../../shop/payments/list-payments.ts';
import { Context, limitInvalidToken } from '../context.ts';
import { enumOf } from './enums.ts';
import { ProductType, type ListedProduct } from './product.ts';
import { RefundType } from './refund.ts';
import {
  BusyType,
  CheckoutError,
  HoldNotActive,
  HoldNotFound,
  OrderNotFound,
  outcomeOf,
  toMutationResult,
} from './refusals.ts';
import { DateTime, Metadata, moneyOf, MoneyType } from './scalars.ts';

export const OrderStatusEnum = enumOf('OrderStatus', 'The state of an order.', {
  PENDING: 'The order awaits payment. Its units stay held.',
  PAID: 'The order is paid. Its units are sold.',
  CANCELLED: 'The order was cancelled. Its units are available again.',
  EXPIRED: 'The payment deadline passed. The units are available again.',
} satisfies Record<OrderStatus, string>);

@ObjectType('Order', {
  description:
    'What a hold becomes: a purchase that is PENDING until it is paid, cancelled or expired.',
})
export class OrderType {
  @Field(() => ID, { description: 'The orderId of the hold. UUIDv7.' })
  declare id: string;

  @Field(() => ProductType, { description: 'The product.' })
  declare product: ListedProduct;

  @Field(() => Int, { description: 'Number of units.' })
  declare quantity: number;

  @Field(() => MoneyType, { description: 'Price of one unit, fixed when the hold was created.' })
  declare unitPrice: MoneyType;

  @Field(() => MoneyType, { description: 'The amount to pay: unitPrice times quantity.' })
  declare totalAmount: MoneyType;

  @Field(() => OrderStatusEnum, { description: 'The state of the order.' })
  declare status: string;

  @Field(() => String, {
    nullable: true,
    description: 'The payment that paid the order; null before that.',
  })
  declare paymentId: string | null;

  @Field(() => DateTime, { description: 'When the order was created.' })
  declare createdAt: Date;

  @Field(() => DateTime, {
    description:
      'The payment deadline. After it, the order expires and its units are available again.',
  })
  declare paymentExpiresAt: Date;

  @Field(() => Int, {
    description:
      'Milliseconds until paymentExpiresAt by the server’s clock; 0 if the order is not PENDING.',
  })
  declare remainingMs: number;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the order was paid; null before that.',
  })
  declare paidAt: Date | null;

  @Field(() => DateTime, { description: 'When the status last changed.' })
  declare updatedAt: Date;

  @Field(() => String, {
    nullable: true,
    description: "The hold's customerId; null if none was given.",
  })
  declare customerId: string | null;

  @Field(() => Metadata, { description: 'As attached to the hold.' })
  declare metadata: Notes;

  @Field(() => [RefundType], {
    description: 'Refunds of payments for this order.',
  })
  declare refunds: readonly Refund[];
}

@ObjectType('OrderFinal', {
  description: 'The order is in a state that this call cannot change.',
  implements: CheckoutError,
})
export class OrderFinal extends CheckoutError {
  @Field(() => OrderType, { description: 'The order in its current state.' })
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
    description:
      "Creates the order of a hold. Repeating the call returns the same order, also after the hold's deadline.",
  })
  async createOrder(
    @Arg('holdToken', () => String, { description: 'The hold token.' }) holdToken: string,
    @Ctx() context: Context,
  ): Promise<object> {
    await limitInvalidToken(context, holdToken);
    return toMutationResult(() => createOrder(context.shop, holdToken));
  }

  @Mutation(() => CancelOrderResult, {
    description:
      'Cancels a PENDING order and makes its units available. Cancelling a cancelled order returns it again.',
  })
  async cancelOrder(
    @Arg('holdToken', () => String, { description: 'The hold token.' }) holdToken: string,
    @Ctx() context: Context,
  ): Promise<object> {
    await limitInvalidToken(context, holdToken);
    return toMutationResult(() => cancelOrder(context.shop, holdToken));
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
