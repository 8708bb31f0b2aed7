import { Arg, Authorized, Ctx, Field, ID, ObjectType, Query, Resolver } from 'type-graphql';
import { parseUuid } from '../../../../lib/ids.ts';
import { readOrderStory, type OrderStory } from '../../../../shop/admin/read-order-story.ts';
import { Context } from '../../context.ts';
import { OrderType } from '../order.ts';
import { ShopEventObject } from './events.ts';
import { AdminHoldType } from './orders.ts';
import { PaymentEventType } from './payments.ts';

@ObjectType('OrderStory', { description: 'What happened to one purchase, from hold to refund.' })
class OrderStoryType {
  @Field(() => AdminHoldType, {
    nullable: true,
    description: 'The hold; null if a payment names an order that never had one.',
  })
  declare hold: object | null;

  @Field(() => OrderType, { nullable: true, description: 'The order; null before createOrder.' })
  declare order: object | null;

  @Field(() => [PaymentEventType], {
    description: 'The newest 100 payment events that name the order, oldest first.',
  })
  declare paymentEvents: readonly object[];

  @Field(() => [ShopEventObject], {
    description: 'The first 100 events of the order, oldest first.',
  })
  declare events: readonly object[];
}

@Resolver()
export class OrderStoryResolver {
  @Authorized()
  @Query(() => OrderStoryType, {
    nullable: true,
    description: 'Admin: what happened to one purchase; null for an unknown id.',
  })
  orderStory(
    @Arg('id', () => ID, { description: 'The order or its hold.' }) id: string,
    @Ctx() { shop }: Context,
  ): Promise<OrderStory | null> | null {
    const known = parseUuid(id);
    return known === undefined ? null : readOrderStory(shop, known);
  }
}
