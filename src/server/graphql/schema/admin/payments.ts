import { Length, Matches } from 'class-validator';
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
import { replayPaymentEvent } from '../../../../shop/admin/replay-event.ts';
import { resolveRefund } from '../../../../shop/admin/resolve-refund.ts';
import type { Refund } from '../../../../shop/payments/find-refunds.ts';
import {
  listPaymentEvents,
  listRefunds,
  type PaymentEvent,
} from '../../../../shop/payments/list-payments.ts';
import { parseUuid } from '../../../../lib/ids.ts';
import { paymentEventNotFound, refundNotFound } from '../../../../shop/refusal.ts';
import { Context } from '../../context.ts';
import { enumOf } from '../enums.ts';
import { checkInput, REASON, TEXT } from '../input.ts';
import { RefundStatusEnum, RefundType } from '../order.ts';
import { connectionType, Cursors, PageArgs, type Connection } from '../page.ts';
import {
  answered,
  BusyType,
  outcomeOf,
  PaymentEventNotFound,
  RefundNotFound,
} from '../refusals.ts';
import { DateTime, Decimal } from '../scalars.ts';
import { filterOf, NO_ROW } from './filter.ts';
import { operatorOf } from './operator.ts';

const PaymentEventStatusEnum = enumOf('PaymentEventStatus', 'What became of a payment event.', {
  APPLIED: 'It took effect.',
  PARKED: 'It came before its order and waits for it.',
  IGNORED: 'The order’s state said so already, or said otherwise.',
  REFUND_REQUIRED: 'Its money cannot be honoured; a refund stands for it.',
  DEAD: 'Settling it failed ten times; a person must look.',
});

@ObjectType('PaymentEvent', { description: 'One thing a payment provider said happened.' })
class PaymentEventType {
  @Field(() => ID, { description: 'UUIDv7.' })
  declare id: string;

  @Field(() => String, { description: 'Whose webhook it came by.' })
  declare provider: string;

  @Field(() => String, { description: 'Names the event for ever, the same on each delivery.' })
  declare idempotencyKey: string;

  @Field(() => String, { nullable: true, description: "The provider's id of the payment." })
  declare paymentId: string | null;

  @Field(() => ID, { nullable: true, description: 'The order it is meant for.' })
  declare orderId: string | null;

  @Field(() => String, { description: 'What the provider said: success, failed, or its own word.' })
  declare reportedStatus: string;

  @Field(() => Decimal, { nullable: true, description: 'What was paid, as it came.' })
  declare amount: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'The amount as it came, where it cannot be read as a plain decimal; amount is null then.',
  })
  declare unreadableAmount: string | null;

  @Field(() => String, { nullable: true, description: 'ISO 4217 code, as it came.' })
  declare currency: string | null;

  @Field(() => PaymentEventStatusEnum, { description: 'What became of it.' })
  declare status: string;

  @Field(() => String, {
    nullable: true,
    description: 'One sentence: why it is parked, ignored, refunded or dead.',
  })
  declare reason: string | null;

  @Field(() => Int, { description: 'Tries to settle it that failed.' })
  declare attempts: number;

  @Field(() => Int, { description: 'How often it came again.' })
  declare duplicates: number;

  @Field(() => DateTime, { description: 'When it came first.' })
  declare receivedAt: Date;

  @Field(() => DateTime, { nullable: true, description: 'When it was settled; null until then.' })
  declare settledAt: Date | null;

  @Field(() => String, { description: 'The body as received; empty once retention blanked it.' })
  declare payload: string;
}

@ArgsType()
class PaymentEventsArgs extends PageArgs {
  @Field(() => PaymentEventStatusEnum, {
    nullable: true,
    description: 'Only events that stand so.',
  })
  declare status?: PaymentEvent['status'] | null;

  @Field(() => ID, { nullable: true, description: 'Only events of this order.' })
  declare orderId?: string | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Only successful payments that name no order: money that nothing matches.',
  })
  declare withoutOrder: boolean;
}

@ArgsType()
class RefundsArgs extends PageArgs {
  @Field(() => RefundStatusEnum, { nullable: true, description: 'Only refunds that stand so.' })
  declare status?: Refund['status'] | null;
}

@ArgsType()
class ResolveRefundArgs {
  @Field(() => ID, { description: 'The refund.' })
  declare id: string;

  @Length(1, REASON.max, REASON)
  @Matches(TEXT.pattern, TEXT)
  @Field(() => String, {
    description: 'How the money went back, 1 to 500 characters: the provider’s reference, say.',
  })
  declare note: string;
}

const PaymentEventConnection = connectionType(
  'PaymentEventConnection',
  PaymentEventType,
  'A page of the payment events.',
);
const RefundConnection = connectionType('RefundConnection', RefundType, 'A page of the refunds.');
const EVENT_CURSORS = new Cursors('payment event', parseUuid);
const REFUND_CURSORS = new Cursors('refund', parseUuid);

const ReplayPaymentEventResult = outcomeOf(
  'ReplayPaymentEventResult',
  PaymentEventType,
  'PaymentEvent',
  [PaymentEventNotFound, BusyType],
);
const ResolveRefundResult = outcomeOf('ResolveRefundResult', RefundType, 'Refund', [
  RefundNotFound,
]);

@Resolver()
export class AdminPaymentResolver {
  @Authorized()
  @Mutation(() => ReplayPaymentEventResult, {
    description:
      'Operator: settles a parked or dead event once more; one that is settled already stays as it is.',
  })
  async replayPaymentEvent(
    @Arg('id', () => ID, { description: 'The event.' }) id: string,
    @Ctx() context: Context,
  ): Promise<object> {
    const eventId = parseUuid(id);
    if (eventId === undefined) return paymentEventNotFound;
    return answered(() => replayPaymentEvent(context.shop, operatorOf(context), eventId));
  }

  @Authorized()
  @Mutation(() => ResolveRefundResult, {
    description: 'Operator: the money went back; resolving twice returns it again.',
  })
  async resolveRefund(
    @Args(() => ResolveRefundArgs, { validateFn: checkInput }) { id, note }: ResolveRefundArgs,
    @Ctx() context: Context,
  ): Promise<object> {
    const refundId = parseUuid(id);
    if (refundId === undefined) return refundNotFound;
    return resolveRefund(context.shop, operatorOf(context), { refundId, note });
  }

  @Authorized()
  @Query(() => PaymentEventConnection, {
    description: 'Operator: all payment events, newest first; first is 1 to 100.',
  })
  async paymentEvents(
    @Args(() => PaymentEventsArgs) args: PaymentEventsArgs,
    @Ctx() { shop }: Context,
  ): Promise<Connection<PaymentEvent>> {
    const page = await listPaymentEvents(shop, {
      ...EVENT_CURSORS.wanted(args),
      status: args.status ?? null,
      orderId: filterOf(args.orderId, parseUuid, NO_ROW),
      withoutOrder: args.withoutOrder,
    });
    return EVENT_CURSORS.connection(page, ({ id }) => id);
  }

  @Authorized()
  @Query(() => RefundConnection, {
    description: 'Operator: all refunds, newest first; first is 1 to 100.',
  })
  async refunds(
    @Args(() => RefundsArgs) args: RefundsArgs,
    @Ctx() { shop }: Context,
  ): Promise<Connection<Refund>> {
    const page = await listRefunds(shop, {
      ...REFUND_CURSORS.wanted(args),
      status: args.status ?? null,
    });
    return REFUND_CURSORS.connection(page, ({ id }) => id);
  }
}
