import { Length, Matches, ValidateIf } from 'class-validator';
import {
  Arg,
  Args,
  ArgsType,
  Authorized,
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
import { parseProductId } from '../../../../shop/catalog/product.rules.ts';
import type { Hold } from '../../../../shop/purchases/find-holds.ts';
import { holdStatus } from '../../../../shop/purchases/hold.rules.ts';
import { listHolds } from '../../../../shop/purchases/list-holds.ts';
import { adminCancelOrder } from '../../../../shop/admin/admin-cancel-order.ts';
import type { Order } from '../../../../shop/purchases/find-orders.ts';
import { listOrders } from '../../../../shop/purchases/list-orders.ts';
import { parseUuid } from '../../../../lib/ids.ts';
import { noSuchOrder } from '../../../../shop/refusal.ts';
import { Context } from '../../context.ts';
import { HoldStatusEnum } from '../enums.ts';
import { checkInput, REASON, TEXT } from '../input.ts';
import { OrderFinal, OrderStatusEnum, OrderType } from '../order.ts';
import { connectionType, Cursors, PageArgs, type Connection } from '../page.ts';
import { answered, BusyType, OrderNotFound, outcomeOf } from '../refusals.ts';
import { DateTime } from '../scalars.ts';
import { filterOf, NO_PRODUCT } from './filter.ts';
import { operatorOf } from './operator.ts';

@ArgsType()
class AdminCancelOrderArgs {
  @Field(() => ID, { description: 'The order.' })
  declare orderId: string;

  @Length(1, REASON.max, REASON)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, {
    description: 'Why, 1 to 500 characters; it stands in the stock movement.',
  })
  declare reason: string;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Whether a paid order’s units become available again; else they leave the sale.',
  })
  declare restock: boolean;
}

@ArgsType()
class OrdersArgs extends PageArgs {
  @Field(() => OrderStatusEnum, { nullable: true, description: 'Only orders that stand so.' })
  declare status?: Order['status'] | null;

  @Field(() => ID, { nullable: true, description: 'Only orders of this product.' })
  declare productId?: string | null;
}

@ArgsType()
class HoldsArgs extends PageArgs {
  @Field(() => HoldStatusEnum, { nullable: true, description: 'Only holds that stand so.' })
  declare status?: Hold['status'] | null;

  @Field(() => ID, { nullable: true, description: 'Only holds of this product.' })
  declare productId?: string | null;

  @ValidateIf((args: HoldsArgs) => args.customerId != null)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, { nullable: true, description: 'Only holds of this customer.' })
  declare customerId?: string | null;
}

@ObjectType('AdminHold', { description: 'A hold as the operator sees it: never its token.' })
class AdminHoldType {
  @Field(() => ID, { description: 'UUIDv7. It opens nothing.' })
  declare id: string;

  @Field(() => ID, { description: 'What is held.' })
  declare productId: number;

  @Field(() => Int, { description: 'How many units.' })
  declare quantity: number;

  @Field(() => String, {
    nullable: true,
    description: 'The buyer’s reference, where one was given.',
  })
  declare customerId: string | null;

  @Field(() => HoldStatusEnum, {
    description: 'EXPIRED from the deadline on, whether or not a sweep came by.',
  })
  declare status: string;

  @Field(() => DateTime, { description: 'When the hold was made.' })
  declare createdAt: Date;

  @Field(() => DateTime, { description: 'The deadline.' })
  declare expiresAt: Date;
}

const OrderConnection = connectionType('OrderConnection', OrderType, 'A page of the orders.');
const HoldConnection = connectionType('HoldConnection', AdminHoldType, 'A page of the holds.');
const ORDER_CURSORS = new Cursors('order', parseUuid);
const HOLD_CURSORS = new Cursors('hold', parseUuid);

const AdminCancelOrderResult = outcomeOf('AdminCancelOrderResult', OrderType, 'Order', [
  OrderNotFound,
  OrderFinal,
  BusyType,
]);

@Resolver()
export class AdminOrderResolver {
  @Authorized()
  @Mutation(() => AdminCancelOrderResult, {
    description:
      'Operator: a pending order is cancelled and its units come back. A paid one is cancelled with a Refund ORDER_CANCELLED; with restock its units become available, without it they leave the sale: sold and total both fall. Cancelling a cancelled order returns it again.',
  })
  async adminCancelOrder(
    @Args(() => AdminCancelOrderArgs, { validateFn: checkInput }) args: AdminCancelOrderArgs,
    @Ctx() context: Context,
  ): Promise<object> {
    const orderId = parseUuid(args.orderId);
    if (orderId === undefined) return noSuchOrder;
    const { reason, restock } = args;
    return answered(() =>
      adminCancelOrder(context.shop, operatorOf(context), { orderId, reason, restock }),
    );
  }

  @Authorized()
  @Query(() => OrderType, {
    nullable: true,
    description: 'Operator: any order; null for an unknown id.',
  })
  adminOrder(
    @Arg('id', () => ID, { description: 'The order.' }) id: string,
    @Ctx() { loaders }: Context,
  ): Promise<Order | null> | null {
    const orderId = parseUuid(id);
    return orderId === undefined ? null : loaders.order.load(orderId);
  }

  @Authorized()
  @Query(() => OrderConnection, {
    description: 'Operator: all orders, newest first; first is 1 to 100.',
  })
  async orders(
    @Args(() => OrdersArgs) args: OrdersArgs,
    @Ctx() { shop }: Context,
  ): Promise<Connection<Order>> {
    const page = await listOrders(shop, {
      ...ORDER_CURSORS.wanted(args),
      status: args.status ?? null,
      productId: filterOf(args.productId, parseProductId, NO_PRODUCT),
    });
    return ORDER_CURSORS.connection(page, ({ id }) => id);
  }

  @Authorized()
  @Query(() => HoldConnection, {
    description: 'Operator: all holds, newest first; first is 1 to 100.',
  })
  async holds(
    @Args(() => HoldsArgs, { validateFn: checkInput }) args: HoldsArgs,
    @Ctx() { shop }: Context,
  ): Promise<Connection<Hold>> {
    const page = await listHolds(shop, {
      ...HOLD_CURSORS.wanted(args),
      status: args.status ?? null,
      productId: filterOf(args.productId, parseProductId, NO_PRODUCT),
      customerId: args.customerId ?? null,
    });
    return HOLD_CURSORS.connection(page, ({ id }) => id);
  }
}

@Resolver(() => AdminHoldType)
export class AdminHoldResolver {
  @FieldResolver(() => HoldStatusEnum)
  status(@Root() hold: Hold): string {
    return holdStatus(hold);
  }
}
