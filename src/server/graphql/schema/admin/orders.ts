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
import type { Hold, Order } from '../../../../shop/purchases/reads/find-purchases.ts';
import { holdStatus } from '../../../../shop/purchases/hold.rules.ts';
import { listHolds, listOrders } from '../../../../shop/purchases/reads/list-purchases.ts';
import { adminCancelOrder } from '../../../../shop/admin/admin-cancel-order.ts';
import { parseUuid } from '../../../../lib/ids.ts';
import { noSuchOrder } from '../../../../shop/refusal.ts';
import { adminCallerOf, Context } from '../../context.ts';
import { HoldStatusEnum } from '../enums.ts';
import { checkInput, REASON, TEXT } from '../input.ts';
import { OrderFinal, OrderStatusEnum, OrderType } from '../order.ts';
import {
  connectionType,
  Cursors,
  PageArgs,
  type Connection,
  filterOf,
  NO_PRODUCT,
} from '../page.ts';
import { BusyType, OrderNotFound, outcomeOf, toMutationResult } from '../refusals.ts';
import { DateTime } from '../scalars.ts';

@ArgsType()
class AdminCancelOrderArgs {
  @Field(() => ID, { description: 'The order.' })
  declare orderId: string;

  @Length(1, REASON.max, REASON)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, {
    description: 'The reason, 1 to 500 characters; stored with the stock movement.',
  })
  declare reason: string;

  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'Whether the units of a paid order become available again. Otherwise they are removed from the total.',
  })
  declare restock: boolean;
}

@ArgsType()
class PurchasesArgs extends PageArgs {
  @Field(() => ID, { nullable: true, description: 'Filter by product.' })
  declare productId?: string | null;

  @ValidateIf((args: PurchasesArgs) => args.customerId != null)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, { nullable: true, description: 'Filter by customer.' })
  declare customerId?: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Only those created at or after this instant.',
  })
  declare createdAfter?: Date | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Only those created before this instant.',
  })
  declare createdBefore?: Date | null;
}

@ArgsType()
class OrdersArgs extends PurchasesArgs {
  @Field(() => OrderStatusEnum, { nullable: true, description: 'Filter by status.' })
  declare status?: Order['status'] | null;

  @ValidateIf((args: OrdersArgs) => args.paymentId != null)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, { nullable: true, description: 'Filter by the payment that paid it.' })
  declare paymentId?: string | null;
}

@ArgsType()
class HoldsArgs extends PurchasesArgs {
  @Field(() => HoldStatusEnum, { nullable: true, description: 'Filter by status.' })
  declare status?: Hold['status'] | null;
}

@ObjectType('AdminHold', { description: 'A hold as the admin sees it, without its token.' })
export class AdminHoldType {
  @Field(() => ID, { description: 'UUIDv7. An identifier, not a credential.' })
  declare id: string;

  @Field(() => ID, { description: 'The id of its order, known before the order exists.' })
  declare orderId: string;

  @Field(() => ID, { description: 'The held product.' })
  declare productId: number;

  @Field(() => Int, { description: 'The number of held units.' })
  declare quantity: number;

  @Field(() => String, {
    nullable: true,
    description: 'The customer id that the buyer gave; null if none was given.',
  })
  declare customerId: string | null;

  @Field(() => HoldStatusEnum, {
    description: 'EXPIRED from the deadline on, even before a sweep ends the hold.',
  })
  declare status: string;

  @Field(() => DateTime, { description: 'When the hold was created.' })
  declare createdAt: Date;

  @Field(() => DateTime, { description: 'When the hold expires.' })
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
      'Admin: cancels an order. The units of a pending order become available again. A paid order gets a Refund ORDER_CANCELLED. With restock its units become available; without it sold and total both decrease. Cancelling a cancelled order returns it, and makes the cancellation permanent: a later payment is refunded.',
  })
  async adminCancelOrder(
    @Args(() => AdminCancelOrderArgs, { validateFn: checkInput }) args: AdminCancelOrderArgs,
    @Ctx() context: Context,
  ): Promise<object> {
    const orderId = parseUuid(args.orderId);
    if (orderId === undefined) return noSuchOrder;
    const { reason, restock } = args;
    return toMutationResult(() =>
      adminCancelOrder(context.shop, adminCallerOf(context), { orderId, reason, restock }),
    );
  }

  @Authorized()
  @Query(() => OrderType, {
    nullable: true,
    description: 'Admin: any order; null for an unknown id.',
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
    description: 'Admin: all orders, newest first; first is 1 to 100.',
  })
  async orders(
    @Args(() => OrdersArgs, { validateFn: checkInput }) args: OrdersArgs,
    @Ctx() { shop }: Context,
  ): Promise<Connection<Order>> {
    const page = await listOrders(shop, {
      ...ORDER_CURSORS.pageRequest(args),
      ...filtersOf(args),
      status: args.status ?? null,
      paymentId: args.paymentId ?? null,
    });
    return ORDER_CURSORS.connection(page, ({ id }) => id);
  }

  @Authorized()
  @Query(() => HoldConnection, {
    description: 'Admin: all holds, newest first; first is 1 to 100.',
  })
  async holds(
    @Args(() => HoldsArgs, { validateFn: checkInput }) args: HoldsArgs,
    @Ctx() { shop }: Context,
  ): Promise<Connection<Hold>> {
    const page = await listHolds(shop, {
      ...HOLD_CURSORS.pageRequest(args),
      ...filtersOf(args),
      status: args.status ?? null,
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

function filtersOf({ productId, customerId, createdAfter, createdBefore }: PurchasesArgs) {
  return {
    productId: filterOf(productId, parseProductId, NO_PRODUCT),
    customerId: customerId ?? null,
    createdAfter: createdAfter ?? null,
    createdBefore: createdBefore ?? null,
  };
}
