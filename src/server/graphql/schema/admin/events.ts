import {
  Args,
  ArgsType,
  Authorized,
  Ctx,
  Field,
  ID,
  Int,
  ObjectType,
  Query,
  Resolver,
} from 'type-graphql';
import { readEventFeed, type ShopEvent } from '../../../../shop/events/list-events.ts';
import type { ShopEventType } from '../../../../shop/events/shop-event.rules.ts';
import { Context } from '../../context.ts';
import { enumOf } from '../enums.ts';
import { connectionType, Cursors, type Connection } from '../page.ts';
import { DateTime } from '../scalars.ts';

export const EventTypeEnum = enumOf('EventType', 'What happened.', {
  ORDER_PAID: 'An order became PAID; once for each time.',
  ORDER_CANCELLED: 'An order was cancelled, by the buyer or by an admin.',
  ORDER_EXPIRED: 'An order expired unpaid.',
  REFUND_OPENED: 'A payment must be returned.',
  REFUND_RESOLVED: 'The money of a refund was returned.',
  PRODUCT_SOLD_OUT: 'The last available unit was taken. At most once a second for a product.',
  PRODUCT_BACK_IN_STOCK: 'Units are available again. At most once a second for a product.',
} satisfies Record<ShopEventType, string>);

@ObjectType('ShopEvent', { description: 'What happened, as it is sent to endpoints.' })
export class ShopEventObject {
  @Field(() => ID, { description: 'UUIDv7. A repeated delivery has the same id.' })
  declare id: string;

  @Field(() => EventTypeEnum, { description: 'What happened.' })
  declare type: string;

  @Field(() => DateTime, { description: 'When it happened.' })
  declare at: Date;

  @Field(() => ID, {
    description: 'The product; 0 for a refund of a payment whose order never existed.',
  })
  declare productId: number;

  @Field(() => ID, { nullable: true, description: 'The order; null for an event of a product.' })
  declare orderId: string | null;

  @Field(() => String, {
    description:
      'The body that endpoints receive, JSON: type, timestamp, sequence and data. Empty once retention has redacted it.',
  })
  declare payload: string;
}

@ArgsType()
class EventsArgs {
  @Field(() => Int, { defaultValue: 100, description: 'Number of rows, 1 to 100.' })
  declare first: number;

  @Field(() => String, { nullable: true, description: 'Return the events after this cursor.' })
  declare after?: string | null;

  @Field(() => EventTypeEnum, { nullable: true, description: 'Filter by type.' })
  declare type?: ShopEventType | null;
}

const EventConnection = connectionType(
  'EventConnection',
  ShopEventObject,
  'A page of the events.',
  'in the order of commits',
);

const CURSORS = new Cursors('event', parsePosition);

function parsePosition(text: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}

@Resolver()
export class EventResolver {
  @Authorized()
  @Query(() => EventConnection, {
    description:
      'Admin: all events in the order of their commits, the oldest first; first is 1 to 100. A reader that continues after the last cursor it has seen misses none. An empty page has no cursor: keep the last one.',
  })
  async events(
    @Args(() => EventsArgs) args: EventsArgs,
    @Ctx() { shop }: Context,
  ): Promise<Connection<ShopEvent>> {
    const page = await readEventFeed(shop, {
      ...CURSORS.pageRequest(args),
      type: args.type ?? null,
    });
    return CURSORS.connection(page, ({ position }) => position);
  }
}
