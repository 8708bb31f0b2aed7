import {
  Arg,
  Args,
  ArgsType,
  Authorized,
  Ctx,
  Field,
  ID,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
} from 'type-graphql';
import { parseUuid } from '../../../../lib/ids.ts';
import { adminRedeliver } from '../../../../shop/admin/admin-webhooks.ts';
import type { DeliveryStatus } from '../../../../shop/events/delivery.rules.ts';
import { listDeliveries, type Delivery } from '../../../../shop/events/list-deliveries.ts';
import type { ShopEvent } from '../../../../shop/events/list-events.ts';
import { eventNotFound } from '../../../../shop/refusal.ts';
import { adminCallerOf, Context } from '../../context.ts';
import { enumOf } from '../enums.ts';
import { connectionType, Cursors, filterOf, NO_ROW, PageArgs, type Connection } from '../page.ts';
import { EventNotFound, outcomeOf, WebhookEndpointNotFound } from '../refusals.ts';
import { DateTime } from '../scalars.ts';
import { ShopEventObject } from './events.ts';

const DeliveryStatusEnum = enumOf('DeliveryStatus', 'What became of a delivery.', {
  PENDING: 'The event was not delivered yet; it is tried again.',
  DELIVERED: 'The endpoint answered 2xx.',
  FAILED: 'Every attempt of the plan failed, or the endpoint was deleted.',
} satisfies Record<DeliveryStatus, string>);

@ObjectType('DeliveryAttempt', { description: 'One attempt to deliver an event.' })
class DeliveryAttempt {
  @Field(() => DateTime, { description: 'When it began.' })
  declare at: Date;

  @Field(() => Int, {
    nullable: true,
    description: 'HTTP status; null where there was no answer.',
  })
  declare status: number | null;

  @Field(() => String, { description: 'The first KiB of the answer, or the error.' })
  declare answer: string;

  @Field(() => Int, { description: 'Duration in milliseconds.' })
  declare durationMs: number;
}

@ObjectType('WebhookDelivery', { description: 'An event on its way to an endpoint.' })
class WebhookDeliveryObject {
  @Field(() => ID, { description: 'UUIDv7.' })
  declare id: string;

  @Field(() => ShopEventObject, { description: 'The event.' })
  declare event: ShopEvent;

  @Field(() => ID, { description: 'The endpoint.' })
  declare endpointId: string;

  @Field(() => DeliveryStatusEnum, { description: 'What became of it.' })
  declare status: string;

  @Field(() => [DeliveryAttempt], { description: 'The attempts, the oldest first.' })
  declare attempts: readonly object[];

  @Field(() => DateTime, { nullable: true, description: 'When it is tried next; null when ended.' })
  declare nextAttemptAt: Date | null;
}

@ArgsType()
class DeliveriesArgs extends PageArgs {
  @Field(() => DeliveryStatusEnum, { nullable: true, description: 'Filter by status.' })
  declare status?: DeliveryStatus | null;

  @Field(() => ID, { nullable: true, description: 'Filter by endpoint.' })
  declare endpointId?: string | null;
}

const WebhookDeliveryConnection = connectionType(
  'WebhookDeliveryConnection',
  WebhookDeliveryObject,
  'A page of the deliveries.',
);
const CURSORS = new Cursors('delivery', parseUuid);

const RedeliverResult = outcomeOf('RedeliverEventResult', ShopEventObject, 'ShopEvent', [
  EventNotFound,
  WebhookEndpointNotFound,
]);

@Resolver()
export class DeliveryResolver {
  @Authorized()
  @Mutation(() => RedeliverResult, {
    description: 'Admin: sends an event again, to one endpoint or to all that take its type.',
  })
  async redeliverEvent(
    @Arg('eventId', () => ID, { description: 'The event.' }) event: string,
    @Arg('endpointId', () => ID, {
      nullable: true,
      description: 'The endpoint; omitted: all enabled ones that take its type.',
    })
    endpoint: string | null | undefined,
    @Ctx() context: Context,
  ): Promise<object> {
    const eventId = parseUuid(event);
    if (eventId === undefined) return eventNotFound;
    const endpointId = filterOf(endpoint, parseUuid, NO_ROW);
    return adminRedeliver(context.shop, adminCallerOf(context), { eventId, endpointId });
  }

  @Authorized()
  @Query(() => WebhookDeliveryConnection, {
    description: 'Admin: all deliveries, newest first; first is 1 to 100.',
  })
  async webhookDeliveries(
    @Args(() => DeliveriesArgs) args: DeliveriesArgs,
    @Ctx() { shop }: Context,
  ): Promise<Connection<Delivery>> {
    const page = await listDeliveries(shop, {
      ...CURSORS.pageRequest(args),
      status: args.status ?? null,
      endpointId: filterOf(args.endpointId, parseUuid, NO_ROW),
    });
    return CURSORS.connection(page, ({ id }) => id);
  }
}
